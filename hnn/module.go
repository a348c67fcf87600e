package hnn

import (
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Layer is a module placed on a graph. It is the same type as layers.Layer and
// graph.Layer.
//
// A layer that depends on time has a second method,
//
//	FwdAt(t, y *G.Node) (*G.Node, error)
//
// where t is a (batch, 1) column of times.
type Layer = interface {
	Fwd(x *G.Node) (*G.Node, error)
	Learnables() G.Nodes
}

// Module is a description that can be placed on any graph; every module of
// package layers is one.
//
// Where this package asks for an energy, the module maps states z = (q, p) of
// shape (batch, 2n), the first n columns positions and the last n momenta, to
// energies of shape (batch, 1), each row by itself.
type Module interface {
	Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error)
}

// timedLayer is a Layer that depends on time.
type timedLayer interface {
	FwdAt(t, y *G.Node) (*G.Node, error)
}

// splitLayer is an energy that takes positions and momenta apart, both
// (batch, n). t is nil where there is no time.
type splitLayer interface {
	energyOf(t, q, p *G.Node) (*G.Node, error)
}

// shaper is a Module that knows the shape of one sample of its input.
type shaper interface{ StateShape() []int }

// stateShape returns the module's StateShape, or nil.
func stateShape(m Module) []int {
	if s, ok := m.(shaper); ok {
		return s.StateShape()
	}
	return nil
}

// isTimed reports whether any of the layers depends on time. nil layers do not.
func isTimed(ls ...Layer) bool {
	for _, l := range ls {
		if _, ok := l.(timedLayer); ok {
			return true
		}
	}
	return false
}

// forward applies a layer at time t if it depends on time.
func forward(l Layer, t, x *G.Node) (*G.Node, error) {
	if f, ok := l.(timedLayer); ok {
		return f.FwdAt(t, x)
	}
	return l.Fwd(x)
}

// join joins the names of a module and one of its parts.
func join(name, part string) string {
	if name == "" {
		return part
	}
	return name + "/" + part
}
