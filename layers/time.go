package layers

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// AppendTime makes dynamics that depend on time from a module that does not:
// its layer's FwdAt(t, y) passes on y, of shape (batch, n), with t as one more
// column, so Of must take inputs of width n+1. To give one time to all samples,
// fill the column with it.
//
// The layer's Fwd takes an input that has its time column already.
type AppendTime struct {
	Of Module // placed under the same name
}

// Place implements [Module].
func (m AppendTime) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	if m.Of == nil {
		return nil, &ConfigError{What: "AppendTime", Faults: []string{"Of is nil; it is the module that gets the time column"}}
	}
	inner, err := m.Of.Place(g, name, dt, r)
	if err != nil {
		return nil, err
	}
	return placedAppendTime{Layer: inner, name: name}, nil
}

// StateShape is Of's without the time column, and nil if Of knows none.
func (m AppendTime) StateShape() []int {
	inner := nodes.StateShape(m.Of)
	if len(inner) != 1 || inner[0] < 2 {
		return nil
	}
	return []int{inner[0] - 1}
}

type placedAppendTime struct {
	Layer
	name string
}

func (l placedAppendTime) FwdAt(t, y *G.Node) (*G.Node, error) {
	if t == nil || y == nil {
		panic("layers: nil input")
	}
	if y.Dims() != 2 {
		return nil, &ShapeError{What: l.name, Got: y.Shape().Clone(), Want: "(batch, n) for a time column to be appended; reshape the state"}
	}
	if batch := y.Shape()[0]; !t.Shape().Eq(tensor.Shape{batch, 1}) {
		return nil, &ShapeError{What: l.name + " (time)", Got: t.Shape().Clone(), Want: fmt.Sprintf("(%d, 1), a column with the batch's times", batch)}
	}
	yt, err := G.Concat(1, y, t)
	if err != nil {
		return nil, err
	}
	return nodes.Forward(l.Layer, t, yt)
}
