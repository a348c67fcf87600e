package odeint

import (
	"math"
	"testing"
)

// The first step is of the size that the tolerance allows, for any scale of time.
func TestFirstStep(t *testing.T) {
	for _, a := range adaptive {
		steps := 0
		for _, rate := range []float64{1, 1e-6, 1e6} {
			f := NewFunc(2, func(d []float64, _ float64, y []float64) { d[0], d[1] = rate*y[1], -rate*y[0] })
			sol, err := Solve(f, 0, 10/rate, []float64{1, 0}, Options{Method: a.m, RTol: 1e-6, ATol: 1e-6, SaveAt: SaveAt{Every: 1}})
			if err != nil {
				t.Fatal(err)
			}
			typical := 10 / rate / float64(sol.Stats.Accepted)
			if first := sol.T[0]; rate >= 1 && first < 0.05*typical || first > 2*typical {
				t.Errorf("%v, rate %v: first step %v, typical %v", a.m, rate, first, typical)
			}
			// The choice supposes times of about 1. From there steps grow tenfold each.
			if extra := sol.Stats.Accepted - steps; rate != 1 && extra > 6 {
				t.Errorf("%v, rate %v: %d steps more than at rate 1", a.m, rate, extra)
			}
			steps = sol.Stats.Accepted
		}
	}
}

// The choice of the first step costs two evaluations, one of which is the first stage.
func TestFirstStepCost(t *testing.T) {
	for _, jumps := range []int{0, 1, 2} {
		opt := Options{Jumps: []float64{0.3, 0.6}[:jumps]}
		sol, err := Solve(NewFunc(2, spiral[float64]), 0, 1, []float64{1, 1}, opt)
		if err != nil {
			t.Fatal(err)
		}
		if want := 2*(jumps+1) + 6*(sol.Stats.Accepted+sol.Stats.Rejected); sol.Stats.NFE != want {
			t.Errorf("%d jumps: %+v, want %d evaluations", jumps, sol.Stats, want)
		}
	}
}

// It tries f neither beyond the solve nor at a jump.
func TestFirstStepStaysInside(t *testing.T) {
	for _, jumps := range [][]float64{nil, {1e-9}} {
		f := &counting{VectorField: NewFunc(2, func(d []float64, at float64, y []float64) {
			d[0], d[1] = 0, 1
			if y[1] > 2 {
				d[1] = math.NaN()
			}
		})}
		// The first component makes an Euler step of 10⁴ look harmless.
		sol, err := Solve[float64](f, 0, 0.5, []float64{1e6, 1}, Options{ATol: 1e-6, Jumps: jumps})
		if err != nil || math.Abs(sol.Last()[1]-1.5) > 1e-12 {
			t.Errorf("jumps %v: %v", jumps, err)
		}
		for _, at := range f.times {
			if at < 0 || at > 0.5 || jumps != nil && at == jumps[0] {
				t.Errorf("jumps %v: f evaluated at %v", jumps, at)
			}
		}
	}
}
