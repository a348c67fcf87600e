package main

import (
	"math"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/odeint"
)

func atTruth(batch int) *reaction {
	r := &reaction{batch: batch, logK: make([]float64, 3)}
	for i, k := range rates {
		r.logK[i] = math.Log(k)
	}
	return r
}

// The state at t = 100 is that of problem ROBER in the IVP test set (Mazzia & Magherini 2008).
func TestReference(t *testing.T) {
	sol, err := odeint.Solve(atTruth(1), 0, 100, []float64{1, 0, 0}, odeint.Options{Method: odeint.Kvaerno5, RTol: 1e-9, ATol: 1e-12})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.6172348823960878, 6.153591274639123e-6, 0.3827589640126376} {
		// Hundreds of steps, each right to 1e-9.
		if got := sol.Last()[i] * size[i]; math.Abs(got/want-1) > 1e-7 {
			t.Errorf("component %d: %v, want %v", i, got, want)
		}
	}
}

// The products are those of central differences, on a batch of two.
func TestVJP(t *testing.T) {
	r := atTruth(2)
	s, lambda := []float64{0.9, 0.8, 0.1, 0.6, 0.2, 0.4}, []float64{1, -0.5, 2, 0.3, 0.7, -1}
	f := func() float64 {
		d, sum := make([]float64, 6), 0.0
		r.Eval(d, 0, s)
		for i := range d {
			sum += lambda[i] * d[i]
		}
		return sum
	}
	dy, dtheta := make([]float64, 6), make([]float64, 3)
	r.VJP(nil, dy, dtheta, 0, s, lambda)
	check := func(name string, x, got []float64) {
		for i, v := range x {
			const h = 1e-5
			x[i] = v + h
			up := f()
			x[i] = v - h
			want := (up - f()) / (2 * h)
			x[i] = v
			// f is about 1e3, a difference rounds to 1e-8 of it, and h² is 1e-10.
			if math.Abs(got[i]-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%s %d: %v, want %v", name, i, got[i], want)
			}
		}
	}
	check("dy", s, dy)
	check("dtheta", r.logK, dtheta)
}

// Rates a factor of 3 off are found to 1 %.
func TestRates(t *testing.T) {
	for _, seed := range []string{"0", "2", "4"} {
		m := apptest.Run(t, program, []string{"fit.png"}, "-seed", seed)
		for _, name := range []string{"k1", "k2", "k3"} {
			if e, ok := m[name+"_relative_error"]; !ok || !(e < 0.01) {
				t.Errorf("seed %s: %s is off by %v", seed, name, e)
			}
		}
		// The noise has a variance of 9e-6, less what three rates fit.
		if m["loss"] > 1.3e-5 {
			t.Errorf("seed %s: loss %v", seed, m["loss"])
		}
	}
}

func TestQuick(t *testing.T) { apptest.Run(t, program, []string{"fit.png"}, "-quick") }

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, program, "-quick") }
