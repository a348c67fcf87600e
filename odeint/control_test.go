package odeint

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// Every way to say the same tolerance takes the same steps, and each part of it matters.
func TestTolerances(t *testing.T) {
	f := NewFunc(2, lotkaVolterra[float64])
	run := func(o Options) Stats {
		t.Helper()
		sol, err := Solve(f, 0, 10, []float64{1, 1}, o)
		if err != nil {
			t.Fatal(err)
		}
		return sol.Stats
	}
	rms := func(r []float64) float64 {
		sum := 0.0
		for _, v := range r {
			sum += v * v
		}
		return math.Sqrt(sum / float64(len(r)))
	}
	base := run(Options{})
	for name, o := range map[string]Options{
		"explicit defaults": {RTol: 1e-6, ATol: 1e-9, Method: Tsit5, Controller: PIController{}, MaxSteps: 1e5, ErrDim: 2},
		"per component":     {RTols: []float64{1e-6, 1e-6}, ATols: []float64{1e-9, 1e-9}},
		"half and half":     {RTols: []float64{1e-6, 1e-6}, ATol: 1e-9},
		"own norm":          {Norm: rms},
		"own weights":       {Controller: PIController{P: 0.2, I: 0.65, Safety: 0.9, Min: 0.2, Max: 10}},
	} {
		if got := run(o); got != base {
			t.Errorf("%s: %+v, want %+v", name, got, base)
		}
	}
	for name, o := range map[string]Options{
		"tighter":         {RTol: 1e-8, ATol: 1e-9},
		"one component":   {RTols: []float64{1e-6, 1e-9}, ATol: 1e-9},
		"absolute":        {ATol: 1e-9},
		"larger norm":     {Norm: func(r []float64) float64 { return 10 * rms(r) }},
		"PID":             {Controller: PIDController{}, RTol: 1e-8},
		"more careful":    {Controller: PIController{Safety: 0.5}},
		"bounded step":    {HMax: 0.1},
		"tiny first step": {H0: 1e-6},
	} {
		if got := run(o); got.Accepted <= base.Accepted {
			t.Errorf("%s: %+v, not more steps than %+v", name, got, base)
		}
	}
	if a, b := run(Options{Controller: IController{}, RTol: 1e-9}), run(Options{RTol: 1e-9}); a == b {
		t.Errorf("I and PI take the same steps: %+v", a)
	}
	if a, b := run(Options{RTol: 1e-9}), run(Options{RTol: 1e-9, ErrDim: 1}); a == b {
		t.Errorf("ErrDim changes nothing: %+v", a)
	}
	var seen int
	run(Options{ErrDim: 1, Norm: func(r []float64) float64 { seen = len(r); return rms(r) }})
	if seen != 1 {
		t.Errorf("norm of %d components, want 1", seen)
	}
	if _, err := Solve(f, 0, 1, []float64{1, 1}, Options{H0: 0.1, Norm: func([]float64) float64 { return math.NaN() }}); !errors.Is(err, ErrNonFinite) {
		t.Errorf("norm NaN: %v", err)
	}
}

// RTol alone starts from 0, and a purely relative tolerance says which component it is that
// no error is small enough for.
func TestRelativeFromZero(t *testing.T) {
	f := NewFunc(2, func(d []float64, _ float64, y []float64) { d[0], d[1] = y[1], -y[0] })
	sol, err := Solve(f, 0, 10, []float64{0, 1}, Options{RTol: 1e-8})
	if err != nil || math.Abs(sol.Last()[0]-math.Sin(10)) > 1e-7 {
		t.Errorf("RTol alone: %v, %v", sol.Last(), err)
	}
	_, err = Solve(f, 0, 10, []float64{0, 1}, Options{RTol: 1e-8, ATols: []float64{0, 1e-9}})
	var scale *ScaleError
	if !errors.Is(err, ErrStepTooSmall) || !errors.As(err, &scale) || scale.Component != 0 || !strings.Contains(err.Error(), "set ATol, or ATols") {
		t.Errorf("no absolute tolerance: %v", err)
	}
}

// A purely relative tolerance copes with a component that stays zero.
func TestZeroComponent(t *testing.T) {
	f := NewFunc(2, func(d []float64, _ float64, y []float64) { d[0], d[1] = -y[0], 0 })
	sol, err := Solve(f, 0, 5, []float64{1, 0}, Options{RTol: 1e-8, ATols: []float64{0, 0}})
	if err != nil || math.Abs(sol.Last()[0]-math.Exp(-5)) > 1e-8 {
		t.Errorf("%v, %v", sol, err)
	}
	zero := NewFunc(50, func(d []float64, _ float64, _ []float64) { clear(d) })
	sol, err = Solve(zero, 0, 1e6, make([]float64, 50), Options{})
	if err != nil || sol.Stats.Accepted > 20 {
		t.Errorf("nothing happens: %v, %+v", err, sol.Stats)
	}
}

// The controllers' laws, by hand at order 5.
func TestControllers(t *testing.T) {
	for _, c := range []struct {
		ctl    Controller
		a      Attempt
		factor float64
		accept bool
	}{
		{IController{}, Attempt{Err: 0.5, Prev: 0.1, Order: 5}, 0.9 * math.Pow(0.5, -0.2), true},
		{IController{}, Attempt{Err: 1, Order: 5}, 0.9, true},
		{IController{}, Attempt{Err: 1.0001, Order: 5}, 0.9 * math.Pow(1.0001, -0.2), false},
		{IController{}, Attempt{Err: 2, Order: 5}, 0.9 * math.Pow(2, -0.2), false},
		{IController{}, Attempt{Err: 1e9, Order: 5}, 0.2, false},
		{IController{}, Attempt{Err: math.Inf(1), Order: 5}, 0.2, false},
		{IController{}, Attempt{Err: 0, Order: 5}, 10, true},
		{IController{}, Attempt{Err: 1e-4, Order: 5, Rejected: true}, 1, true},
		{IController{Safety: 0.8, Min: 0.5, Max: 2}, Attempt{Err: 1e-9, Order: 5}, 2, true},
		{IController{Safety: 0.8, Min: 0.5, Max: 2}, Attempt{Err: 1e9, Order: 5}, 0.5, false},
		// DOPRI5: err^−(0.2 − 0.75β) · errold^β, β = 0.04.
		{PIController{}, Attempt{Err: 0.5, Prev: 0.1, Order: 5}, 0.9 * math.Pow(0.5, -0.17) * math.Pow(0.1, 0.04), true},
		{PIController{}, Attempt{Err: 0.5, Order: 5}, 0.9 * math.Pow(0.5, -0.17), true},
		{PIController{}, Attempt{Err: 2, Prev: 0.1, Order: 5}, 0.9 * math.Pow(2, -0.2), false},
		{PIController{P: 0.4, I: 0.3}, Attempt{Err: 0.5, Prev: 0.1, Order: 5}, 0.9 * math.Pow(0.5, -0.14) * math.Pow(0.1, 0.08), true},
		{
			PIDController{}, Attempt{Err: 0.5, Prev: 0.1, Prev2: 0.2, Order: 5},
			0.9 * math.Pow(0.5, -2.0/45) * math.Pow(0.1, 1.0/30) * math.Pow(0.2, -1.0/90), true,
		},
		{Fixed{}, Attempt{Err: 99}, 1, true},
	} {
		factor, accept := c.ctl.Next(c.a)
		if math.Abs(factor-c.factor) > 1e-14*c.factor || accept != c.accept {
			t.Errorf("%#v of %+v: %v, %v; want %v, %v", c.ctl, c.a, factor, accept, c.factor, c.accept)
		}
	}
}
