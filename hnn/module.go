package hnn

import (
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
)

// Layer is a module placed on a graph. It is the same type as layers.Layer and
// graph.Layer.
//
// A layer that depends on time has a second method,
//
//	FwdAt(t, y *G.Node) (*G.Node, error)
//
// where t is a (batch, 1) column of times.
type Layer = graph.Layer

// Module is a description that can be placed on any graph. It is the same type as
// layers.Module.
//
// Where this package asks for an energy, the module maps states z = (q, p) of
// shape (batch, 2n), the first n columns positions and the last n momenta, to
// energies of shape (batch, 1), each row by itself.
type Module = interface {
	Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error)
}

// splitLayer is an energy that takes positions and momenta apart, both
// (batch, n). t is nil where there is no time.
type splitLayer interface {
	energyOf(t, q, p *G.Node) (*G.Node, error)
}
