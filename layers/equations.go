package layers

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Equations is a system of differential equations written down, one expression for each
// component of a state of shape (batch, Dim). Exactly one of Rates and RatesAt is set;
// with RatesAt the layer depends on time.
//
// The expressions are of columns (batch, 1). Params of shape (1, 1), their default, go
// with them in products and sums; the modules are applied by [Expr.Apply]. Known physics
// and a network are a [Sum] of Equations and an [MLP], or Equations with the network among
// its Modules where only one term is unknown.
type Equations struct {
	Dim     int      // components of the state; at least 1
	Params  []Param  // the learnables, in order
	Modules []Member // modules that the expressions use

	// Rates returns the expressions, Dim columns; y are those of the state.
	Rates func(e *Expr, y []*G.Node, in Parts) []*G.Node

	// RatesAt is Rates at a time, t being a column too.
	RatesAt func(e *Expr, t *G.Node, y []*G.Node, in Parts) []*G.Node
}

// Place implements [Module].
func (m Equations) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	faults := declarations(m.Params, m.Modules)
	if m.Dim < 1 {
		faults = append(faults, fmt.Sprintf("Dim is %d; it must be at least 1", m.Dim))
	}
	if (m.Rates == nil) == (m.RatesAt == nil) {
		faults = append(faults, "set exactly one of Rates and RatesAt")
	}
	if faults != nil {
		return nil, &ConfigError{What: "Equations", Faults: faults}
	}
	parts, err := placeParts(g, name, dt, sourceOr(r), m.Params, m.Modules)
	if err != nil {
		return nil, err
	}
	l := placedEquations{name, m, parts}
	if m.RatesAt != nil {
		return timedEquations{l}, nil
	}
	return l, nil
}

// StateShape is (Dim).
func (m Equations) StateShape() []int { return []int{m.Dim} }

type placedEquations struct {
	name  string
	m     Equations
	parts Parts
}

func (l placedEquations) Learnables() G.Nodes { return l.parts.learnables() }

func (l placedEquations) Fwd(x *G.Node) (*G.Node, error) {
	return l.rates(x, func(e *Expr, y []*G.Node) []*G.Node { return l.m.Rates(e, y, l.parts) })
}

func (l placedEquations) rates(x *G.Node, f func(e *Expr, y []*G.Node) []*G.Node) (*G.Node, error) {
	if x == nil {
		panic("layers: nil input")
	}
	if s := x.Shape(); len(s) != 2 || s[1] != l.m.Dim {
		return nil, &ShapeError{What: l.name, Got: s.Clone(), Want: fmt.Sprintf("(batch, %d)", l.m.Dim)}
	}
	return guarded(l.name, func() (*G.Node, error) {
		e := NewExpr(x)
		y := make([]*G.Node, l.m.Dim)
		for i := range y {
			y[i] = e.Columns(x, i, i+1)
		}
		rates := f(e, y)
		if _, err := e.Result(nil); err != nil {
			return nil, err
		}
		if len(rates) != l.m.Dim {
			return nil, fmt.Errorf("%d expressions for %d components", len(rates), l.m.Dim)
		}
		column := tensor.Shape{x.Shape()[0], 1}
		for i, rate := range rates {
			switch {
			case rate == nil:
				return nil, fmt.Errorf("expression %d is nil", i)
			case rate.IsScalar() || !rate.Shape().Eq(column):
				// A number or a (1, 1) parameter: the same for every sample.
				zero, err := nodes.Tensor(x, make([]float64, column[0]), column...)
				if err != nil {
					return nil, err
				}
				rates[i] = e.Add(zero, rate)
			}
		}
		return e.Result(e.Concat(rates...))
	})
}

type timedEquations struct{ placedEquations }

func (l timedEquations) Fwd(*G.Node) (*G.Node, error) { return nil, errNeedsTime(l.name) }

func (l timedEquations) FwdAt(t, y *G.Node) (*G.Node, error) {
	if t == nil {
		panic("layers: nil input")
	}
	return l.rates(y, func(e *Expr, y []*G.Node) []*G.Node { return l.m.RatesAt(e, t, y, l.parts) })
}
