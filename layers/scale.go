package layers

import (
	"fmt"
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Scale multiplies the result of a module by a number, which may be learned: a small one
// lets a network begin as a correction. Of is placed under the same name; the number,
// if it is learned, is "name/scale" (1, 1).
type Scale struct {
	Of    Module
	By    float64 // zero: 1
	Learn bool    // By is where the learned number begins
}

// Place implements [Module].
func (m Scale) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	var faults []string
	if m.Of == nil {
		faults = append(faults, "Of is nil; it is the module whose result is scaled")
	}
	if math.IsNaN(m.By) || math.IsInf(m.By, 0) {
		faults = append(faults, fmt.Sprintf("By is %v; it must be finite", m.By))
	}
	if faults != nil {
		return nil, &ConfigError{What: "Scale", Faults: faults}
	}
	l := placedScale{name: name, by: m.By}
	if l.by == 0 {
		l.by = 1
	}
	var err error
	if l.of, err = m.Of.Place(g, name, dt, r); err != nil {
		return nil, err
	}
	if m.Learn {
		if l.learned, err = Learnable(g, nodes.Join(name, "scale"), dt, []int{1, 1}, Constant(l.by), nil); err != nil {
			return nil, err
		}
	}
	if nodes.IsTimed(l.of) {
		return timedScale{l}, nil
	}
	return l, nil
}

// StateShape is Of's.
func (m Scale) StateShape() []int { return nodes.StateShape(m.Of) }

type placedScale struct {
	name    string
	of      Layer
	by      float64
	learned *G.Node // nil: by is fixed
}

func (l placedScale) Learnables() G.Nodes {
	all := l.of.Learnables()
	if l.learned != nil {
		all = append(all[:len(all):len(all)], l.learned)
	}
	return all
}

func (l placedScale) Fwd(x *G.Node) (*G.Node, error) { return l.at(nil, x) }

func (l placedScale) at(t, x *G.Node) (*G.Node, error) {
	y, err := nodes.Forward(l.of, t, x)
	if err != nil {
		return nil, err
	}
	b := nodes.On(y)
	if l.learned == nil {
		y, err = b.Result(b.Scale(y, l.by))
	} else {
		// As a matrix of one column, so that the number is repeated over two axes at most.
		shape := y.Shape().Clone()
		column := b.Reshape(y, tensor.Shape{shape.TotalSize(), 1})
		y, err = b.Result(b.Reshape(b.MatMul(column, l.learned), shape))
	}
	if err != nil {
		return nil, fmt.Errorf("layers: %s: %w", l.name, err)
	}
	return y, nil
}

type timedScale struct{ placedScale }

func (l timedScale) Fwd(*G.Node) (*G.Node, error) { return nil, errNeedsTime(l.name) }

func (l timedScale) FwdAt(t, y *G.Node) (*G.Node, error) { return l.at(t, y) }
