package odeint

import (
	"errors"
	"math"
	"testing"
)

// A trial step that leaves the domain of f is tried again, shorter: a tank that empties, √y, whose
// stages fall below 0. Where f does not exist any further, the solve ends with the last good state.
func TestRetreatsFromNaN(t *testing.T) {
	tank := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -math.Sqrt(y[0]) })
	for _, m := range []Method{Tsit5, Dop853, Bosh3, Kvaerno5} {
		opt := Options{Method: m, RTol: 1e-6, ATol: 1e-6, H0: 3}
		sol, err := Solve(tank, 0, 1.9, []float64{1}, opt)
		if err != nil || m != Dop853 && sol.Stats.Diverged == 0 || math.Abs(sol.Last()[0]-0.0025) > 1e-4 {
			t.Errorf("%v: %v, %v; %v", m, sol.Last(), sol.Stats, err)
		}
		opt.EndAtNaN = true
		if _, err := Solve(tank, 0, 1.9, []float64{1}, opt); m != Kvaerno5 && m != Dop853 && !errors.Is(err, ErrNonFinite) {
			t.Errorf("%v, EndAtNaN: %v", m, err)
		}
		opt.EndAtNaN = false
		sol, err = Solve(tank, 0, 3, []float64{1}, opt)
		if err == nil || math.Abs(sol.Reached()-2) > 0.01 || !(sol.Last()[0] < 1e-4) {
			t.Errorf("%v: beyond the end: %v at %v; %v", m, sol.Last(), sol.Reached(), err)
		}
	}
	// Where f is NaN at the start nothing helps, and nothing is tried.
	sol, err := Solve(tank, 0, 1, []float64{-1}, Options{})
	if !errors.Is(err, ErrNonFinite) || sol.Stats.NFE > 2 {
		t.Errorf("%v; %v", sol.Stats, err)
	}
}
