package odeint

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

// A single time gives y0, and so does an interval of length zero.
func TestSingleTime(t *testing.T) {
	f := &counting{VectorField: NewFunc(2, spiral[float64])}
	for _, c := range []Options{{}, {Method: RK4, H0: 0.1}, {Method: RK4, Steps: 1}, {SaveAt: SaveAt{Keep: Dense}}} {
		in, err := New[float64](f, c)
		if err != nil {
			t.Fatal(err)
		}
		var sol Solution[float64]
		y0 := []float64{4, -3}
		if err := in.SolveAt(context.Background(), &sol, []float64{0.7}, y0); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(sol.T, []float64{0.7}) || !slices.Equal(sol.Y, y0) {
			t.Errorf("%+v: times %v, states %v", c, sol.T, sol.Y)
		}
		if step, _ := sol.Origin(0); step != -1 {
			t.Errorf("initial state comes from step %d", step)
		}
		if err := in.Solve(context.Background(), &sol, 2, 2, y0); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(sol.T, []float64{2}) || !slices.Equal(sol.Last(), y0) || sol.Reached() != 2 || f.n != 0 {
			t.Errorf("%+v: times %v, states %v, %d evaluations", c, sol.T, sol.Y, f.n)
		}
		if c.SaveAt.Keep == Dense {
			y := make([]float64, 2)
			if err := sol.At(y, 2); err != nil || !slices.Equal(y, y0) {
				t.Errorf("dense output of an empty interval: %v, %v", y, err)
			}
			if err := sol.DerivativeAt(y, 2); err == nil {
				t.Error("no error from the derivative of a solution without steps")
			}
		}
	}
}

// A Solution may be solved into again, from its own slices, in another size.
func TestReuse(t *testing.T) {
	in, err := New(NewFunc(2, spiral[float64]), Options{RTol: 1e-9, ATol: 1e-9, SaveAt: SaveAt{Keep: Dense, Every: 1}})
	if err != nil {
		t.Fatal(err)
	}
	var sol Solution[float64]
	for _, y0 := range []func() []float64{
		func() []float64 { return []float64{4, -3} },
		sol.Last, func() []float64 { return sol.Row(len(sol.T) - 1) }, func() []float64 { return sol.Step(sol.NumSteps() - 1).Y1 },
	} {
		if err := in.Solve(t.Context(), &sol, 0, 1, y0()); err != nil {
			t.Fatal(err)
		}
	}
	s, c := math.Sincos(8)
	e := math.Exp(-0.4)
	if x, y := sol.Last()[0], sol.Last()[1]; math.Abs(x-e*(4*c-3*s)) > 1e-7 || math.Abs(y-e*(-4*s-3*c)) > 1e-7 {
		t.Errorf("after four solves in a row %v, %v", x, y)
	}
	big, err := New(NewFunc(3000, func(d []float64, _ float64, y []float64) {
		for i, v := range y {
			d[i] = -v
		}
	}), Options{SaveAt: SaveAt{Keep: Stages}})
	if err != nil {
		t.Fatal(err)
	}
	y0 := make([]float64, 3000)
	y0[2999] = 1
	if err := big.Solve(t.Context(), &sol, 0, 1, y0); err != nil || math.Abs(sol.Last()[2999]-math.Exp(-1)) > 1e-6 || len(sol.Row(0)) != 3000 {
		t.Errorf("larger state: %v, %v", sol.Last()[2999], err)
	}
	if got, least := sol.Bytes(), sol.NumSteps()*8*3000*8; got < least || got > 4*least+1<<20 {
		t.Errorf("%d bytes for at least %d", got, least)
	}
	if err := sol.At(y0, 0.5); !errors.Is(err, ErrNoDense) {
		t.Errorf("dense output of a solution without: %v", err)
	}
}

// From the second solve on nothing is allocated, whatever is kept.
func TestAllocations(t *testing.T) {
	t.Run("float64", testAllocations[float64])
	t.Run("float32", testAllocations[float32])
}

func testAllocations[T Float](t *testing.T) {
	p := odetest.Kepler[T](0.3)
	times := []float64{0, 0.1, 0.11, 1, 2.5, 4}
	saves := map[string]SaveAt{
		"end": {}, "times": {Times: times}, "every": {Every: 1, Start: true}, "steps": {Keep: Steps},
		"stages": {Keep: Stages, Times: times}, "dense": {Keep: Dense, Times: times},
	}
	for _, m := range Tableaus() {
		for name, save := range saves {
			opt := Options{Method: m, RTol: 1e-5, ATol: 1e-5, SaveAt: save, Stops: []float64{3, 1}, Jumps: []float64{2}}
			if m.E == nil {
				opt.RTol, opt.ATol, opt.H0 = 0, 0, 0.0123
			}
			in, err := New[T](p, opt)
			if err != nil {
				t.Fatal(err)
			}
			in.Observe(func(*Step[T], *Stats) error { return nil })
			var sol Solution[T]
			ctx, dst := t.Context(), make([]T, 4)
			run := func() {
				if err := in.Solve(ctx, &sol, 0, 4, p.Y0); err != nil {
					t.Fatal(err)
				}
				if save.Keep == Dense {
					if err := errors.Join(sol.At(dst, 1.23), sol.DerivativeAt(dst, 3.21)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if n := testing.AllocsPerRun(3, run); n != 0 {
				t.Errorf("%v, %s: %v allocations in Solve", m, name, n)
			}
			at := func() {
				if err := in.SolveAt(ctx, &sol, times, p.Y0); err != nil {
					t.Fatal(err)
				}
			}
			if n := testing.AllocsPerRun(3, at); n != 0 {
				t.Errorf("%v, %s: %v allocations in SolveAt", m, name, n)
			}
		}
	}
}

// SolveAt is Integrator.SolveAt, and its rows can be read by component.
func TestSolveAt(t *testing.T) {
	f := NewFunc(2, func(d []float64, _ float64, y []float64) { d[0], d[1] = y[1], -y[0] })
	times := []float64{2, 1, 0.5, -1}
	sol, err := SolveAt(f, times, []float64{math.Sin(2), math.Cos(2)}, Options{RTol: 1e-10})
	if err != nil || sol.Len() != len(times) {
		t.Fatal(sol, err)
	}
	sin, cos := sol.Component(nil, 0), sol.Component(make([]float64, 7), 1)
	for i, at := range times {
		if sol.T[i] != at || math.Abs(sin[i]-math.Sin(at)) > 1e-9 || math.Abs(cos[i]-math.Cos(at)) > 1e-9 {
			t.Errorf("at %v: %v, %v", at, sin[i], cos[i])
		}
	}
	if len(sin) != 4 || len(cos) != 4 {
		t.Errorf("series of lengths %d and %d", len(sin), len(cos))
	}
	mustPanic(t, "component 2 of 2", func() { sol.Component(nil, 2) })
	var bad *OptionError
	if sol, err := SolveAt(f, []float64{0, 1, 1}, []float64{0, 1}, Options{}); sol != nil || !errors.As(err, &bad) {
		t.Errorf("times that stand still: %v, %v", sol, err)
	}
	if sol, err := SolveAt(f, []float64{0, 1, 9}, []float64{0, 1}, Options{MaxSteps: 3}); !errors.Is(err, ErrMaxSteps) || sol == nil {
		t.Errorf("too few steps: %v, %v", sol, err)
	}
}

func TestStatsString(t *testing.T) {
	for _, c := range []struct {
		s    Stats
		want string
	}{
		{Stats{}, "0 steps"},
		{Stats{Accepted: 12, HMin: 0.03, HMax: 1.2, Rejected: 2, NFE: 85}, "12 steps from 0.03 to 1.2, 2 rejected, 85 f"},
		{Stats{Accepted: 3, HMin: 0.5, HMax: 0.5, Drifts: 3, Kicks: 4}, "3 steps of 0.5, 3 drifts, 4 kicks"},
	} {
		if got := c.s.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
