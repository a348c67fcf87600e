package odeint

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// A jump of f that was not declared is noticed, near where it is; smooth problems, steps at the limit
// of stability and starts that are too bold are not suspected.
func TestSuspectedJump(t *testing.T) {
	at := 0.7312
	jump := NewFunc(1, func(d []float64, t float64, y []float64) {
		if d[0] = -0.5 * y[0]; t >= at {
			d[0] = 3 * y[0]
		}
	})
	state := NewFunc(2, func(d []float64, _ float64, y []float64) {
		if d[0], d[1] = y[1], -1; y[0] < 0 {
			d[1] = 50
		}
	})
	for _, m := range []Method{Tsit5, Dopri5, Bosh3, Dop853, Kvaerno5} {
		for _, tol := range []float64{1e-4, 1e-6, 1e-9} {
			for _, dir := range []float64{1, -1} {
				opt := Options{Method: m, RTol: tol, ATol: tol}
				t0, t1 := 0.0, 2.0
				if dir < 0 {
					t0, t1 = t1, t0
				}
				sol, err := Solve(jump, t0, t1, []float64{1}, opt)
				if err != nil {
					t.Fatal(err)
				}
				if s := sol.Stats; tol < 1e-8 && (s.Suspected == 0 || math.Abs(s.Suspect-at) > 0.01 || !strings.Contains(s.String(), "Jumps")) {
					t.Errorf("%v, %v, %v: %v", m, tol, dir, s)
				}
				opt.Jumps = []float64{at}
				if sol, err = Solve(jump, t0, t1, []float64{1}, opt); err != nil || sol.Stats.Suspected > 0 {
					t.Errorf("%v, declared: %v; %v", m, sol.Stats, err)
				}
			}
		}
	}
	sol, err := Solve(state, 0, 1.5, []float64{0.5, 0}, Options{RTol: 1e-8, ATol: 1e-8})
	if err != nil || sol.Stats.Suspected == 0 || math.Abs(sol.Stats.Suspect-1) > 1e-3 {
		t.Errorf("a jump in the state: %v; %v", sol.Stats, err)
	}
	harmless := []struct {
		f      VectorField[float64]
		t1     float64
		y0     []float64
		h0     float64
		method Method
	}{
		{NewFunc(2, spiral[float64]), 20, []float64{1, 1}, 0, nil},
		{NewFunc(2, func(d []float64, _ float64, y []float64) { d[0], d[1] = y[1], 100*(1-y[0]*y[0])*y[1]-y[0] }), 300, []float64{2, 0}, 0, Kvaerno5},
		{NewFunc(2, func(d []float64, _ float64, y []float64) { d[0], d[1] = y[1], 20*(1-y[0]*y[0])*y[1]-y[0] }), 100, []float64{2, 0}, 0, nil},
		{NewFunc(1, func(d []float64, t float64, y []float64) { d[0] = -1000 * (y[0] - math.Cos(t)) }), 2, []float64{0}, 1, nil},
		{NewFunc(4, func(d []float64, _ float64, y []float64) {
			r := math.Pow(y[0]*y[0]+y[1]*y[1], -1.5)
			d[0], d[1], d[2], d[3] = y[2], y[3], -y[0]*r, -y[1]*r
		}), 30, []float64{0.05, 0, 0, math.Sqrt(1.95 / 0.05)}, 0, nil},
	}
	for i, c := range harmless {
		for _, tol := range []float64{1e-4, 1e-8} {
			sol, err := Solve(c.f, 0, c.t1, c.y0, Options{Method: c.method, H0: c.h0, RTol: tol, ATol: tol})
			if err != nil || sol.Stats.Suspected > 0 {
				t.Errorf("problem %d at %v: %v; %v", i, tol, sol.Stats, err)
			}
		}
	}
}

// A step that becomes too small at a jump tells of it: f jumps back and forth across a surface, and
// there is no solution beyond.
func TestJumpTooSmall(t *testing.T) {
	sign := NewFunc(1, func(d []float64, t float64, y []float64) { d[0] = -math.Copysign(1e6, y[0]-t) })
	_, err := Solve(sign, 0, 1, []float64{1}, Options{RTol: 1e-13, ATol: 1e-18})
	var jump *JumpError
	if !errors.Is(err, ErrStepTooSmall) && !errors.Is(err, ErrMaxSteps) {
		t.Fatal(err)
	}
	if errors.As(err, &jump) && !strings.Contains(err.Error(), "as an Event") {
		t.Error(err)
	}
}
