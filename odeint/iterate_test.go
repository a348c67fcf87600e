package odeint

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// A loop over the steps sees those of Solve; leaving it leaves a valid solution.
func TestStepsLoop(t *testing.T) {
	f := NewFunc(2, spiral[float64])
	y0 := []float64{1, 1}
	want, err := Solve(f, 0, 5, y0, Options{SaveAt: SaveAt{Keep: Steps, End: true}})
	if err != nil {
		t.Fatal(err)
	}
	in, err := New(f, Options{SaveAt: SaveAt{Every: 1}})
	if err != nil {
		t.Fatal(err)
	}
	var sol Solution[float64]
	n := 0
	for step, err := range in.Steps(t.Context(), &sol, 0, 5, y0) {
		if err != nil {
			t.Fatal(err)
		}
		if s := want.Step(n); step.T0 != s.T0 || step.T1 != s.T1 || !slices.Equal(step.Y1, s.Y1) {
			t.Errorf("step %d to %v, %v, want %v, %v", n, step.T1, step.Y1, s.T1, s.Y1)
		}
		n++
	}
	if n != want.NumSteps() || !slices.Equal(sol.Last(), want.Last()) {
		t.Errorf("%d steps to %v, want %d to %v", n, sol.Last(), want.NumSteps(), want.Last())
	}
	n = 0
	for step := range in.Steps(t.Context(), &sol, 0, 5, y0) {
		if n++; n == 3 {
			if step.T1 != want.Step(2).T1 {
				t.Errorf("left at %v", step.T1)
			}
			break
		}
	}
	if sol.Reached() != want.Step(2).T1 || sol.Len() != 3 {
		t.Errorf("left at %v with %d rows, want %v with 3", sol.Reached(), sol.Len(), want.Step(2).T1)
	}
	in, err = New(NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = y[0] * y[0] }), Options{MaxSteps: 20})
	if err != nil {
		t.Fatal(err)
	}
	var last error
	for step, err := range in.Steps(t.Context(), &sol, 0, math.Inf(1)-1, []float64{1}) {
		if last = err; (step == nil) != (err != nil) {
			t.Errorf("a step %v with an error %v", step, err)
		}
	}
	var bad *OptionError
	if !errors.As(last, &bad) {
		t.Errorf("an infinite end: %v", last)
	}
	for _, err := range in.Steps(t.Context(), &sol, 0, 2, []float64{1}) {
		last = err
	}
	if !errors.Is(last, ErrMaxSteps) {
		t.Errorf("at the end: %v", last)
	}
}
