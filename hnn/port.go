package hnn

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Port is the force g(q)u of exogenous inputs u(t), a module for Field.Drive and
// Lagrangian.Force: the input port of a port-Hamiltonian system, SymODEN's g if it is
// learned (Zhong, Dey and Chakraborty 2020). The inputs come from outside, by
// graph.FieldConfig.Input and SetInput.
type Port struct {
	// G maps positions (batch, n) to matrices (batch, n·Inputs), row-major. Nil is the
	// identity; then Inputs is n.
	G Module

	// Inputs is the number of channels of u.
	Inputs int
}

// Place implements [Module].
func (p Port) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	if p.Inputs < 1 {
		return nil, &ConfigError{What: "Port", Faults: []string{fmt.Sprintf("Inputs is %d; it must be at least 1", p.Inputs)}}
	}
	l := placedPort{name: name, inputs: p.Inputs}
	if p.G == nil {
		return l, nil
	}
	var err error
	if l.g, err = p.G.Place(g, name, dt, r); err != nil {
		return nil, err
	}
	return l, nil
}

type placedPort struct {
	name   string
	g      Layer // or nil
	inputs int
}

func (l placedPort) Learnables() G.Nodes {
	if l.g == nil {
		return nil
	}
	return l.g.Learnables()
}

func (l placedPort) Fwd(*G.Node) (*G.Node, error) { return nil, errNeedsInput("Port " + l.name) }

// FwdInput is how graph passes the input.
func (l placedPort) FwdInput(t, u, _, z *G.Node) (*G.Node, error) {
	n, err := checkState("Port "+l.name, z)
	if err != nil {
		return nil, err
	}
	batch := z.Shape()[0]
	if want := (tensor.Shape{batch, l.inputs}); u == nil || !u.Shape().Eq(want) {
		return nil, &ConfigError{What: "Port " + l.name, Faults: []string{fmt.Sprintf("the inputs must be %v; set graph.InputConfig.Channels", want)}}
	}
	if l.g == nil {
		if l.inputs != n {
			return nil, &ConfigError{What: "Port " + l.name, Faults: []string{fmt.Sprintf("%d inputs for %d positions; set G", l.inputs, n)}}
		}
		return u, nil
	}
	b := build(z)
	q := b.columns(z, 0, n)
	if b.Err() != nil {
		return nil, b.Err()
	}
	g, err := nodes.Forward(l.g, t, q)
	if err != nil {
		return nil, err
	}
	if want := (tensor.Shape{batch, n * l.inputs}); !g.Shape().Eq(want) {
		return nil, &ShapeError{What: "Port " + l.name + ": the result of G", Got: g.Shape().Clone(), Want: fmt.Sprintf("%v, an (%d, %d) matrix for each row", want, n, l.inputs)}
	}
	force := b.Binary("BatchedMatMul", func(x, y *G.Node) (*G.Node, error) { return G.BatchedMatMul(x, y) },
		b.Reshape(g, tensor.Shape{batch, n, l.inputs}), b.Reshape(u, tensor.Shape{batch, l.inputs, 1}))
	return b.result(b.Reshape(force, tensor.Shape{batch, n}))
}

// driven is a Layer with exogenous inputs.
type driven interface {
	FwdInput(t, u, du, z *G.Node) (*G.Node, error)
}

func takesInput(l Layer) bool {
	_, ok := l.(driven)
	return ok
}

// forwardInput applies a layer with the inputs and the time, as far as it takes them.
func forwardInput(l Layer, t, u, du, z *G.Node) (*G.Node, error) {
	if d, ok := l.(driven); ok {
		return d.FwdInput(t, u, du, z)
	}
	return nodes.Forward(l, t, z)
}

func errNeedsInput(what string) error {
	return &ConfigError{What: what, Faults: []string{"the module has inputs; compile it with graph.FieldConfig.Input, or call FwdInput"}}
}
