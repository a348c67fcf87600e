package layers

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// AppendInput makes dynamics dy/dt = f(y, u) driven by exogenous inputs u(t): it
// passes on y, of shape (batch, n), with the Channels columns of u beside it, so Of
// must take inputs of width n+Channels. u comes from outside, by
// graph.FieldConfig.Input and SetInput; its rates are not used.
//
// The layer's Fwd takes an input that has these columns already.
type AppendInput struct {
	Of       Module // placed under the same name
	Channels int
}

// Place implements [Module].
func (m AppendInput) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	if faults := drivenFaults(m.Of, m.Channels); faults != nil {
		return nil, &ConfigError{What: "AppendInput", Faults: faults}
	}
	inner, err := m.Of.Place(g, name, dt, r)
	if err != nil {
		return nil, err
	}
	return placedAppendInput{Layer: inner, name: name, channels: m.Channels}, nil
}

// StateShape is Of's without the channels, and nil if Of knows none.
func (m AppendInput) StateShape() []int {
	inner := nodes.StateShape(m.Of)
	if len(inner) != 1 || inner[0] <= m.Channels {
		return nil
	}
	return []int{inner[0] - m.Channels}
}

func drivenFaults(of Module, channels int) (faults []string) {
	if of == nil {
		faults = append(faults, "Of is nil; it is the module that is driven")
	}
	if channels < 1 {
		faults = append(faults, fmt.Sprintf("%d channels; there must be at least 1", channels))
	}
	return faults
}

type placedAppendInput struct {
	Layer
	name     string
	channels int
}

// FwdInput is how graph passes the input.
func (l placedAppendInput) FwdInput(t, u, _, y *G.Node) (*G.Node, error) {
	if err := checkDriven(l.name, u, y, l.channels); err != nil {
		return nil, err
	}
	b := nodes.On(y)
	yu, err := b.Result(b.Binary("Concat", func(y, u *G.Node) (*G.Node, error) { return G.Concat(1, y, u) }, y, u))
	if err != nil {
		return nil, fmt.Errorf("layers: %s: %w", l.name, err)
	}
	return nodes.Forward(l.Layer, t, yu)
}

// checkDriven checks the shapes of a state (batch, n) and of inputs (batch, channels).
func checkDriven(name string, u, y *G.Node, channels int) error {
	if u == nil || y == nil {
		panic("layers: nil input")
	}
	if y.Dims() != 2 {
		return &ShapeError{What: name, Got: y.Shape().Clone(), Want: "(batch, n) for a field with inputs; reshape the state"}
	}
	if want := (tensor.Shape{y.Shape()[0], channels}); !u.Shape().Eq(want) {
		return &ShapeError{What: name + " (inputs)", Got: u.Shape().Clone(), Want: fmt.Sprintf("%v; set graph.InputConfig.Channels", want)}
	}
	return nil
}

// CDE is a neural controlled differential equation (Kidger, Morrill, Foster and Lyons
// 2020),
//
//	dy/dt = F(y) du/dt,
//
// where Of maps y, (batch, n), to the matrices F, (batch, n·Channels), row-major. Give
// time to it as one of the channels. The rates come from outside, by
// graph.InputConfig{Channels, Rates: true}.
//
// A hyperbolic tangent at the end of Of keeps the state from growing without bound.
type CDE struct {
	Of       Module // placed under the same name
	Channels int
}

// Place implements [Module].
func (m CDE) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	if faults := drivenFaults(m.Of, m.Channels); faults != nil {
		return nil, &ConfigError{What: "CDE", Faults: faults}
	}
	inner, err := m.Of.Place(g, name, dt, r)
	if err != nil {
		return nil, err
	}
	return placedCDE{Layer: inner, name: name, channels: m.Channels}, nil
}

// StateShape is Of's.
func (m CDE) StateShape() []int { return nodes.StateShape(m.Of) }

// placedCDE's Fwd is F(y).
type placedCDE struct {
	Layer
	name     string
	channels int
}

// FwdInput is how graph passes the input.
func (l placedCDE) FwdInput(t, u, du, y *G.Node) (*G.Node, error) {
	if err := checkDriven(l.name, u, y, l.channels); err != nil {
		return nil, err
	}
	if du == nil {
		return nil, &ConfigError{What: "CDE " + l.name, Faults: []string{"the rates du/dt are missing; set graph.InputConfig.Rates"}}
	}
	f, err := nodes.Forward(l.Layer, t, y)
	if err != nil {
		return nil, err
	}
	batch, n := y.Shape()[0], y.Shape()[1]
	if want := (tensor.Shape{batch, n * l.channels}); !f.Shape().Eq(want) {
		return nil, &ShapeError{What: l.name + ": the result of Of", Got: f.Shape().Clone(), Want: fmt.Sprintf("%v, a matrix (%d, %d) for each sample", want, n, l.channels)}
	}
	b := nodes.On(y)
	product := b.Binary("BatchedMatMul", func(x, y *G.Node) (*G.Node, error) { return G.BatchedMatMul(x, y) },
		b.Reshape(f, tensor.Shape{batch, n, l.channels}), b.Reshape(du, tensor.Shape{batch, l.channels, 1}))
	dydt, err := b.Result(b.Reshape(product, tensor.Shape{batch, n}))
	if err != nil {
		return nil, fmt.Errorf("layers: %s: %w", l.name, err)
	}
	return dydt, nil
}
