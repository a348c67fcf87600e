package layers_test

import (
	"errors"
	"testing"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/layers"
)

func TestSecondOrder(t *testing.T) {
	for _, dt := range dtypes {
		g := G.NewGraph()
		l := place(t, layers.SecondOrder{Of: layers.AppendTime{Of: layers.Linear{In: 5, Out: 2}}, Degrees: 2}, g, "net", dt)
		if err := layers.SetWeights(l, []layers.Weight{
			{Name: "net/W", Shape: []int{5, 2}, Data: []float64{1, 2, 3, 4, 5, 6, 7, 8, 10, 20}},
			{Name: "net/b", Shape: []int{1, 2}, Data: []float64{0.5, 0}},
		}); err != nil {
			t.Fatal(err)
		}
		y := input(g, "y", dt, []float64{1, 0, 2, -1, 0, 1, 3, 4}, 2, 4)
		tm := input(g, "t", dt, []float64{0.5, 2}, 2, 1)
		dy := must(t)(l.(timeLayer).FwdAt(tm, y))
		// (v, W(q, v, t) + b)
		expectNear(t, "second order", run(t, g, dy)[0], []float64{2, -1, 9.5, 16, 3, 4, 66.5, 94}, 0, 64*rounding(dt))
	}
}

func TestSecondOrderFaults(t *testing.T) {
	g := G.NewGraph()
	var config *layers.ConfigError
	if _, err := (layers.SecondOrder{}).Place(g, "none", dtypes[0], nil); !errors.As(err, &config) || len(config.Faults) != 2 {
		t.Errorf("%v", err)
	}
	l := place(t, layers.SecondOrder{Of: layers.Linear{In: 4, Out: 3}, Degrees: 2}, g, "net", dtypes[0])
	var shape *layers.ShapeError
	if _, err := l.Fwd(input(g, "narrow", dtypes[0], []float64{1, 2, 3}, 1, 3)); !errors.As(err, &shape) {
		t.Errorf("a state that is too short: %v", err)
	}
	if _, err := l.Fwd(input(g, "y", dtypes[0], []float64{1, 2, 3, 4}, 1, 4)); !errors.As(err, &shape) {
		t.Errorf("too many accelerations: %v", err)
	}
}
