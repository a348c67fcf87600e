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
	for _, m := range explicit {
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

// A single time gives y0, and so does an interval of length zero.
func TestSingleTime(t *testing.T) {
	f := &counting{VectorField: NewFunc(2, spiral[float64])}
	for _, c := range []Options{{}, {Method: RK4, H0: 0.1}, {Method: RK4}, {SaveAt: SaveAt{Dense: true, Stages: true}}} {
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
		if c.SaveAt.Dense {
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

// Knowing where f jumps saves evaluations, with the state doing different things on
// either side.
func TestJumpSavesWork(t *testing.T) {
	jumpy := NewFunc(2, func(d []float64, t float64, y []float64) {
		for i, v := range y {
			d[i] = -0.5 * v
			if t >= 0.5 {
				d[i] = v * v
			}
		}
	})
	switched := NewFunc(2, func(d []float64, t float64, y []float64) { // driven oscillator
		force := 10.0
		if t >= 7.5 {
			force = -10
		}
		d[0], d[1] = y[1], -4*math.Pi*math.Pi*y[0]-0.2*math.Pi*y[1]+force
	})
	for _, c := range []struct {
		f        VectorField[float64]
		t1, jump float64
		y0       []float64
	}{{jumpy, 1, 0.5, []float64{1, 0.5}}, {switched, 12, 7.5, []float64{1, 0}}} {
		for _, a := range adaptive {
			opt := Options{Method: a.m, RTol: a.tol, ATol: a.tol}
			without, err := Solve(c.f, 0, c.t1, c.y0, opt)
			if err != nil {
				t.Fatal(err)
			}
			opt.Jumps = []float64{c.jump, -3, 99}
			with, err := Solve(c.f, 0, c.t1, c.y0, opt)
			if err != nil {
				t.Fatal(err)
			}
			if with.Stats.NFE >= without.Stats.NFE || with.Stats.Rejected >= without.Stats.Rejected {
				t.Errorf("%v: with the jump %+v, without %+v", a.m, with.Stats, without.Stats)
			}
		}
	}

	// The first state at t = 1 in closed form: y(.5) = e^{−1/4}y0, then 1/y falls by 1/2.
	sol, err := Solve(jumpy, 0, 1, []float64{1, 0.5}, Options{RTol: 1e-10, ATol: 1e-10, Jumps: []float64{0.5}})
	if err != nil {
		t.Fatal(err)
	}
	for i, y0 := range []float64{1, 0.5} {
		want := 1 / (math.Exp(0.25)/y0 - 0.5)
		if math.Abs(sol.Last()[i]-want) > 1e-8 {
			t.Errorf("state %v, want %v", sol.Last()[i], want)
		}
	}
}

// f is evaluated at the ends of the steps unless they are jumps, and never outside the solve.
func TestJumpsAreNotTouched(t *testing.T) {
	for _, back := range []bool{false, true} {
		for _, m := range explicit {
			for _, jumps := range [][]float64{nil, {0, 0.5, 1}} {
				f := &counting{VectorField: NewFunc(1, func(d []float64, t float64, y []float64) { d[0] = y[0] + t })}
				t0, t1 := 0.0, 1.0
				if back {
					t0, t1 = t1, t0
				}
				sol, err := Solve(f, t0, t1, []float64{1}, Options{
					Method: m, Controller: Fixed{}, H0: 0.5, Jumps: jumps, SaveAt: SaveAt{Dense: true},
				})
				if err != nil {
					t.Fatal(err)
				}
				want := jumps == nil
				for _, at := range []float64{t0, 0.5} {
					if got := slices.Contains(f.times, at); got != want {
						t.Errorf("%v, jumps %v: f evaluated at %v: %v, want %v", m, jumps, at, got, want)
					}
				}
				if slices.Min(f.times) < 0 || slices.Max(f.times) > 1 {
					t.Errorf("%v: f evaluated at times outside: %v", m, f.times)
				}
				if sol.NumSteps() != 2 {
					t.Errorf("%v: %d steps, want 2", m, sol.NumSteps())
				}
				if !want && slices.Contains(f.times, 1) {
					t.Errorf("%v: f evaluated at the jump at the end", m)
				}
			}
		}
	}
}

// Jumps next to the ends of a solve, and next to one another, make no trouble.
func TestCrowdedJumps(t *testing.T) {
	up := func(x float64) float64 { return math.Nextafter(x, math.Inf(1)) }
	f := NewFunc(1, func(d []float32, t float64, y []float32) { d[0] = 1 })
	for _, o := range []Options{
		{Jumps: []float64{0, up(0), 1, up(1), 999, math.Nextafter(1000, 0), 1000}},
		{Stops: []float64{1, up(1), up(up(1))}, Jumps: []float64{1, up(up(1))}},
		{Method: RK4, H0: 7, Jumps: []float64{1, up(1), 1000}},
	} {
		sol, err := Solve(f, 0, 1000, []float32{0}, o)
		if err != nil {
			t.Errorf("%+v: %v", o, err)
		} else if math.Abs(float64(sol.Last()[0])-1000) > 1e-2 || sol.Reached() != 1000 {
			t.Errorf("%+v: state %v at %v", o, sol.Last()[0], sol.Reached())
		}
		if sol, err = Solve(f, 1000, 0, []float32{1000}, o); err != nil || math.Abs(float64(sol.Last()[0])) > 1e-2 {
			t.Errorf("%+v backwards: %v, %v", o, sol.Last(), err)
		}
		if _, err = Solve(f, up(1), 1, []float32{0}, o); err != nil {
			t.Errorf("%+v over one unit in the last place: %v", o, err)
		}
	}
}

func TestEulerByHand(t *testing.T) {
	grow := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = y[0] })
	decay := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -y[0] })
	sol, err := Solve(grow, 0, 1, []float64{1}, Options{Method: Euler, H0: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	if want := math.Pow(1.1, 10); math.Abs(sol.Last()[0]-want) > 1e-14 || sol.Stats.Accepted != 10 || sol.Stats.NFE != 10 {
		t.Errorf("ten steps of Euler: %v, %+v; want %v", sol.Last()[0], sol.Stats, want)
	}

	in, err := New(decay, Options{Method: Euler})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ ts, want []float64 }{
		{[]float64{0, 0.5, 1, 1.5, 2}, []float64{1, 0.5, 0.25, 0.125, 0.0625}},
		{[]float64{0, 1, 2}, []float64{1, 0, 0}},
		{[]float64{2, 1.5, 1, 0.5, 0}, []float64{1, 1.5, 2.25, 3.375, 5.0625}},
	} {
		var sol Solution[float64]
		if err := in.SolveAt(context.Background(), &sol, c.ts, []float64{1}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(sol.Y, c.want) || !slices.Equal(sol.T, c.ts) {
			t.Errorf("steps at %v: %v, want %v", c.ts, sol.Y, c.want)
		}
	}
	var sol2 Solution[float64]
	var bad *OptionError
	for _, ts := range [][]float64{{}, {0, 1, 1}, {0, 2, 1}, {0, math.NaN(), 1}, {0, math.Inf(1)}} {
		if err := in.SolveAt(context.Background(), &sol2, ts, []float64{1}); !errors.As(err, &bad) {
			t.Errorf("times %v: %v", ts, err)
		}
	}
}

// HMin makes a step acceptable whatever its error.
func TestHMin(t *testing.T) {
	p := odetest.Linear[float64]()
	for hmin, want := range map[float64]func(nfe int) bool{
		2: func(n int) bool { return n < 50 },
		0: func(n int) bool { return n > 100 },
	} {
		sol, err := Solve(p, p.T0, p.T1, p.Y0, Options{Method: Dopri5, RTol: 1e-12, ATol: 1e-12, HMin: hmin})
		if err != nil {
			t.Fatal(err)
		}
		if !want(sol.Stats.NFE) {
			t.Errorf("HMin %v: %d evaluations", hmin, sol.Stats.NFE)
		}
	}
	sol, err := Solve(p, p.T0, p.T1, p.Y0, Options{RTol: 1e-3, ATol: 1e-3, HMax: 0.0625})
	if err != nil || sol.Stats.HMax > 0.0625 || sol.Stats.Accepted < 112 {
		t.Errorf("HMax 1/16: %+v, %v", sol.Stats, err)
	}
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
	for _, m := range explicit {
		for _, fixed := range []bool{true, false} {
			opt := Options{Method: m, RTol: 1e-6, ATol: 1e-9, SaveAt: SaveAt{Every: 2, Start: true, End: true, Dense: true}}
			if fixed {
				opt.Controller, opt.H0 = Fixed{}, 0.3
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

// Saved times, dense output and its slope of y' = −y/2, y(0.1) = 2.1.
func TestSavedAndDense(t *testing.T) {
	f := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -0.5 * y[0] })
	sol, err := Solve(f, 0.1, 1.1, []float64{2.1}, Options{
		Method: Dopri5, RTol: 1e-8, ATol: 1e-8, SaveAt: SaveAt{Times: []float64{0.5, 0.8}, Dense: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	exact := func(at float64) float64 { return 2.1 * math.Exp(-0.5*(at-0.1)) }
	for i, at := range []float64{0.5, 0.8} {
		if math.Abs(sol.Row(i)[0]-exact(at)) > 1e-8 || sol.T[i] != at {
			t.Errorf("saved %v at %v, want %v", sol.Row(i)[0], sol.T[i], exact(at))
		}
	}
	y := []float64{math.NaN()}
	for _, at := range []float64{0.1, 0.2, 0.8, 1.1} {
		if err := sol.At(y, at); err != nil || math.Abs(y[0]-exact(at)) > 1e-8 {
			t.Errorf("dense %v at %v, want %v; %v", y[0], at, exact(at), err)
		}
		// One order less, over steps of about 0.3.
		if err := sol.DerivativeAt(y, at); err != nil || math.Abs(y[0]+0.5*exact(at)) > 1e-6 {
			t.Errorf("slope %v at %v, want %v; %v", y[0], at, -0.5*exact(at), err)
		}
	}
	for _, at := range []float64{0.0999, 1.1001, math.NaN()} {
		if sol.At(y, at) == nil || sol.DerivativeAt(y, at) == nil {
			t.Errorf("no error at %v", at)
		}
	}
}

// A cubic is its own Hermite interpolant.
func TestHermiteExact(t *testing.T) {
	cubic := func(x float64) float64 { return 0.4 + 0.7*x - 1.1*x*x + 0.4*x*x*x }
	f := NewFunc(1, func(d []float64, x float64, _ []float64) { d[0] = 0.7 - 2.2*x + 1.2*x*x })
	sol, err := Solve(f, 2, 3.9, []float64{cubic(2)}, Options{Method: RK4, H0: 1.9, SaveAt: SaveAt{Times: []float64{2.6, 3.9}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range sol.T {
		if math.Abs(sol.Row(i)[0]-cubic(at)) > 1e-14*10 {
			t.Errorf("%v at %v, want %v", sol.Row(i)[0], at, cubic(at))
		}
	}
	if sol.Stats.Accepted != 1 {
		t.Errorf("%d steps", sol.Stats.Accepted)
	}
}

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
		{SaveAt{Dense: true}, []float64{7}},
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

// Saved times outside the solve or out of order are refused, all at once.
func TestBadTimes(t *testing.T) {
	f := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -y[0] })
	for _, c := range []struct {
		t0, t1 float64
		times  []float64
		faults int
	}{
		{0, 1, []float64{-0.1, 0.5, 1.1}, 2},
		{0, 1, []float64{0.5, 0.5}, 1},
		{0, 1, []float64{0.7, 0.2, 1.5}, 2},
		{1, 0, []float64{0.2, 0.7}, 1},
		{0, math.NaN(), nil, 1},
		{math.Inf(-1), 0, nil, 1},
	} {
		sol, err := Solve(f, c.t0, c.t1, []float64{1}, Options{SaveAt: SaveAt{Times: c.times}})
		var bad *OptionError
		if !errors.As(err, &bad) || len(bad.Faults) != c.faults || sol != nil {
			t.Errorf("from %v to %v at %v: %v", c.t0, c.t1, c.times, err)
		}
	}
}

// Stops are ends of steps, both ways, and do not lengthen the way.
func TestStops(t *testing.T) {
	f := NewFunc(1, func(d []float64, t float64, y []float64) { d[0] = -y[0] + math.Sin(t) })
	for _, c := range []struct{ t0, t1 float64 }{{0, 10}, {10, 0}} {
		for _, o := range []Options{{}, {Method: RK4, H0: 0.7}, {Method: Dop853, RTol: 1e-4, ATol: 1e-4}} {
			free, err := Solve(f, c.t0, c.t1, []float64{1}, o)
			if err != nil {
				t.Fatal(err)
			}
			o.Stops, o.SaveAt = []float64{4, 3, 4, 11, 10}, SaveAt{Every: 1}
			sol, err := Solve(f, c.t0, c.t1, []float64{1}, o)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(sol.T, 3) || !slices.Contains(sol.T, 4) || sol.Reached() != c.t1 {
				t.Errorf("%v from %v: steps end at %v", o.Method, c.t0, sol.T)
			}
			if sol.Stats.Accepted > free.Stats.Accepted+5 {
				t.Errorf("%v from %v: %d steps with stops, %d without", o.Method, c.t0, sol.Stats.Accepted, free.Stats.Accepted)
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
