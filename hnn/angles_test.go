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
	identity := layers.Func(func(x *G.Node) (*G.Node, error) { return x, nil })
	x := []float64{0.3, -1, 2, 7}
	cos, sin := math.Cos, math.Sin
	for _, c := range []struct {
		columns []int
		want    []float64
	}{
		{nil, x},
		{[]int{0, 1}, []float64{2, 7, cos(0.3), cos(-1), sin(0.3), sin(-1)}},
		{[]int{1}, []float64{0.3, 2, 7, cos(-1), sin(-1)}},
		{[]int{3, 0}, []float64{-1, 2, cos(7), cos(0.3), sin(7), sin(0.3)}},
		{[]int{0, 1, 2, 3}, []float64{cos(0.3), cos(-1), cos(2), cos(7), sin(0.3), sin(-1), sin(2), sin(7)}},
	} {
		f, err := graph.NewFunction[float64](hnn.Angles{Of: identity, Columns: c.columns}, 1, graph.FieldConfig{Shape: []int{4}})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float64, len(c.want))
		f.Eval(got, 0, x)
		gradtest.Close(t, "columns", got, c.want, 1e-15)
	}
}

// TestAnglesPeriod: fields of energies on the circle are the same a turn further, and
// know the shape of their state.
func TestAnglesPeriod(t *testing.T) {
	l := layers.MLP{In: 6, Hidden: []int{7}, Out: 1, Activation: layers.Softplus}
	for _, m := range []graph.Module{
		hnn.Field{H: hnn.Angles{Of: l, Columns: []int{0, 1}}},
		hnn.Lagrangian{L: hnn.Sum{hnn.Harmonic{Degrees: 2, Stiffness: 1e-300}.Lagrangian(), hnn.Angles{Of: l, Columns: []int{0, 1}}}},
	} {
		f := newField[float64](t, m, 1, 3)
		a, b := make([]float64, 4), make([]float64, 4)
		f.Eval(a, 0, []float64{0.5, -2, 0.3, 1})
		f.Eval(b, 0, []float64{0.5 + 2*math.Pi, -2 - 4*math.Pi, 0.3, 1})
		gradtest.Close(t, "a turn further", b, a, 1e-13)
		gradtest.VJP(t, f, f.Params(), 0, []float64{0.5, -2, 0.3, 1}, rng(3), 1e-3, 1e-8)
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
