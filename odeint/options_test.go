package odeint

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// All faults are listed at once.
func TestValidate(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	_, err := New(NewFunc(2, spiral[float64]), Options{
		Method: &Tableau{Name: "empty"}, RTol: -1, ATol: nan, RTols: []float64{1}, ATols: []float64{1, -1},
		ErrDim: 3, Controller: PIController{Safety: 2, Min: 3, Max: 0.5, P: inf}, H0: -1, HMin: 2, HMax: 1, MaxSteps: -1,
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
		"adaptive without errors": {Method: RK4, Controller: IController{}},
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

// Fixed steps have no tolerances, and need their size or their number.
func TestFixedOptions(t *testing.T) {
	f := NewFunc(2, spiral[float64])
	for _, c := range []struct {
		opt  Options
		want string
	}{
		{Options{Method: RK4}, "set H0, or Steps"},
		{Options{Controller: Fixed{}}, "set H0, or Steps"},
		{Options{Method: RK4, SaveAt: SaveAt{Times: []float64{0, 10}}}, "set H0, or Steps"},
		{Options{Method: RK4, H0: 0.1, Steps: 2}, "choose one"},
		{Options{Method: RK4, Steps: -2}, "-2 is negative"},
		{Options{Steps: 2}, "chooses the steps by their error"},
		{Options{Method: RK4, H0: 0.1, RTol: 1e-6}, "rk4 has no error estimate and cannot follow tolerances"},
		{Options{Method: GaussLegendre4, H0: 0.1, ATols: []float64{1, 1}}, "cannot follow tolerances"},
		{Options{Controller: Fixed{}, H0: 0.1, ATol: 1e-6}, "Fixed does not look at errors"},
		{Options{SaveAt: SaveAt{Keep: Dense + 1}}, "SaveAt.Keep: 4"},
	} {
		_, err := New(f, c.opt)
		var bad *OptionError
		if !errors.As(err, &bad) || len(bad.Faults) != 1 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q alone", c.opt, err, c.want)
		}
	}
	var bad *OptionError
	if _, err := New(f, Options{Method: VelocityVerlet, MaxSteps: -1}); !errors.As(err, &bad) || len(bad.Faults) != 3 {
		t.Errorf("faults of the options and of the field: %v, want 3", err)
	}
}

// Steps divides each interval between saved times, Stops and Jumps.
func TestSteps(t *testing.T) {
	f := NewFunc(1, func(d []float64, _ float64, _ []float64) { d[0] = 1 })
	sol, err := Solve(f, 0, 2, []float64{0}, Options{
		Method: RK4, Steps: 2, Stops: []float64{1.5}, SaveAt: SaveAt{Times: []float64{0, 1, 2}, Keep: Steps},
	})
	if err != nil {
		t.Fatal(err)
	}
	var ends []float64
	for i := range sol.NumSteps() {
		ends = append(ends, sol.Step(i).T1)
	}
	if want := []float64{0.5, 1, 1.25, 1.5, 1.75, 2}; !slices.Equal(ends, want) {
		t.Errorf("steps end at %v, want %v", ends, want)
	}
}

// Resolve fills in every default, and its result resolves to itself.
func TestResolve(t *testing.T) {
	for _, c := range []struct {
		in, want Options
	}{
		{Options{}, Options{Method: Tsit5, Controller: PIController{}, RTol: 1e-6, ATol: 1e-9, MaxSteps: 100_000}},
		{Options{RTol: 1e-3}, Options{Method: Tsit5, Controller: PIController{}, RTol: 1e-3, ATol: 1e-3 * 1e-3, MaxSteps: 100_000}},
		{Options{ATol: 1e-3}, Options{Method: Tsit5, Controller: PIController{}, ATol: 1e-3, MaxSteps: 100_000}},
		{Options{RTols: []float64{1e-3, 1e-2}}, Options{
			Method: Tsit5, Controller: PIController{}, RTols: []float64{1e-3, 1e-2}, ATols: []float64{1e-3 * 1e-3, 1e-2 * 1e-3}, MaxSteps: 100_000,
		}},
		{Options{Method: RK4, H0: 0.1}, Options{Method: RK4, Controller: Fixed{}, H0: 0.1}},
	} {
		c.want.ErrDim, c.want.SaveAt.End = 2, true
		for range 2 {
			got, err := c.in.Resolve(2)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
			c.in = got
		}
		in, err := New(NewFunc(2, spiral[float64]), c.in)
		if err != nil || !reflect.DeepEqual(in.Options(), c.want) {
			t.Errorf("integrator: %+v, %v; want %+v", in.Options(), err, c.want)
		}
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
