package odeint

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// All faults are listed at once.
func TestValidate(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	_, err := New(NewFunc(2, spiral[float64]), Options{
		Method: &Tableau{Name: "empty"}, RTol: -1, ATol: nan, RTols: []float64{1}, ATols: []float64{1, -1},
		ErrDim: 3, Controller: PI{Safety: 2, Min: 3, Max: 0.5, P: inf}, H0: -1, HMin: 2, HMax: 1, MaxSteps: -1,
		Stops: []float64{nan}, Jumps: []float64{inf}, SaveAt: SaveAt{Times: []float64{nan}, Every: -1},
	})
	var bad *OptionError
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Method", "RTol:", "ATol:", "RTols", "ATols", "ErrDim", "weight", "Safety", "Min", "Max", "H0", "HMin",
		"MaxSteps", "Stops", "Jumps", "SaveAt.Times", "SaveAt.Every", "no error estimate",
	} {
		if !slices.ContainsFunc(bad.Faults, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("nothing about %s in %q", want, bad.Faults)
		}
	}
	if !strings.HasPrefix(err.Error(), "odeint: ") {
		t.Errorf("%q", err)
	}

	for name, o := range map[string]Options{
		"zero for a component":    {ATols: []float64{0, 1}},
		"adaptive without errors": {Method: RK4, Controller: I{}},
		"nil tableau":             {Method: (*Tableau)(nil)},
	} {
		if _, err := New(NewFunc(2, spiral[float64]), o); !errors.As(err, &bad) || len(bad.Faults) > 2 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(NewFunc(0, spiral[float64]), Options{}); !errors.As(err, &bad) {
		t.Errorf("dimension 0: %v", err)
	}
	if _, err := Solve(NewFunc(2, spiral[float64]), 0, 1, []float64{1, 1}, Options{Method: RK4}); !errors.As(err, &bad) {
		t.Errorf("fixed steps without a size: %v", err)
	}
	if _, err := New(NewFunc(2, spiral[float64]), Options{}); err != nil {
		t.Errorf("zero options: %v", err)
	}
}

// The options' slices are copied, not sorted in place or kept.
func TestOptionsAreCopied(t *testing.T) {
	stops, times := []float64{0.7, 0.2}, []float64{0.5}
	in, err := New(NewFunc(2, spiral[float64]), Options{Stops: stops, SaveAt: SaveAt{Times: times}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(stops, []float64{0.7, 0.2}) {
		t.Error("stops were sorted")
	}
	times[0] = 99
	var sol Solution[float64]
	if err := in.Solve(t.Context(), &sol, 0, 1, []float64{1, 1}); err != nil {
		t.Error(err)
	}
}
