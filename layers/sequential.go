package layers

import (
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Sequential passes its input through modules one after another. Module i is
// placed under "name/i", so the learnables of a Linear in front are "name/0/W"
// and "name/0/b". If a member depends on time so does the whole: its layer then
// has FwdAt, which hands the same time to every such member.
type Sequential []Module

// Place implements [Module].
func (m Sequential) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	l, err := placeAll("Sequential", m, g, name, dt, r)
	if err != nil {
		return nil, err
	}
	if nodes.IsTimed(l...) {
		return timedSequential{placedSequential{l}}, nil
	}
	return placedSequential{l}, nil
}

// StateShape is that of the first member which is no Activation, and nil if
// that one knows none.
func (m Sequential) StateShape() []int {
	for _, module := range m {
		if _, ok := module.(Activation); ok {
			continue
		}
		return nodes.StateShape(module)
	}
	return nil
}

type placedSequential struct{ placedAll }

func (l placedSequential) Fwd(x *G.Node) (y *G.Node, err error) {
	y = x
	for _, member := range l.placedAll {
		if y, err = member.Fwd(y); err != nil {
			return nil, err
		}
	}
	return y, nil
}

type timedSequential struct{ placedSequential }

func (l timedSequential) FwdAt(t, y *G.Node) (_ *G.Node, err error) {
	for _, member := range l.placedAll {
		if y, err = nodes.Forward(member, t, y); err != nil {
			return nil, err
		}
	}
	return y, nil
}
