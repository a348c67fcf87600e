package odeint

import (
	"math"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

// Every n-th step of the integer grid on [0, 7], with and without the ends.
func TestEvery(t *testing.T) {
	f := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -0.1 * y[0] })
	for _, c := range []struct {
		save SaveAt
		want []float64
	}{
		{SaveAt{}, []float64{7}},
		{SaveAt{Start: true}, []float64{0}},
		{SaveAt{Every: 1}, []float64{1, 2, 3, 4, 5, 6, 7}},
		{SaveAt{Every: 2}, []float64{2, 4, 6}},
		{SaveAt{Every: 2, End: true}, []float64{2, 4, 6, 7}},
		{SaveAt{Every: 2, Start: true, End: true}, []float64{0, 2, 4, 6, 7}},
		{SaveAt{Every: 3}, []float64{3, 6}},
		{SaveAt{Every: 3, Times: []float64{0, 2.5, 3, 7}, End: true}, []float64{0, 2.5, 3, 6, 7}},
		{SaveAt{Keep: Dense}, []float64{7}},
	} {
		sol, err := Solve(f, 0, 7, []float64{1}, Options{Method: RK4, H0: 1, SaveAt: c.save})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(sol.T, c.want) {
			t.Errorf("%+v: saved at %v, want %v", c.save, sol.T, c.want)
		}
		for i, at := range sol.T {
			if math.Abs(sol.Row(i)[0]-math.Exp(-0.1*at)) > 1e-5 {
				t.Errorf("%+v: %v at %v", c.save, sol.Row(i)[0], at)
			}
		}
	}
}

// What is kept does not change what is computed, and a saved time costs no step.
func TestKeepingChangesNothing(t *testing.T) {
	p := odetest.Kepler[float64](0.6)
	for _, m := range Tableaus() {
		var ref *Solution[float64]
		for _, save := range []SaveAt{{}, {Every: 1}, {Keep: Steps}, {Keep: Stages}, {Keep: Dense}, {Times: []float64{1, 2}, Keep: Dense}} {
			opt := Options{Method: m, RTol: 1e-7, ATol: 1e-7, SaveAt: save}
			if m.E == nil {
				opt.RTol, opt.ATol, opt.H0 = 0, 0, 0.03
			}
			sol, err := Solve(p, 0, 4, p.Y0, opt)
			if err != nil {
				t.Fatal(err)
			}
			if ref == nil {
				ref = sol
				continue
			}
			a, b := sol.Stats, ref.Stats
			if save.Keep != Dense && a.NFE != b.NFE {
				t.Errorf("%v, %+v: %d evaluations, want %d", m, save, a.NFE, b.NFE)
			}
			a.NFE, b.NFE = 0, 0
			if a != b || !slices.Equal(sol.Last(), ref.Last()) {
				t.Errorf("%v, %+v: %+v %v, want %+v %v", m, save, a, sol.Last(), b, ref.Last())
			}
		}
	}
}
