package hnn_test

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
)

// TestRegularisers checks values by hand and gradients against differences.
func TestRegularisers(t *testing.T) {
	const batch, steps = 2, 5
	e, err := hnn.NewEnergy[float64](net(1, 1, layers.Tanh), batch, graph.FieldConfig{Name: "f", Rand: rng(2)})
	if err != nil {
		t.Fatal(err)
	}
	r := rng(3)
	times := []float64{0, 1, 2, 3, 4}
	y := normal[float64](r, steps*e.Dim(), 1)
	h, err := e.Along(times, y)
	if err != nil {
		t.Fatal(err)
	}
	if len(h) != steps*batch {
		t.Fatalf("%d energies, want %d", len(h), steps*batch)
	}
	variance, anchor := 0.0, 0.0
	for b := range batch {
		mean := 0.0
		for i := range steps {
			mean += h[i*batch+b] / steps
		}
		for i := range steps {
			variance += (h[i*batch+b] - mean) * (h[i*batch+b] - mean) / (steps * batch)
			anchor += (h[i*batch+b] - 2) * (h[i*batch+b] - 2) / (steps * batch)
		}
	}
	for _, c := range []struct {
		name  string
		value float64
		f     func(dtheta, dy []float64, weight float64) (float64, error)
	}{
		{"variance", variance, func(dtheta, dy []float64, w float64) (float64, error) { return e.Variance(dtheta, dy, w, times, y) }},
		{"anchor", anchor, func(dtheta, dy []float64, w float64) (float64, error) { return e.Anchor(dtheta, dy, w, 2, times, y) }},
	} {
		value := func() float64 {
			v, err := c.f(nil, nil, 1)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		gradtest.Close(t, c.name, []float64{value()}, []float64{c.value}, 1e-12)
		dtheta, dy := make([]float64, e.NumParams()), make([]float64, len(y))
		dtheta[0], dy[0] = 10, 20 // is added to
		if _, err := c.f(dtheta, dy, 3); err != nil {
			t.Fatal(err)
		}
		dtheta[0] -= 10
		dy[0] -= 20
		gradtest.Close(t, c.name+" dθ", dtheta, scaled(gradtest.Gradient(value, e.Params(), 1e-3), 3), 1e-9)
		gradtest.Close(t, c.name+" dy", dy, scaled(gradtest.Gradient(value, y, 1e-3), 3), 1e-9)
	}
}

// TestEnergyClone checks that a clone shares nothing.
func TestEnergyClone(t *testing.T) {
	a, err := hnn.NewEnergy[float64](hnn.Sum{net(1, 1, layers.Sin), hnn.Separable{V: timedSpring()}}, 1, graph.FieldConfig{Name: "f", Rand: rng(2)})
	if err != nil {
		t.Fatal(err)
	}
	z := []float64{.4, -.3}
	before, after := make([]float64, 1), make([]float64, 1)
	a.Eval(before, 1, z)
	b := a.Clone()
	for i := range b.Params() {
		b.Params()[i] = math.NaN()
	}
	b.Eval(after, 1, z)
	if !math.IsNaN(after[0]) {
		t.Error("a clone does not read its own parameters")
	}
	a.Eval(after, 1, z)
	if after[0] != before[0] {
		t.Error("a clone writes to its original")
	}
	copy(b.Params(), a.Params())
	b.Eval(after, 1, z)
	if after[0] != before[0] {
		t.Errorf("a clone with equal parameters gives %v, want %v", after[0], before[0])
	}
	b.Eval(after, 2, z)
	if after[0] == before[0] {
		t.Error("a clone does not see the time")
	}
}

// timedSpring is V(q, t) = q² cos t for one degree of freedom.
func timedSpring() custom {
	return custom{1, func(t, q *G.Node) (*G.Node, error) {
		return G.HadamardProd(G.Must(G.Square(q)), G.Must(G.Cos(t)))
	}, true}
}
