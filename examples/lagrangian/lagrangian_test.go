package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/internal/gradtest"
)

func TestQuick(t *testing.T) {
	got := apptest.Run(t, program, []string{"energies.png", "rollouts.png"}, "-quick")
	// An untrained field has errors of several 29.4 J, or diverges.
	if e, ok := got["lnn_energy_error"]; !ok || !(e < 1) {
		t.Errorf("energy error %v", e)
	}
	for _, name := range []string{"baseline_energy_error", "hnn_energy_error", "lnn_eval_us", "hnn_vjp_us"} {
		if _, ok := got[name]; !ok && name != "baseline_energy_error" {
			t.Errorf("no %s in metrics.json", name)
		}
	}
}

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, program, "-quick") }

// TestSlopes: momenta and velocities describe one motion. By central differences along
// it, dp/dt of the Hamiltonian slopes is the change of p(q, v) along those of (q, v).
func TestSlopes(t *testing.T) {
	s, err := newSystem(3)
	if err != nil {
		t.Fatal(err)
	}
	z, dz := s.slopes(lagrangian, s.sample(rand.New(rand.NewPCG(1, 1))))
	_, want := s.slopes(hamiltonian, z)
	const h = 1e-5
	along := func(d float64) []float64 {
		x := append([]float64(nil), z...)
		for i := range x {
			x[i] += d * dz[i]
		}
		return s.momentaOf(x)
	}
	got, before := along(h), along(-h)
	for i := range got {
		got[i] = (got[i] - before[i]) / (2 * h)
	}
	gradtest.Close(t, "slopes of (q, p)", got, want, 1e-7)
	for i := 0; i < len(z); i += dim {
		if e := s1(t).energies(lagrangian, z[i:i+dim])[0]; !(e < energetic) {
			t.Errorf("a sample has the energy %v", e)
		}
	}
}

func s1(t *testing.T) *system {
	t.Helper()
	s, err := newSystem(1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAbsolute(t *testing.T) {
	y, target, lambda := []float64{1, -2, 0.3}, []float64{0, 0, 0.3}, make([]float64, 3)
	got := absolute(lambda, y, target)
	want := (math.Sqrt(1.01) + math.Sqrt(4.01) + 0.1) / 3
	gradtest.Close(t, "loss", []float64{got}, []float64{want}, 1e-15)
	gradtest.Close(t, "gradient", lambda, gradtest.Gradient(func() float64 { return absolute(make([]float64, 3), y, target) }, y, 1e-4), 1e-9)
}
