package layers

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// SecondOrder makes dynamics of second order from a module of accelerations: the state is
// (q, v), n positions and then n velocities, and
//
//	dq/dt = v,   dv/dt = Of(q, v, …).
//
// Of gets all columns of its input, of which there are 2n or, inside an [AppendInput] or
// [AppendTime], more, and returns n.
type SecondOrder struct {
	Of      Module // placed under the same name
	Degrees int    // n; at least 1
}

// Place implements [Module].
func (m SecondOrder) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	var faults []string
	if m.Of == nil {
		faults = append(faults, "Of is nil; it is the module of the accelerations")
	}
	if m.Degrees < 1 {
		faults = append(faults, fmt.Sprintf("%d degrees of freedom; there must be at least 1", m.Degrees))
	}
	if faults != nil {
		return nil, &ConfigError{What: "SecondOrder", Faults: faults}
	}
	inner, err := m.Of.Place(g, name, dt, r)
	if err != nil {
		return nil, err
	}
	return placedSecondOrder{Layer: inner, name: name, n: m.Degrees}, nil
}

// StateShape is Of's.
func (m SecondOrder) StateShape() []int { return nodes.StateShape(m.Of) }

type placedSecondOrder struct {
	Layer
	name string
	n    int
}

func (l placedSecondOrder) Fwd(x *G.Node) (*G.Node, error) { return l.FwdAt(nil, x) }

// FwdAt passes the time on; it may be nil.
func (l placedSecondOrder) FwdAt(t, x *G.Node) (*G.Node, error) {
	if x == nil {
		panic("layers: nil input")
	}
	if x.Dims() != 2 || x.Shape()[1] < 2*l.n {
		return nil, &ShapeError{What: l.name, Got: x.Shape().Clone(), Want: fmt.Sprintf("(batch, %d or more), positions and velocities", 2*l.n)}
	}
	acceleration, err := nodes.Forward(l.Layer, t, x)
	if err != nil {
		return nil, err
	}
	if want := (tensor.Shape{x.Shape()[0], l.n}); !acceleration.Shape().Eq(want) {
		return nil, &ShapeError{What: l.name + ": the result of Of", Got: acceleration.Shape().Clone(), Want: fmt.Sprintf("%v, the accelerations", want)}
	}
	e := NewExpr(x)
	return e.Result(e.Concat(e.Columns(x, l.n, 2*l.n), acceleration))
}
