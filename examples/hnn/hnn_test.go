package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/diff/fd"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/train"
)

// Every task's field is (∂E/∂p, −∂E/∂q) of its energy.
func TestFieldsAreHamiltonian(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, k := range tasks {
		for range 5 {
			z := k.start(r)
			grad := fd.Gradient(nil, k.energy, z, &fd.Settings{Formula: fd.Central})
			dz := make([]float64, k.dim())
			k.field(dz, 0, z)
			for i := range k.n {
				// 1e-8: central differences of order h², h = 6e-6, of functions of order 1.
				if math.Abs(dz[i]-grad[k.n+i]) > 1e-8 || math.Abs(dz[k.n+i]+grad[i]) > 1e-8 {
					t.Errorf("%s: coordinate %d of the field at %v is (%v, %v), want (%v, %v)",
						k.name, i, z, dz[i], dz[k.n+i], grad[k.n+i], -grad[i])
				}
			}
		}
	}
}

// Without noise in the velocities, bodies started on a ring stay on it.
func TestRingIsCircular(t *testing.T) {
	none := func() float64 { return 0 }
	for bodies, k := range map[int]task{2: twoBody, 3: threeBody} {
		z, err := k.rollout(context.Background(), ring(bodies, 0.6, 0.8, none, 1), train.Grid(1, 4))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(z); i += k.dim() {
			for b := range bodies {
				if radius := math.Hypot(z[i+b], z[i+bodies+b]); math.Abs(radius-1) > 1e-8 {
					t.Errorf("%d bodies: body %d is at radius %v, want 1", bodies, b, radius)
				}
			}
		}
	}
}

func TestSample(t *testing.T) {
	k := spring
	k.noise = 0
	train, test, err := k.sample(context.Background(), rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	if train.rows(2) != 750 || test.rows(2) != 750 {
		t.Fatalf("%d and %d rows, want 750 each", train.rows(2), test.rows(2))
	}
	for i := 0; i < len(train.x); i += 2 {
		if train.dx[i] != 2*train.x[i+1] || train.dx[i+1] != -2*train.x[i] {
			t.Fatalf("row %d: %v has derivative %v", i/2, train.x[i:i+2], train.dx[i:i+2])
		}
		if e, first := k.energy(train.x[i:i+2]), k.energy(train.x[i/60*60:]); math.Abs(e-first) > 1e-8 {
			t.Fatalf("row %d: energy %v, %v at the trajectory's start", i/2, e, first)
		}
	}
}

func TestEnergyMSE(t *testing.T) {
	truth, model := [][]float64{{1, 0, 0, 1}}, [][]float64{{1, 0, 0, 2}}
	// Energies 1, 1 and 1, 4: the mean of 0 and 9.
	if got := spring.energyMSE(spring.energy, truth, model); got != 4.5 {
		t.Errorf("energy MSE %v, want 4.5", got)
	}
	if got := coordinateMSE(truth, model); got != 0.25 {
		t.Errorf("coordinate MSE %v, want 0.25", got)
	}
	if mean, stderr := summary([]float64{1, 2, 3}); mean != 2 || math.Abs(stderr-1/math.Sqrt(3)) > 1e-15 {
		t.Errorf("summary %v ± %v, want 2 ± 1/√3", mean, stderr)
	}
}

func TestQuick(t *testing.T) {
	m := apptest.Run(t, run, []string{"spring.png", "twobody.png"}, "-quick", "-tasks", "spring,twobody", "-steps", "5")
	for _, name := range []string{"spring_hnn_energy_mse", "spring_baseline_energy_mse", "twobody_hnn_energy_mse", "twobody_baseline_test_loss"} {
		if _, ok := m[name]; !ok {
			t.Errorf("metrics.json has no %q", name)
		}
	}
	if m["steps"] != 20 {
		t.Errorf("%v steps, want 5 for each of 2 models and 2 tasks", m["steps"])
	}
}

func TestUsage(t *testing.T) {
	apptest.Refuse(t, run, "-tasks", "spring,bouncing")
	apptest.Refuse(t, run, "-seeds", "0")
}

func TestFinished(t *testing.T) {
	failed := errors.New("the solve failed")
	done, err := finished([][]result{{{}, {err: context.Canceled}}, {{err: failed}, {err: context.Canceled}}})
	if len(done[0]) != 1 || len(done[1]) != 0 || err != failed {
		t.Errorf("%d and %d seeds finished, error %v", len(done[0]), len(done[1]), err)
	}
}

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, run, "-quick", "-tasks", "spring") }
