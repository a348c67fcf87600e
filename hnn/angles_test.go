package hnn_test

import (
	"errors"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
)

// TestAngles: the other columns in their order, then the cosines, then the sines.
func TestAngles(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testAngles[float64](t, 1e-15) })
	t.Run("float32", func(t *testing.T) { testAngles[float32](t, 2e-7) })
}

func testAngles[T hnn.Float](t *testing.T, tol float64) {
	identity := layers.Func(func(x *G.Node) (*G.Node, error) { return x, nil })
	x := []T{0.3, -1, 2, 7}
	cos := func(x float64) T { return T(math.Cos(x)) }
	sin := func(x float64) T { return T(math.Sin(x)) }
	for _, c := range []struct {
		columns []int
		want    []T
	}{
		{nil, x},
		{[]int{0, 1}, []T{2, 7, cos(0.3), cos(-1), sin(0.3), sin(-1)}},
		{[]int{1}, []T{0.3, 2, 7, cos(-1), sin(-1)}},
		{[]int{3, 0}, []T{-1, 2, cos(7), cos(0.3), sin(7), sin(0.3)}},
		{[]int{0, 1, 2, 3}, []T{cos(0.3), cos(-1), cos(2), cos(7), sin(0.3), sin(-1), sin(2), sin(7)}},
	} {
		f, err := graph.NewFunction[T](hnn.Angles{Of: identity, Columns: c.columns}, 1, graph.FieldConfig{Shape: []int{4}})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]T, len(c.want))
		f.Eval(got, 0, x)
		gradtest.Close(t, "columns", got, c.want, tol)
	}
}

// TestAnglesPeriod: fields of energies on the circle are the same a turn further, and
// know the shape of their state.
func TestAnglesPeriod(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testAnglesPeriod[float64](t, 1e-13, 1e-3, 1e-8) })
	t.Run("float32", func(t *testing.T) { testAnglesPeriod[float32](t, 1e-4, 3e-2, 2e-3) })
}

func testAnglesPeriod[T hnn.Float](t *testing.T, same, h, tol float64) {
	l := layers.MLP{In: 6, Hidden: []int{7}, Out: 1, Activation: layers.Softplus}
	for _, m := range []graph.Module{
		hnn.Field{H: hnn.Angles{Of: l, Columns: []int{0, 1}}},
		hnn.Lagrangian{L: hnn.Sum{hnn.Harmonic{Degrees: 2, Stiffness: 1e-30}.Lagrangian(), hnn.Angles{Of: l, Columns: []int{0, 1}}}},
	} {
		f := newField[T](t, m, 1, 3)
		a, b := make([]T, 4), make([]T, 4)
		f.Eval(a, 0, []T{0.5, -2, 0.3, 1})
		f.Eval(b, 0, []T{T(0.5 + 2*math.Pi), T(-2 - 4*math.Pi), 0.3, 1})
		gradtest.Close(t, "a turn further", b, a, same)
		gradtest.VJP(t, f, f.Params(), 0, []T{0.5, -2, 0.3, 1}, rng(3), h, tol)
	}
}

func TestAnglesFaults(t *testing.T) {
	net := layers.Linear{In: 3, Out: 1}
	var config *hnn.ConfigError
	var shape *hnn.ShapeError
	for name, c := range map[string]struct {
		m      hnn.Angles
		target any
	}{
		"nil":      {hnn.Angles{}, &config},
		"negative": {hnn.Angles{Of: net, Columns: []int{-1}}, &config},
		"twice":    {hnn.Angles{Of: net, Columns: []int{0, 0}}, &config},
		"too far":  {hnn.Angles{Of: net, Columns: []int{2}}, &shape},
	} {
		if _, err := graph.NewFunction[float64](c.m, 1, graph.FieldConfig{Shape: []int{2}}); !errors.As(err, c.target) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
