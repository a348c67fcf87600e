package odeint

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
)

// every is a method of each kind, with a step size where it has no error estimate.
var every = []Options{
	{Method: Tsit5}, {Method: Dop853}, {Method: Dopri5, Controller: Fixed{}, H0: 0.01}, {Method: RK4, H0: 0.01},
	{Method: SymplecticEuler, H0: 1e-4}, {Method: Yoshida4, H0: 0.01},
	{Method: GaussLegendre4, H0: 0.01}, {Method: GaussLegendre4.With(Newton{}), H0: 0.01}, {Method: &Tao{Order: 2, Omega: 1}, H0: 0.01},
}

// switched is dq/dt = 1 before the first of the jumps, −1 after the last, and NaN at and
// between them; dp/dt = 0.
func switched(jumps ...float64) VectorField[float64] {
	slope := func(t float64) float64 {
		switch {
		case t < slices.Min(jumps):
			return 1
		case t > slices.Max(jumps):
			return -1
		}
		return math.NaN()
	}
	return NewSeparable(1, 1,
		func(dq []float64, t float64, p []float64) { dq[0] = slope(t) },
		func(dp []float64, t float64, q []float64) { dp[0] = 0 })
}

// Times that differ by a unit in the last place are one landing: the field is evaluated
// neither between them nor at a jump, and the steps after them are not too small.
func TestNearTimesAreOneLanding(t *testing.T) {
	const a = 0.3
	b := math.Nextafter(a, 1)
	c := math.Nextafter(a, 0)
	for _, x := range []struct {
		name         string
		jumps, stops []float64
		t0, t1       float64
		times        []float64
	}{
		{"a jump before a stop", []float64{a}, []float64{b}, 0, 1, nil},
		{"a jump after a stop", []float64{b}, []float64{a}, 0, 1, nil},
		{"two jumps", []float64{a, b}, nil, 0, 1, nil},
		{"three jumps among stops", []float64{c, a, b}, []float64{c, b, math.Nextafter(b, 1)}, 0, 1, nil},
		{"a jump before a saved time", []float64{a}, nil, 0, 1, []float64{0.1, b, 1}},
		{"a jump after a saved time", []float64{a}, nil, 0, 1, []float64{0.1, c, 0.7}},
		{"a jump before the end", []float64{a}, nil, 0, b, nil},
		{"a jump at the end", []float64{a}, nil, 0, a, nil},
		{"a jump after the start", []float64{a}, nil, c, 1, nil},
		{"a jump at the start", []float64{a}, []float64{b}, a, 1, nil},
	} {
		for _, back := range []bool{false, true} {
			for _, opt := range every {
				if opt.Method == Yoshida4 {
					continue // has nodes outside the step, beyond a jump at its end
				}
				t0, t1, times := x.t0, x.t1, slices.Clone(x.times)
				if back {
					t0, t1 = t1, t0
					slices.Reverse(times)
				}
				name := fmt.Sprintf("%s, %v, from %v to %v", x.name, opt.Method, t0, t1)
				opt.Jumps, opt.Stops = x.jumps, x.stops
				opt.SaveAt = SaveAt{Times: times, Keep: Steps, End: true}
				sol, err := Solve(switched(x.jumps...), t0, t1, []float64{0, 0}, opt)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				turn := slices.Min(x.jumps)
				way := func(t float64) float64 { return min(t, turn) - max(t-turn, 0) }
				for i, ti := range sol.T {
					if got, want := sol.Row(i)[0], way(ti)-way(t0); math.Abs(got-want) > 1e-12 {
						t.Errorf("%s: %v at %v, want %v", name, got, ti, want)
					}
				}
				for i := range sol.Stats.Accepted {
					s := sol.StepTimes(i)
					if inside := func(j float64) bool { return j >= min(s.Lo, s.Hi) && j <= max(s.Lo, s.Hi) }; slices.ContainsFunc(x.jumps, inside) {
						t.Errorf("%s: step from %v to %v may evaluate at the jump", name, s.T0, s.T1)
					}
				}
			}
		}
	}
}

// A series of fixed steps longer than anyone means is refused, on 32 bits as on 64,
// unless MaxSteps allows it.
func TestEndlessFixedSteps(t *testing.T) {
	for _, h := range []float64{1e-10, 1e-11, 1.0 / (1 << 31), 1.0 / (1 << 32)} {
		sol, err := Solve(decay, 0, 1, []float64{1}, Options{Method: RK4, H0: h})
		if !errors.Is(err, ErrMaxSteps) || sol.Stats.Accepted != 0 {
			t.Errorf("H0 = %v: %d steps, %v", h, sol.Stats.Accepted, err)
		}
	}
	sol, err := Solve(decay, 0, 1, []float64{1}, Options{Method: RK4, H0: 1e-9, MaxSteps: 1000})
	if !errors.Is(err, ErrMaxSteps) || sol.Stats.Accepted != 1000 || sol.T == nil && math.Abs(sol.Last()[0]-(1-1e-6)) > 1e-12 {
		t.Errorf("MaxSteps: %d steps to %v, %v", sol.Stats.Accepted, sol.Last(), err)
	}
	_, err = Solve(decay, 0, 1, []float64{1}, Options{Method: Euler, H0: 1e-320})
	if !errors.Is(err, ErrStepTooSmall) {
		t.Errorf("more steps than can be counted: %v", err)
	}
	sol, err = Solve(decay, 0, 1e-7, []float64{1}, Options{Method: RK4, H0: 1e-12})
	if err != nil || sol.Stats.Accepted != 100_000 {
		t.Errorf("many steps, but not too many: %d, %v", sol.Stats.Accepted, err)
	}
}

var decay = NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -y[0] })

// At times of which a float64 knows a tenth of a microsecond, a first step of a microsecond
// would not move on.
func TestAtRestFarFromZero(t *testing.T) {
	for _, t0 := range []float64{1.7e9, -1.7e9, 1.7e12, 0} {
		for _, length := range []float64{3600, -3600} {
			for _, y0 := range []float64{0, 1} {
				sol, err := Solve(decay, t0, t0+length/1000, []float64{y0}, Options{})
				if err != nil {
					t.Errorf("from %v at %v: %v", y0, t0, err)
					continue
				}
				if want := y0 * math.Exp(-length/1000); math.Abs(sol.Last()[0]-want) > 1e-3*want {
					t.Errorf("from %v at %v: %v, want %v", y0, t0, sol.Last()[0], want)
				}
			}
		}
	}
}

// A state between the ends of a step can be infinite though those are finite.
func TestSavedStateIsFinite(t *testing.T) {
	for _, opt := range []Options{{Method: RK4, H0: 1}, {Method: Tsit5, Controller: Fixed{}, H0: 1}, {Method: Dop853, Controller: Fixed{}, H0: 1}} {
		opt.SaveAt.Times = []float64{0.25, 0.5, 0.75}
		found := false
		for _, slope := range []float64{0, 1e307, 1e308} {
			f := NewFunc(1, func(d []float64, t float64, _ []float64) { d[0] = slope * math.Cos(math.Pi*t) })
			sol, err := Solve(f, 0, 1, []float64{1.75e308}, opt)
			for i := range sol.T {
				if v := sol.Row(i)[0]; v-v != 0 {
					t.Errorf("%v, slope %g: row %v, error %v", opt.Method, slope, v, err)
				}
			}
			found = found || errors.Is(err, ErrNonFinite)
		}
		if !found {
			t.Errorf("%v: nothing overflows; the test does not test what it should", opt.Method)
		}
	}
}

// After a cancellation at most the work of one step or row follows, wherever it comes.
func TestCancelledInsideStep(t *testing.T) {
	times := make([]float64, 20_001)
	for i := range times {
		times[i] = float64(i) / 20_000
	}
	for _, opt := range every {
		opt.H0, opt.Controller = 1, Fixed{}
		for _, after := range []int{0, 1, 5, 100, 1000} {
			ctx, cancel := context.WithCancel(context.Background())
			n := 0
			count := func() {
				if n++; n == after {
					cancel()
				}
			}
			f := NewSeparable(1, 1,
				func(dq []float64, t float64, p []float64) { count(); dq[0] = p[0] },
				func(dp []float64, t float64, q []float64) { count(); dp[0] = -q[0] })
			in, err := New(f, opt)
			if err != nil {
				t.Fatal(err)
			}
			if after == 0 {
				cancel()
			}
			err = in.SolveAt(ctx, new(Solution[float64]), times, []float64{1, 0})
			cancel()
			// The most work of a row is that of an implicit step: up to a hundred iterations.
			if most := after + 2*2*150; n > most {
				t.Errorf("%v, cancelled after %d evaluations: %d in all", opt.Method, after, n)
			}
			if n >= after && !errors.Is(err, context.Canceled) && n > after {
				t.Errorf("%v, cancelled after %d of %d evaluations: %v", opt.Method, after, n, err)
			}
		}
	}
}
