package odeint

import (
	"errors"
	"math"
	"testing"
)

// Steady states with closed forms, at both widths.
func TestSteadyState(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testSteadyState[float64](t, 1e-14) })
	t.Run("float32", func(t *testing.T) { testSteadyState[float32](t, 1e-6) })
}

func testSteadyState[T Float](t *testing.T, tol float64) {
	for _, c := range []struct {
		name     string
		f        VectorField[T]
		y0, want []T
	}{
		{"linear", NewFunc(1, func(d []T, _ float64, y []T) { d[0] = 0.76 - y[0] }), []T{-3}, []T{0.76}},
		{"chain", NewFunc(2, func(d []T, _ float64, y []T) { d[0], d[1] = 2-2*y[0], y[0]-4*y[1] }), []T{1, 1}, []T{1, 0.25}},
		{"cubic", NewFunc(1, func(d []T, _ float64, y []T) { d[0] = y[0] - y[0]*y[0]*y[0] }), []T{0.5}, []T{1}},
		{"predator and prey, damped", NewFunc(2, func(d []T, _ float64, y []T) {
			d[0], d[1] = y[0]*(1-y[0])-0.5*y[0]*y[1], y[1]*(y[0]-0.5)
		}), []T{0.9, 0.2}, []T{0.5, 1}},
	} {
		y, stats, err := SteadyState(t.Context(), c.f, c.y0, SteadyOptions{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for i := range y {
			if math.Abs(float64(y[i]-c.want[i])) > tol {
				t.Errorf("%s: %v, want %v (%v)", c.name, y, c.want, stats)
			}
		}
	}
	// Seven decades of rates: Robertson's reaction with a flow through the reactor.
	stiff := NewFunc(3, func(d []T, _ float64, y []T) {
		a, b := 0.04*y[0]-1e4*y[1]*y[2], 3e7*y[1]*y[1]
		d[0], d[1], d[2] = 0.01*(1-y[0])-a, a-b-0.01*y[1], b-0.01*y[2]
	})
	y, _, err := SteadyState(t.Context(), stiff, []T{1, 0, 0}, SteadyOptions{})
	if err != nil || math.Abs(float64(y[0]+y[1]+y[2])-1) > 10*tol {
		t.Errorf("Robertson: %v; %v", y, err)
	}
}

// A field without a steady state, and options that make no sense.
func TestSteadyStateErrors(t *testing.T) {
	var none *SteadyError
	drift := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = 1 + y[0]*y[0] })
	if _, _, err := SteadyState(t.Context(), drift, []float64{0}, SteadyOptions{MaxSteps: 50}); !errors.As(err, &none) || none.Steps != 50 {
		t.Errorf("%v", err)
	}
	var bad *OptionError
	if _, _, err := SteadyState(t.Context(), drift, []float64{0}, SteadyOptions{RTol: -1, Time: math.NaN()}); !errors.As(err, &bad) || len(bad.Faults) != 2 {
		t.Errorf("%v", err)
	}
	if _, _, err := SteadyState(t.Context(), drift, []float64{math.NaN()}, SteadyOptions{}); !errors.Is(err, ErrNonFinite) {
		t.Errorf("%v", err)
	}
}
