package odeint

import (
	"errors"
	"math"
	"testing"
)

// FuzzSolve solves with options of any values. A solve ends, with what the options promise or
// with an error of a known type, and keeps nothing that is not finite.
func FuzzSolve(f *testing.F) {
	f.Add(uint8(0), 0.0, 1.0, 0.0, 1e-6, 1e-9, 0.0, 0.0, 0.5, 0.25, -1.0, 1.0, uint8(0))
	f.Add(uint8(5), 0.0, 1.0, 1e-10, 0.0, 0.0, 0.0, 0.0, 0.3, 0.30000000000000004, -1.0, 1.0, uint8(7))
	f.Add(uint8(8), 1.7e9, 1.7e9+10, 0.0, 0.0, 0.0, 0.0, 0.0, 1.7e9, 1.7e9, -1.0, 0.0, uint8(3))
	f.Add(uint8(12), 2.0, -3.0, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 2.0, 3.0, uint8(15))
	f.Add(uint8(30), 0.0, 1.0, 0.25, 0.0, 0.0, 0.0, 0.0, 0.5, 0.7, 1e200, 1.75e308, uint8(31))
	f.Add(uint8(40), 0.0, 5e-324, 1e-300, 0.0, 0.0, 0.0, 0.0, 0.5, 0.7, 1.0, 1.0, uint8(31))
	var methods []Method
	for _, m := range Tableaus() {
		methods = append(methods, m)
	}
	for _, m := range Splittings() {
		methods = append(methods, m)
	}
	for _, m := range ImplicitRKs() {
		methods = append(methods, m, m.With(Newton{}))
	}
	methods = append(methods, &Tao{Omega: 1}, &Tao{Omega: 10, Order: 4})
	f.Fuzz(func(t *testing.T, which uint8, t0, t1, h0, rtol, atol, hmin, hmax, stop, jump, rate, y0 float64, flags uint8) {
		opt := Options{
			Method: methods[int(which)%len(methods)], H0: h0, RTol: rtol, ATol: atol, HMin: hmin, HMax: hmax,
			MaxSteps: 500, Stops: []float64{stop, jump}, Compensated: flags&1 != 0,
		}
		if flags&2 != 0 {
			opt.Jumps = []float64{jump}
		}
		if flags&4 != 0 {
			opt.SaveAt.Times = []float64{t0, stop, t1}
		}
		opt.SaveAt.Every = int(flags >> 6)
		opt.SaveAt.Keep = Keep(flags >> 3 & 3)
		field := NewSeparable(1, 1,
			func(dq []float64, t float64, p []float64) { dq[0] = rate * p[0] },
			func(dp []float64, t float64, q []float64) { dp[0] = -rate * math.Sin(q[0]) })
		sol, err := Solve(field, t0, t1, []float64{y0, 1}, opt)
		if err != nil {
			var bad *OptionError
			var stopped *StepError
			switch {
			case errors.As(err, &bad):
				return
			case !errors.As(err, &stopped):
				t.Fatalf("an error of another kind: %v", err)
			case !errors.Is(err, ErrMaxSteps) && !errors.Is(err, ErrStepTooSmall) && !errors.Is(err, ErrNonFinite) && !errors.Is(err, ErrNoConvergence):
				t.Fatalf("an error of no known cause: %v", err)
			}
		}
		for i, ti := range sol.T {
			if ti < min(t0, t1) || ti > max(t0, t1) || i > 0 && ti != sol.T[i-1] && (ti > sol.T[i-1]) != (t1 > t0) {
				t.Errorf("row %d is at %v, after %v", i, ti, sol.T[max(i-1, 0)])
			}
			for _, v := range sol.Row(i) {
				if v-v != 0 {
					t.Errorf("row %d at %v holds %v", i, ti, v)
				}
			}
		}
		if n := sol.Stats.Accepted + sol.Stats.Rejected; n > opt.MaxSteps {
			t.Errorf("%d steps", n)
		}
		if err != nil {
			return
		}
		if opt.SaveAt.Times != nil && len(sol.T) < len(opt.SaveAt.Times) {
			t.Errorf("%d rows of %d", len(sol.T), len(opt.SaveAt.Times))
		}
		if opt.SaveAt.Keep >= Steps {
			at := t0
			for i := range sol.Stats.Accepted {
				s := sol.Step(i)
				if s.T0 != at || s.T1 == s.T0 || (s.T1 > s.T0) != (t1 > t0) {
					t.Errorf("step %d from %v to %v follows %v", i, s.T0, s.T1, at)
				}
				at = s.T1
			}
			if at != t1 {
				t.Errorf("the steps end at %v, not %v", at, t1)
			}
		}
	})
}
