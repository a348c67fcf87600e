package main

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/examples/internal/train"
)

// u(t) is the initial state turned by 2t and shrunk by exp(−t/10).
func TestSample(t *testing.T) {
	const n = 5
	times := train.Grid(1, 10)
	u, err := sample(context.Background(), n, times, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	for i, time := range times {
		sin, cos := math.Sincos(2 * time)
		for k := range n {
			x, y := u[2*k], u[2*k+1]
			got := u[(i*n+k)*2:]
			want := [2]float64{math.Exp(-time/10) * (cos*x + sin*y), math.Exp(-time/10) * (cos*y - sin*x)}
			// 1e-11: the solver's tolerance per step of 1e-12, over some ten steps.
			if math.Abs(got[0]-want[0]) > 1e-11 || math.Abs(got[1]-want[1]) > 1e-11 {
				t.Errorf("t = %v, trajectory %d: %v, want %v", time, k, got[:2], want)
			}
		}
	}
}

func TestQuick(t *testing.T) {
	m := apptest.Run(t, run, []string{"figure1.png", "figure2.png", "trained.png"}, "-quick", "-adam", "200", "-lbfgs", "50", "-seed", "3")
	// 25 steps on 8 trajectories: far from the bar of 0.02, yet far below the 1 of a model that says 0.
	if m["rel_rmse_unseen"] > 0.6 || m["steps"] != 25 || m["seed"] != 3 {
		t.Errorf("metrics %v", m)
	}
}

// Backwards the truth turns the other way and grows.
func TestExtrapolate(t *testing.T) {
	field, err := newField(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := extrapolate(context.Background(), field.Params(), []float64{1, 0}, -30)
	if err != nil {
		t.Fatal(err)
	}
	n := len(b.times)
	sin, cos := math.Sincos(-60)
	want := [2]float64{math.Exp(3) * cos, -math.Exp(3) * sin}
	// 1e-8: some hundred steps with errors of 1e-12 times the 20 that the state grows by.
	if got := b.truth[2*n-2:]; b.times[n-1] != -30 || math.Abs(got[0]-want[0]) > 1e-8 || math.Abs(got[1]-want[1]) > 1e-8 {
		t.Errorf("at %v: %v, want %v", b.times[n-1], got, want)
	}
	if len(b.model) != 2*n || b.model[0] != 1 || b.model[1] != 0 {
		t.Errorf("%d numbers of the model, from %v", len(b.model), b.model[:2])
	}
}

func TestUsage(t *testing.T) {
	apptest.Refuse(t, run, "-trajectories", "0")
	apptest.Refuse(t, run, "-adam", "-1")
}

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, run, "-quick") }
