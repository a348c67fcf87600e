package hnn

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Sum is the energy H₁ + H₂ + …, such as a known part and a learned correction.
// The learnables of part i are under "name/i".
type Sum []Module

// Place implements [Module].
func (s Sum) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	if len(s) == 0 {
		return nil, &ConfigError{What: "Sum", Faults: []string{"no parts; give at least one energy"}}
	}
	l := &placedSum{name: name}
	for i, m := range s {
		if m == nil {
			return nil, &ConfigError{What: "Sum", Faults: []string{fmt.Sprintf("part %d is nil", i)}}
		}
		part, err := m.Place(g, nodes.Join(name, fmt.Sprint(i)), dt, r)
		if err != nil {
			return nil, err
		}
		l.parts = append(l.parts, part)
	}
	if nodes.IsTimed(l.parts...) {
		return timedSum{l}, nil
	}
	return l, nil
}

// StateShape is that of the first part that knows one.
func (s Sum) StateShape() []int {
	for _, m := range s {
		if d := nodes.StateShape(m); d != nil {
			return d
		}
	}
	return nil
}

type placedSum struct {
	name  string
	parts []Layer
}

func (l *placedSum) Learnables() G.Nodes {
	var all G.Nodes
	for _, p := range l.parts {
		all = append(all, p.Learnables()...)
	}
	return all
}

func (l *placedSum) Fwd(z *G.Node) (*G.Node, error) { return l.at(nil, z) }

func (l *placedSum) at(t, z *G.Node) (*G.Node, error) {
	if z == nil {
		panic("hnn: nil node")
	}
	b := build(z)
	var sum *G.Node
	for i, p := range l.parts {
		e, err := nodes.Forward(p, t, z)
		if err != nil {
			return nil, err
		}
		if err := checkColumn(fmt.Sprintf("Sum %s: energy %d", l.name, i), e, z.Shape()[0]); err != nil {
			return nil, err
		}
		if i == 0 {
			sum = e
		} else {
			sum = b.Add(sum, e)
		}
	}
	return b.result(sum)
}

type timedSum struct{ *placedSum }

func (l timedSum) FwdAt(t, z *G.Node) (*G.Node, error) { return l.at(t, z) }

func (l timedSum) Fwd(*G.Node) (*G.Node, error) {
	return nil, &ConfigError{What: "Sum " + l.name, Faults: []string{"the energy depends on time; call FwdAt(t, z)"}}
}
