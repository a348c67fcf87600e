package layers

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Linear is the affine map y = x·W + b on the last axis: an input of shape
// (batch, …, In) gives (batch, …, Out). Its learnables are "name/W" (In, Out)
// and "name/b" (1, Out).
type Linear struct {
	In         int  `json:"in"`                   // width of the input; at least 1
	Out        int  `json:"out"`                  // width of the result; at least 1
	NoBias     bool `json:"no_bias,omitempty"`    // leave out b
	WeightInit Init `json:"weight_init,omitzero"` // zero: GlorotUniform(1)
	BiasInit   Init `json:"bias_init,omitzero"`   // zero: Constant(0)
}

// Place implements [Module].
func (m Linear) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	var faults []string
	if m.In < 1 {
		faults = append(faults, fmt.Sprintf("In is %d; it must be at least 1", m.In))
	}
	if m.Out < 1 {
		faults = append(faults, fmt.Sprintf("Out is %d; it must be at least 1", m.Out))
	}
	if faults != nil {
		return nil, &ConfigError{What: "Linear", Faults: faults}
	}
	a, err := placeAffine(g, nodes.Join(name, "W"), nodes.Join(name, "b"), dt, m, sourceOr(r))
	if err != nil {
		return nil, err
	}
	return &placedLinear{name: name, affine: a}, nil
}

// StateShape is (In).
func (m Linear) StateShape() []int { return []int{m.In} }

type placedLinear struct {
	name string
	affine
}

func (l *placedLinear) Fwd(x *G.Node) (*G.Node, error) {
	return overLastAxis(l.name, x, l.w, l.apply)
}

// affine holds the nodes of one affine map; b is nil when there is no bias.
type affine struct{ w, b *G.Node }

// placeAffine makes the nodes of the map that m describes.
func placeAffine(g *G.ExprGraph, w, b string, dt tensor.Dtype, m Linear, r *rand.Rand) (a affine, err error) {
	if a.w, err = Learnable(g, w, dt, []int{m.In, m.Out}, m.WeightInit, r); err != nil || m.NoBias {
		return a, err
	}
	a.b, err = Learnable(g, b, dt, []int{1, m.Out}, m.BiasInit.or(Constant(0)), r)
	return a, err
}

// apply returns x·W + b for an x of two axes.
func (a affine) apply(x *G.Node) (*G.Node, error) {
	y, err := G.Mul(x, a.w)
	if err != nil || a.b == nil {
		return y, err
	}
	return G.BroadcastAdd(y, a.b, nil, []byte{0})
}

func (a affine) Learnables() G.Nodes {
	if a.b == nil {
		return G.Nodes{a.w}
	}
	return G.Nodes{a.w, a.b}
}

// overLastAxis applies f, which takes and gives matrices, along the last axis
// of x. The weight w is the first to meet x.
func overLastAxis(name string, x, w *G.Node, f func(*G.Node) (*G.Node, error)) (*G.Node, error) {
	if err := checkInput(name, x, w, w.Shape()[0]); err != nil {
		return nil, err
	}
	if x.Dims() == 2 {
		return f(x)
	}
	outer := x.Shape()[:x.Dims()-1] // a copy of the node's
	flat, err := nodes.Reshape(x, tensor.Shape{outer.TotalSize(), w.Shape()[0]})
	if err != nil {
		return nil, err
	}
	y, err := f(flat)
	if err != nil {
		return nil, err
	}
	return nodes.Reshape(y, append(outer, y.Shape()[1]))
}
