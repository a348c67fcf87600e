package odeint

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// breaking is y' = −y that gives a bad value in component 1 from t = at on.
type breaking[T Float] struct {
	at   float64
	bad  float64
	back bool
	n    int
}

func (b *breaking[T]) Dim() int { return 3 }

func (b *breaking[T]) Eval(dydt []T, t float64, y []T) {
	b.n++
	for i, v := range y {
		dydt[i] = -v
	}
	if !b.back && t >= b.at || b.back && t <= b.at {
		dydt[1] = T(b.bad)
	}
}

// A value that is not finite ends the solve at that evaluation, for every method and
// control, at the start and in the middle, forwards and backwards.
func TestNonFinite(t *testing.T) {
	t.Run("float64", testNonFinite[float64])
	t.Run("float32", testNonFinite[float32])
}

func testNonFinite[T Float](t *testing.T) {
	for _, m := range Tableaus() {
		for _, ctl := range []Controller{Fixed{}, IController{}, PIController{}, PIDController{}} {
			if _, fixed := ctl.(Fixed); !fixed && m.E == nil {
				continue
			}
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				for _, at := range []float64{0, 0.63} {
					for _, back := range []bool{false, true} {
						checkNonFinite[T](t, Options{Method: m, Controller: ctl, H0: 0.01, HMax: 0.02}, bad, at, back)
					}
				}
			}
		}
	}
}

func checkNonFinite[T Float](t *testing.T, opt Options, bad, at float64, back bool) {
	t.Helper()
	f := &breaking[T]{at: at, bad: bad, back: back}
	dir := 1.0
	if back {
		dir, f.at = -1, -at
	}
	opt.SaveAt = SaveAt{Every: 1, Start: true, Keep: Dense}
	sol, err := Solve[T](f, 0, dir, []T{1, 1, 1}, opt)
	var stop *StepError
	var nf *NonFiniteError
	if !errors.As(err, &stop) || !errors.As(err, &nf) || !errors.Is(err, ErrNonFinite) {
		t.Fatalf("%v, %T: error %v", opt.Method, opt.Controller, err)
	}
	if nf.Component != 1 || nf.What != "f" || !(nf.Value == bad || nf.Value != nf.Value && bad != bad) {
		t.Errorf("%v, %T: %+v", opt.Method, opt.Controller, nf)
	}
	// At the first evaluation at or beyond the time, within a step of it.
	if nf.T*dir < at || nf.T*dir > at+0.02 || stop.T*dir > at || stop.T*dir < at-0.02-1e-12 {
		t.Errorf("%v, %T: bad from %v on, met at %v after the state at %v", opt.Method, opt.Controller, dir*at, nf.T, stop.T)
	}
	if f.n != sol.Stats.NFE {
		t.Errorf("%d evaluations, %d counted", f.n, sol.Stats.NFE)
	}
	if at == 0 && f.n != 1 {
		t.Errorf("%v: %d evaluations though the first was bad", opt.Method, f.n)
	}
	// What was reached is there and right.
	if sol.Reached() != stop.T || len(sol.Last()) != 3 || sol.T[len(sol.T)-1] != stop.T || len(sol.T) != sol.Stats.Accepted+1 || sol.NumSteps() != sol.Stats.Accepted {
		t.Errorf("%v: reached %v, error at %v, %d rows, %d steps, %+v", opt.Method, sol.Reached(), stop.T, len(sol.T), sol.NumSteps(), sol.Stats)
	}
	// Euler over 63 steps of 0.01.
	want := math.Exp(-stop.T)
	if got := float64(sol.Last()[1]); math.Abs(got-want) > 5e-3*want {
		t.Errorf("%v: last good state %v, want about %v", opt.Method, got, want)
	}
	y := make([]T, 3)
	if err := sol.At(y, stop.T/2); err != nil || math.Abs(float64(y[0])-math.Exp(-stop.T/2)) > 1e-2 {
		t.Errorf("%v: dense output of what was reached: %v, %v", opt.Method, y[0], err)
	}
}

// Without H0 the first value that is not finite may be met in the choice of the first step.
func TestNonFiniteFirstStep(t *testing.T) {
	for _, at := range []float64{0, 1e-9} {
		f := &breaking[float64]{at: at, bad: math.NaN()}
		sol, err := Solve[float64](f, 0, 1, []float64{1, 1, 1}, Options{})
		if !errors.Is(err, ErrNonFinite) || sol.Reached() != 0 || sol.Stats.Accepted != 0 {
			t.Errorf("bad from %v on: %v, %+v", at, err, sol.Stats)
		}
		if f.n > 2 {
			t.Errorf("bad from %v on: %d evaluations", at, f.n)
		}
	}
}

// A finite field can still carry the state beyond all numbers.
func TestOverflow(t *testing.T) {
	f := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = math.MaxFloat64 / 2 * math.Tanh(y[0]) })
	for _, m := range Tableaus() {
		sol, err := Solve(f, 0, 100, []float64{1}, Options{Method: m, Controller: Fixed{}, H0: 1})
		var nf *NonFiniteError
		if !errors.As(err, &nf) || sol.Last()[0]-sol.Last()[0] != 0 {
			t.Errorf("%v: %v, last state %v", m, err, sol.Last())
		}
	}
	sol, err := Solve(f, 0, 1, []float64{math.NaN()}, Options{})
	if !errors.Is(err, ErrNonFinite) || !strings.Contains(err.Error(), "y0") || sol.Stats.NFE != 0 {
		t.Errorf("NaN in y0: %v", err)
	}
}

var errSensor = errors.New("sensor 7 unplugged")

// A failing field's own error surfaces, with type and text.
func TestFallible(t *testing.T) {
	for _, m := range Tableaus() {
		f := NewFallibleFunc(1, func(d []float64, t float64, y []float64) error {
			if t > 0.5 {
				return errSensor
			}
			d[0] = -y[0]
			return nil
		})
		opt := Options{Method: m, Controller: Fixed{}, H0: 0.125}
		sol, err := Solve(f, 0, 1, []float64{1}, opt)
		if !errors.Is(err, errSensor) || !errors.Is(err, ErrNonFinite) || !strings.Contains(err.Error(), "sensor 7 unplugged") {
			t.Errorf("%v: %v", m, err)
		}
		// A step that would end beyond 0.5 fails, or its successor's first stage.
		if sol.Reached() < 0.5 || sol.Reached() > 0.625 {
			t.Errorf("%v: reached %v", m, sol.Reached())
		}
		// The failure does not haunt the next solve.
		if _, err := Solve(f, 0, 0.25, []float64{1}, opt); err != nil {
			t.Errorf("%v: after a failure: %v", m, err)
		}
	}
}

// forgetful breaks the contract of Fallible: it fails without NaN.
type forgetful struct {
	VectorField[float64]
	err error
}

func (f *forgetful) Eval(d []float64, t float64, y []float64) {
	f.VectorField.Eval(d, t, y)
	if f.err == nil {
		f.err = errSensor
	}
}

func (f *forgetful) Err() error {
	err := f.err
	f.err = nil
	return err
}

func TestFallibleWithoutNaN(t *testing.T) {
	f := &forgetful{VectorField: NewFunc(2, spiral[float64]), err: errors.New("stale")}
	sol, err := Solve[float64](f, 0, 1, []float64{1, 1}, Options{})
	if !errors.Is(err, errSensor) || sol.Reached() != 1 {
		t.Errorf("%v, reached %v", err, sol.Reached())
	}
}

// The first of several errors is the one that is told.
func TestFallibleFirstError(t *testing.T) {
	n := 0
	f := NewFallibleFunc(1, func([]float64, float64, []float64) error {
		n++
		if n == 1 {
			return errSensor
		}
		return errors.New("consequence")
	})
	y := []float64{0}
	f.Eval(y, 0, y)
	f.Eval(y, 0, y)
	if err := f.(Fallible).Err(); err != errSensor {
		t.Errorf("%v", err)
	}
	if err := f.(Fallible).Err(); err != nil {
		t.Errorf("told twice: %v", err)
	}
}

func TestMaxSteps(t *testing.T) {
	f := NewFunc(2, lotkaVolterra[float64])
	for _, o := range []Options{
		{MaxSteps: 7, RTol: 1e-8, SaveAt: SaveAt{Times: []float64{0, 0.01, 40}}},
		{MaxSteps: 7, Method: RK4, H0: 0.25, SaveAt: SaveAt{Times: []float64{0, 0.01, 40}}},
	} {
		sol, err := Solve(f, 0, 50, []float64{1, 1}, o)
		var stop *StepError
		if !errors.Is(err, ErrMaxSteps) || !errors.As(err, &stop) || stop.Steps != 7 || stop.T != sol.Reached() || stop.T <= 0 {
			t.Errorf("%v: %v", o.Method, err)
		}
		if sol.Stats.Accepted+sol.Stats.Rejected != 7 || len(sol.T) != 2 {
			t.Errorf("%v: %+v, saved at %v", o.Method, sol.Stats, sol.T)
		}
		if !strings.Contains(err.Error(), "MaxSteps") {
			t.Errorf("no advice in %q", err)
		}
	}
	// As many as needed are enough.
	if _, err := Solve(f, 0, 1, []float64{1, 1}, Options{MaxSteps: 4, Method: RK4, H0: 0.25}); err != nil {
		t.Error(err)
	}
	// Fixed steps have no default limit.
	ones := NewFunc(1, func(d []float64, _ float64, _ []float64) { d[0] = 1 })
	if _, err := Solve(ones, 0, 1, []float64{0}, Options{Method: Euler, H0: 5e-6}); err != nil {
		t.Error(err)
	}
}

// The pole of y' = y² at t = 1 stops every adaptive method, by step size, or by
// a trial step across it.
func TestStepTooSmall(t *testing.T) {
	f := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = y[0] * y[0] })
	for _, a := range adaptive {
		for _, c := range []Controller{IController{}, PIController{}, PIDController{}} {
			sol, err := Solve(f, 0, 2, []float64{1}, Options{Method: a.m, Controller: c})
			var stop *StepError
			if !errors.Is(err, ErrStepTooSmall) && !errors.Is(err, ErrNonFinite) || !errors.As(err, &stop) {
				t.Errorf("%v, %T: %v", a.m, c, err)
				continue
			}
			if math.Abs(stop.T-1) > 1e-3 || sol.Last()[0] < 1e3 {
				t.Errorf("%v, %T: stopped at %v with %v", a.m, c, stop.T, sol.Last()[0])
			}
		}
	}
	// A field without a limit as the step shrinks: nothing satisfies the tolerance.
	noise := 1.0
	rough := NewFunc(1, func(d []float64, _ float64, _ []float64) { noise = -noise; d[0] = noise * 1e30 })
	if _, err := Solve(rough, 1, 2, []float64{0}, Options{}); !errors.Is(err, ErrStepTooSmall) {
		t.Errorf("rough field: %v", err)
	}
	if _, err := Solve(rough, 1, 1+1e-3, []float64{0}, Options{HMin: 1e-5}); err != nil {
		t.Errorf("rough field with HMin: %v", err)
	}
	// Fixed steps below the resolution of the time.
	if _, err := Solve(rough, 1, 2, []float64{0}, Options{Method: RK4, H0: 1e-20}); !errors.Is(err, ErrStepTooSmall) {
		t.Errorf("fixed steps of 1e-20: %v", err)
	}
	// Controllers that answer nonsense do not hang the solve.
	for _, bad := range []float64{math.NaN(), 0, -1, math.Inf(1)} {
		done := make(chan error, 1)
		go func() {
			_, err := Solve(f, 0, 0.5, []float64{1}, Options{Controller: constant(bad), H0: 0.1})
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil && !math.IsInf(bad, 1) {
				t.Errorf("no error with the factor %v", bad)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("endless with the factor %v", bad)
		}
	}
}

// constant is a controller that rejects nothing and always answers the same.
type constant float64

func (c constant) Next(Attempt) (factor float64, accept bool) { return float64(c), true }

func TestContext(t *testing.T) {
	f := NewFunc(2, lotkaVolterra[float64])
	in, err := New(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var sol Solution[float64]
	in.Observe(func(s *Step[float64], st *Stats) error {
		if st.Accepted == 5 {
			cancel()
		}
		return nil
	})
	err = in.Solve(ctx, &sol, 0, 100, []float64{1, 1})
	if !errors.Is(err, context.Canceled) || sol.Stats.Accepted != 5 || sol.Reached() <= 0 {
		t.Errorf("%v, %+v", err, sol.Stats)
	}
	if err := in.Solve(ctx, &sol, 0, 100, []float64{1, 1}); !errors.Is(err, context.Canceled) || sol.Stats.NFE != 0 {
		t.Errorf("cancelled before: %v, %+v", err, sol.Stats)
	}
	late, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	if err := in.Solve(late, &sol, 0, 100, []float64{1, 1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("past the deadline: %v", err)
	}
}

func TestObserve(t *testing.T) {
	in, err := New(NewFunc(2, lotkaVolterra[float64]), Options{SaveAt: SaveAt{Every: 1, Start: true}})
	if err != nil {
		t.Fatal(err)
	}
	var sol Solution[float64]
	var ends []float64
	n := 0
	in.Observe(func(s *Step[float64], st *Stats) error {
		n++
		if st.Accepted != n || s.T1 <= s.T0 || len(s.K) < 7*2 {
			t.Errorf("call %d: %+v, %+v", n, s, st)
		}
		ends = append(ends, s.T1)
		if n == 9 {
			return errSensor
		}
		return nil
	})
	err = in.Solve(context.Background(), &sol, 0, 100, []float64{1, 1})
	var stop *StepError
	if !errors.Is(err, errSensor) || !errors.As(err, &stop) || stop.T != ends[8] || sol.Reached() != ends[8] {
		t.Errorf("%v after %v", err, ends)
	}
	if !slices.Equal(ends, sol.T[1:]) {
		t.Errorf("observed %v, saved %v", ends, sol.T)
	}
	in.Observe(nil)
	if err := in.Solve(context.Background(), &sol, 0, 1, []float64{1, 1}); err != nil || n != 9 {
		t.Errorf("without observer: %v, %d calls", err, n)
	}
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "odeint: ") {
			t.Errorf("%s: panic with %q", what, s)
		}
	}()
	f()
}

func TestPanics(t *testing.T) {
	f := NewFunc(2, spiral[float64])
	in, err := New(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var sol Solution[float64]
	mustPanic(t, "nil field", func() { New[float64](nil, Options{}) })
	mustPanic(t, "nil function", func() { NewFunc[float64](1, nil) })
	mustPanic(t, "nil function", func() { NewFallibleFunc[float64](1, nil) })
	mustPanic(t, "short y0", func() { in.Solve(context.Background(), &sol, 0, 1, []float64{1}) })
	mustPanic(t, "nil solution", func() { in.Solve(context.Background(), nil, 0, 1, []float64{1, 1}) })
	mustPanic(t, "short dst", func() { sol.At(make([]float64, 1), 0) })
}
