package main

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/train"
)

func TestObserve(t *testing.T) {
	d, err := observe(context.Background(), 0.1, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	// The state at t = 10 to 10 digits, known independently.
	if u := d.truth[2*intervals:]; math.Abs(u[0]-0.4891491825) > 1e-10 || math.Abs(u[1]-0.4843950327) > 1e-10 {
		t.Errorf("u(10) = %v", u)
	}
	// x − ln x + 4/3 y − 2/3 ln y is conserved, in both directions.
	for _, u := range [][]float64{d.forward, d.backward} {
		for i := 0; i < len(u); i += 2 {
			if v := u[i] - math.Log(u[i]) + 4*u[i+1]/3 - 2*math.Log(u[i+1])/3; math.Abs(v-7.0/3) > 1e-9 {
				t.Fatalf("row %d: the invariant is %v, want 7/3", i/2, v)
			}
		}
	}
	// 82 draws: the sample deviation lies within 3·0.1/√164 of 0.1.
	if s := train.RMSE(d.seen, d.truth); math.Abs(s-0.1) > 0.024 {
		t.Errorf("noise of deviation %v, want about 0.1", s)
	}
}

func TestQuick(t *testing.T) {
	m := apptest.Run(t, run, []string{"figure5.png", "figure6.png", "warmstart.png"}, "-quick")
	// With few iterations the warm start is near the data, the cold one is not.
	if !(m["rmse_true"] < 0.2) || !(m["rmse_true"] < m["rmse_true_cold"]) {
		t.Errorf("metrics %v", m)
	}
}

func TestUsage(t *testing.T) {
	apptest.Refuse(t, run, "-noise", "-1")
	apptest.Refuse(t, run, "-iterations", "-1")
}

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, run, "-quick") }
