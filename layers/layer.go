package layers

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Layer is a module that has been placed on a graph. It is an alias of an
// interface literal with Gorgonia's types alone, so that other packages can
// declare the same interface without importing this one.
//
// Fwd adds the layer's computation on x to the graph and returns its result;
// it may be called many times, and every call uses the same weights.
// Learnables lists the nodes to be trained, in an order that does not change.
//
// A layer whose result depends on time has a second method,
//
//	FwdAt(t, y *G.Node) (*G.Node, error)
//
// where t is a (batch, 1) column of times.
type Layer = interface {
	Fwd(x *G.Node) (*G.Node, error)
	Learnables() G.Nodes
}

// Module describes a network that can be placed on any graph.
//
// Place makes the learnables on g, of type dt (tensor.Float64 or
// tensor.Float32), with names that begin with name, and draws their initial
// values from r; nil means rand.New(rand.NewPCG(0, 0)). After an error g may hold some of the nodes and is best thrown away.
//
// A module that knows the shape of one sample of its input, without the batch
// axis, says so by a second method, StateShape() []int.
//
// Like Layer, it is an alias that other packages can declare.
type Module = interface {
	Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error)
}

// Learnable adds one trainable node to g, as Place does for each of a module's
// weights. It is meant for modules of your own: name must be taken by no node
// of g, and init.Draw fills the value. The zero init is GlorotUniform(1). Pass one
// source to all weights of a module: a nil one stands for the same numbers each time.
func Learnable(g *G.ExprGraph, name string, dt tensor.Dtype, shape []int, init Init, r *rand.Rand) (*G.Node, error) {
	if g == nil {
		panic("layers: nil graph")
	}
	var faults []string
	if name == "" {
		faults = append(faults, "the name is empty; give every layer a name of its own")
	}
	if dt != tensor.Float64 && dt != tensor.Float32 {
		faults = append(faults, fmt.Sprintf("dtype %v; use tensor.Float64 or tensor.Float32", dt))
	}
	size, ok := nodes.Size(shape)
	if !ok {
		faults = append(faults, fmt.Sprintf("shape %v; every axis must be at least 1, and their product at most 2^30", shape))
	}
	if len(shape) == 0 {
		faults = append(faults, "a scalar shape; use (1, 1) instead")
	}
	if faults != nil {
		return nil, &ConfigError{What: fmt.Sprintf("learnable %q", name), Faults: faults}
	}
	if err := nodes.Free(g, name); err != nil {
		return nil, err
	}
	draw := make([]float64, size)
	if err := init.Draw(draw, shape, r); err != nil {
		return nil, err
	}
	value := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(nodes.Backing(draw, dt)))
	return nodes.Learnable(g, name, value)
}
