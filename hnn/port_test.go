package hnn_test

import (
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint/control"
)

// TestPorts: a torque u(t) on a pendulum enters ṗ, or the acceleration over the inertia,
// and the rest of the field is as without it.
func TestPorts(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testPorts[float64](t, 1e-14) })
	t.Run("float32", func(t *testing.T) { testPorts[float32](t, 2e-6) })
}

func testPorts[T hnn.Float](t *testing.T, tol float64) {
	known := hnn.Pendulum{Mass: 2, Length: 0.5}
	input := &graph.InputConfig{Channels: 1}
	torque, err := control.New(control.Linear, 1, [][]float64{{0, 1}}, []T{1, 3, -2, 2})
	if err != nil {
		t.Fatal(err)
	}
	z, at := []T{0.4, 1, -1, 0.5}, 0.25 // two samples
	u := []T{1.5, -1}
	for _, c := range []struct {
		with, without graph.Module
		scale         T
	}{
		{hnn.Field{H: known, Drive: hnn.Port{Inputs: 1}}, hnn.Field{H: known}, 1},
		{hnn.Lagrangian{L: known.Lagrangian(), Force: hnn.Port{Inputs: 1}}, hnn.Lagrangian{L: known.Lagrangian()}, 1 / (2 * 0.25)},
	} {
		f, err := graph.NewField[T](c.with, 2, graph.FieldConfig{Input: input})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.SetInput(torque); err != nil {
			t.Fatal(err)
		}
		free, err := graph.NewField[T](c.without, 2, graph.FieldConfig{})
		if err != nil {
			t.Fatal(err)
		}
		got, want := make([]T, 4), make([]T, 4)
		f.Eval(got, at, z)
		free.Eval(want, 0, z)
		want[1] += c.scale * u[0]
		want[3] += c.scale * u[1]
		gradtest.Close(t, "field", got, want, tol)
	}
}

// TestLearnedPort checks the products of a port-Hamiltonian field with a learned energy,
// friction and input matrix (SymODEN).
func TestLearnedPort(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testLearnedPort[float64](t, 1e-3, 1e-8, 1e-12) })
	t.Run("float32", func(t *testing.T) { testLearnedPort[float32](t, 3e-2, 2e-3, 1e-4) })
}

func testLearnedPort[T hnn.Float](t *testing.T, h, tol, eps float64) {
	m := hnn.Field{
		H:       hnn.Separable{T: layers.MLP{In: 2, Hidden: []int{4}, Out: 1}, V: layers.MLP{In: 2, Hidden: []int{4}, Out: 1}},
		Damping: &hnn.Damping{OnlyMomenta: true},
		Drive:   hnn.Port{G: layers.MLP{In: 2, Hidden: []int{4}, Out: 6}, Inputs: 3},
	}
	f, err := graph.CompileField[T](m, 2, graph.FieldConfig{Input: &graph.InputConfig{Channels: 3}, Rand: rng(2)})
	if err != nil {
		t.Fatal(err)
	}
	p, err := control.New(control.Hermite, 3, [][]float64{{0, 1, 2}}, normal[T](rng(3), 18, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.(*graph.Field[T]).SetInput(p); err != nil {
		t.Fatal(err)
	}
	y := normal[T](rng(4), f.Dim(), 1)
	gradtest.VJP(t, f, f.Params(), 0.6, y, rng(5), h, tol)
	gradtest.JVP(t, f, f.Params(), 0.6, y, rng(5), h, tol, eps)
}
