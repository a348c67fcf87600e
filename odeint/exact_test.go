package odeint

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

// adaptive has the methods with an error estimate and tolerances that suit their order.
var adaptive = []struct {
	m   *Tableau
	tol float64
}{{Bosh3, 1e-8}, {Dopri5, 1e-8}, {Tsit5, 1e-8}, {Dop853, 1e-8}}

// Ten saved times on [1, 8] of problems with known solutions, both ways, both widths.
func TestExactSolutions(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testExact[float64](t, 1e-6) })
	t.Run("float32", func(t *testing.T) { testExact[float32](t, 3e-4) })
}

func testExact[T Float](t *testing.T, within float64) {
	for _, c := range adaptive {
		tol := max(c.tol, within/100)
		for _, p := range odetest.Exact[T]() {
			for _, p := range []*odetest.Problem[T]{p, p.Reversed()} {
				compareExact(t, p, Options{Method: c.m, RTol: tol, ATol: tol}, within)
			}
		}
	}
}

// compareExact solves p at ten times and bounds the error relative to the largest value
// of the solution.
func compareExact[T Float](t *testing.T, p *odetest.Problem[T], opt Options, within float64) {
	t.Helper()
	times := make([]float64, 10)
	for i := range times {
		times[i] = p.T0 + (p.T1-p.T0)*float64(i)/9
	}
	times[9] = p.T1
	in, err := New[T](p, opt)
	if err != nil {
		t.Fatal(err)
	}
	y0 := slices.Clone(p.Y0)
	var sol Solution[T]
	if err := in.SolveAt(context.Background(), &sol, times, p.Y0); err != nil {
		t.Errorf("%v, %s: %v", opt.Method, p.Name, err)
		return
	}
	if !slices.Equal(y0, p.Y0) {
		t.Errorf("%v, %s: y0 was modified", opt.Method, p.Name)
	}
	size, worst := 0.0, 0.0
	for i, at := range times {
		for j, want := range p.At(at) {
			size = max(size, math.Abs(want))
			worst = max(worst, math.Abs(float64(sol.Row(i)[j])-want))
		}
	}
	if !(worst <= within*size) {
		t.Errorf("%v, %s: relative error %.3g, want at most %g", opt.Method, p.Name, worst/size, within)
	}
}

// The same with fixed steps, for every method.
func TestExactSolutionsFixed(t *testing.T) {
	within := map[int]float64{1: 6e-2, 2: 1.2e-3, 3: 1e-5, 4: 1e-6, 5: 1e-8, 8: 1e-11}
	for _, m := range Tableaus() {
		for _, p := range odetest.Exact[float64]() {
			if p.Name == "kepler" && m.Order == 1 {
				continue // spirals out
			}
			for _, p := range []*odetest.Problem[float64]{p, p.Reversed()} {
				compareExact(t, p, Options{Method: m, Controller: Fixed{}, H0: 0.011}, within[m.Order])
			}
		}
	}
}

// counting counts and remembers the times of evaluations.
type counting struct {
	VectorField[float64]
	n     int
	times []float64
}

func (c *counting) Eval(dydt []float64, t float64, y []float64) {
	c.n++
	c.times = append(c.times, t)
	c.VectorField.Eval(dydt, t, y)
}

// Backwards from 4 to 0.3, y' = −y, is forwards y' = y on mirrored times, whatever is kept.
func TestMirror(t *testing.T) {
	decay := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -y[0] })
	grow := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = y[0] })
	back := []float64{3.9, 2, 0.7, 0.31}
	mirrored := make([]float64, len(back))
	for i, v := range back {
		mirrored[i] = -v
	}
	for _, m := range Tableaus() {
		for _, fixed := range []bool{true, false} {
			opt := Options{Method: m, RTol: 1e-6, ATol: 1e-9, SaveAt: SaveAt{Every: 2, Start: true, End: true, Keep: Dense}}
			if fixed {
				opt.Controller, opt.H0, opt.RTol, opt.ATol = Fixed{}, 0.3, 0, 0
			} else if m.E == nil {
				continue
			}
			opt.SaveAt.Times = back
			a, err := Solve(decay, 4, 0.3, []float64{1}, opt)
			if err != nil {
				t.Fatal(err)
			}
			opt.SaveAt.Times = mirrored
			b, err := Solve(grow, -4, -0.3, []float64{1}, opt)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(a.Y, b.Y) || a.Stats != b.Stats || len(a.T) != len(b.T) {
				t.Fatalf("%v, fixed %v: %v %+v, mirrored %v %+v", m, fixed, a.Y, a.Stats, b.Y, b.Stats)
			}
			if fixed && a.Stats.Accepted != 13 {
				t.Errorf("%d steps of 0.3 over 3.7, want 13, the last shorter", a.Stats.Accepted)
			}
			y, z := make([]float64, 1), make([]float64, 1)
			for _, at := range []float64{4, 3.99, 1.234, 0.5, 0.3} {
				if err := errors.Join(a.At(y, at), b.At(z, -at)); err != nil || y[0] != z[0] {
					t.Errorf("%v: dense %v and %v, %v", m, y, z, err)
				}
				if err := errors.Join(a.DerivativeAt(y, at), b.DerivativeAt(z, -at)); err != nil || y[0] != -z[0] {
					t.Errorf("%v: dense slope %v and %v, %v", m, y, z, err)
				}
			}
		}
	}
}

// DETEST to t = 20 against Dop853 at a far smaller tolerance.
func TestDetest(t *testing.T) {
	for _, p := range odetest.Detest() {
		ref, err := Solve(p, p.T0, p.T1, p.Y0, Options{Method: Dop853, RTol: 1e-13, ATol: 1e-13})
		if err != nil {
			t.Fatal(p.Name, err)
		}
		for _, a := range adaptive {
			tol, within := 1e-9, 1e-5
			if a.m.Order < 4 {
				tol, within = 1e-7, 1e-3
			}
			sol, err := Solve(p, p.T0, p.T1, p.Y0, Options{Method: a.m, RTol: tol, ATol: tol})
			if err != nil {
				t.Fatal(p.Name, err)
			}
			for i, want := range ref.Last() {
				if got := sol.Last()[i]; !(math.Abs(got-want) <= within*(1+math.Abs(want))) {
					t.Errorf("%s, %v: %v at %d, want %v", p.Name, a.m, got, i, want)
				}
			}
		}
	}
}
