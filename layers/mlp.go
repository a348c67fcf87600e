package layers

import (
	"fmt"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// MLP is a multilayer perceptron of any depth on the last axis: an input of
// shape (batch, …, In) gives (batch, …, Out). Layer i has the learnables
// "name/Wi" and "name/bi", of shapes (in, out) and (1, out), counted from 0.
//
// It is plain data: encoding/json writes and reads it.
type MLP struct {
	In         int        `json:"in"`                   // width of the input; at least 1
	Hidden     []int      `json:"hidden,omitempty"`     // widths of the hidden layers; none: an affine map
	Out        int        `json:"out"`                  // width of the result; at least 1
	Activation Activation `json:"activation,omitzero"`  // after every hidden layer; zero: Tanh
	Final      Activation `json:"final,omitzero"`       // after the last layer; zero: Identity
	NoBias     bool       `json:"no_bias,omitempty"`    // leave out all biases
	WeightInit Init       `json:"weight_init,omitzero"` // zero: GlorotUniform(1)
	BiasInit   Init       `json:"bias_init,omitzero"`   // zero: Constant(0)
}

// Place implements [Module].
func (m MLP) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	l := &placedMLP{name: name, hidden: m.Activation.or(Tanh), final: m.Final}
	r = sourceOr(r)
	in := m.In
	for i, out := range slices.Concat(m.Hidden, []int{m.Out}) {
		w, b := nodes.Join(name, fmt.Sprintf("W%d", i)), nodes.Join(name, fmt.Sprintf("b%d", i))
		a, err := placeAffine(g, w, b, dt, Linear{In: in, Out: out, NoBias: m.NoBias, WeightInit: m.WeightInit, BiasInit: m.BiasInit}, r)
		if err != nil {
			return nil, err
		}
		l.affine = append(l.affine, a)
		in = out
	}
	return l, nil
}

// StateShape is (In).
func (m MLP) StateShape() []int { return []int{m.In} }

func (m MLP) validate() error {
	var faults []string
	if m.In < 1 {
		faults = append(faults, fmt.Sprintf("In is %d; it must be at least 1", m.In))
	}
	for i, n := range m.Hidden {
		if n < 1 {
			faults = append(faults, fmt.Sprintf("Hidden[%d] is %d; it must be at least 1", i, n))
		}
	}
	if m.Out < 1 {
		faults = append(faults, fmt.Sprintf("Out is %d; it must be at least 1", m.Out))
	}
	for _, a := range []Activation{m.Activation, m.Final} {
		if err := a.validate(); err != nil {
			faults = append(faults, err.(*ConfigError).Faults...)
		}
	}
	if faults != nil {
		return &ConfigError{What: "MLP", Faults: faults}
	}
	return nil
}

type placedMLP struct {
	name          string
	affine        []affine
	hidden, final Activation
}

func (l *placedMLP) Fwd(x *G.Node) (*G.Node, error) {
	return overLastAxis(l.name, x, l.affine[0].w, l.apply)
}

// apply runs the network on an x of two axes.
func (l *placedMLP) apply(x *G.Node) (y *G.Node, err error) {
	y = x
	for i, a := range l.affine {
		act := l.hidden
		if i == len(l.affine)-1 {
			act = l.final
		}
		if y, err = a.apply(y); err != nil {
			return nil, err
		}
		if y, err = act.Apply(y); err != nil {
			return nil, err
		}
	}
	return y, nil
}

func (l *placedMLP) Learnables() G.Nodes {
	var all G.Nodes
	for _, a := range l.affine {
		all = append(all, a.Learnables()...)
	}
	return all
}
