package hnn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
)

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// newField compiles a module for a batch.
func newField[T hnn.Float](tb testing.TB, m graph.Module, batch int, seed uint64) *graph.Field[T] {
	tb.Helper()
	f, err := graph.NewField[T](m, batch, graph.FieldConfig{Name: "f", Rand: rng(seed)})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// net is a network energy of n degrees of freedom whose biases are not zero.
func net(n, depth int, act layers.Activation) layers.MLP {
	m := layers.MLP{In: 2 * n, Out: 1, Activation: act, BiasInit: layers.Uniform(-.5, .5)}
	for range depth {
		m.Hidden = append(m.Hidden, 6)
	}
	return m
}

// normal draws n numbers from N(0, scale²).
func normal[T hnn.Float](r *rand.Rand, n int, scale float64) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(scale * r.NormFloat64())
	}
	return x
}

// custom is an energy made of a function of nodes.
type custom struct {
	width int
	f     func(t, z *G.Node) (*G.Node, error)
	timed bool
}

func (c custom) Place(*G.ExprGraph, string, tensor.Dtype, *rand.Rand) (hnn.Layer, error) {
	if c.timed {
		return timedCustom{c}, nil
	}
	return c, nil
}
func (c custom) StateShape() []int              { return []int{c.width} }
func (c custom) Learnables() G.Nodes            { return nil }
func (c custom) Fwd(z *G.Node) (*G.Node, error) { return c.f(nil, z) }

type timedCustom struct{ custom }

func (c timedCustom) FwdAt(t, z *G.Node) (*G.Node, error) { return c.f(t, z) }

func norm(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v * v
	}
	return math.Sqrt(s)
}
