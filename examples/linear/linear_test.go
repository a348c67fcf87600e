package main

import (
	"math"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

// The truth solves du/dt = [−0.1 2; −2 −0.1] u, forwards and backwards.
func TestTruth(t *testing.T) {
	y0 := []float64{1, 0, -2, 3}
	linear := odeint.NewFunc(len(y0), func(dydt []float64, _ float64, y []float64) {
		for i := 0; i < len(y); i += 2 {
			dydt[i] = -0.1*y[i] + 2*y[i+1]
			dydt[i+1] = -2*y[i] - 0.1*y[i+1]
		}
	})
	for _, end := range []float64{1, -30} {
		sol, err := odeint.Solve(linear, 0, end, y0, odeint.Options{Method: odeint.Dop853, RTol: 1e-12, ATol: 1e-12, SaveAt: odeint.SaveAt{Times: train.Grid(end, 10)}})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range truth(train.Grid(end, 10), y0) {
			// Some hundred steps with errors of 1e-12 times the 20 that the state grows by.
			if math.Abs(v-sol.Y[i]) > 1e-8 {
				t.Errorf("to %v: %v at %d, want %v", end, v, i, sol.Y[i])
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

func TestUsage(t *testing.T) {
	apptest.Refuse(t, run, "-trajectories", "0")
	apptest.Refuse(t, run, "-adam", "-1")
}

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, run, "-quick") }
