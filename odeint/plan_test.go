package odeint

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

// spy is a controller that remembers what it was told.
type spy struct {
	Controller
	seen *[]Attempt
}

func (s spy) Next(a Attempt) (factor float64, accept bool) {
	*s.seen = append(*s.seen, a)
	return s.Controller.Next(a)
}

// The controller gets the scaled error of the definition, and the history of the full
// steps since the start or the last jump.
func TestAttempts(t *testing.T) {
	p := odetest.Driven[float64]()
	for _, a := range adaptive {
		var seen []Attempt
		opt := Options{
			Method: a.m, RTol: 1e-9, ATol: 1e-10, H0: 2, Controller: spy{PIController{}, &seen},
			Stops: []float64{0.5}, Jumps: []float64{2}, SaveAt: SaveAt{Keep: Stages},
		}
		sol, err := Solve(p, p.T0, p.T1, p.Y0, opt)
		if err != nil {
			t.Fatal(err)
		}
		if len(seen) != sol.Stats.Accepted+sol.Stats.Rejected || sol.Stats.Rejected == 0 {
			t.Fatalf("%v: %d attempts, %+v", a.m, len(seen), sol.Stats)
		}
		var prev, prev2 float64
		rejected := false
		i := 0
		for _, at := range seen {
			s := sol.Step(i)
			if at.Prev != prev || at.Prev2 != prev2 || at.Rejected != rejected || at.Order != a.m.ErrOrder {
				t.Fatalf("%v, step %d: told %+v, want %v, %v, %v", a.m, i, at, prev, prev2, rejected)
			}
			rejected = at.Err > 1
			if rejected {
				continue
			}
			if want := scaledError(a.m, s, opt); math.Abs(at.Err-want) > 1e-6*(1+want) {
				t.Errorf("%v, step %d: error %v, want %v", a.m, i, at.Err, want)
			}
			landed := s.T1 == 0.5 || s.T1 == 2 || s.T1 == p.T1
			switch {
			case s.T1 == 2:
				prev, prev2 = 0, 0
			case !landed:
				prev, prev2 = at.Err, prev
			}
			i++
		}
	}
}

// A step that was cut short has no part in the history, whatever its factor.
func TestCutStepIsNoHistory(t *testing.T) {
	for _, factor := range []float64{0.95, 1, 1.05} {
		var seen []Attempt
		sol, err := Solve(NewFunc(2, spiral[float64]), 0, 1, []float64{1, 1}, Options{
			H0: 0.25, Stops: []float64{0.125}, Controller: spy{constant(factor), &seen}, SaveAt: SaveAt{Keep: Steps},
		})
		if err != nil {
			t.Fatal(err)
		}
		if seen[1].Prev != 0 || seen[2].Prev != seen[1].Err || seen[3].Prev2 != seen[1].Err {
			t.Errorf("factor %v: told %+v", factor, seen[:4])
		}
		want := 0.25
		if factor < 1 {
			want = 0.125 * factor
		}
		if got := sol.Step(1).H; math.Abs(got-want) > 1e-15 {
			t.Errorf("factor %v: step of %v after the cut, want %v", factor, got, want)
		}
	}
}

// scaledError is the scaled error of a step by its definition.
func scaledError(m *Tableau, s Step[float64], o Options) float64 {
	n := len(s.Y0)
	norm := func(e []float64) float64 {
		sum := 0.0
		for j := range n {
			err := 0.0
			for i, w := range e {
				err += s.H * w * s.K[i*n+j]
			}
			sum += math.Pow(err/(o.ATol+o.RTol*max(math.Abs(s.Y0[j]), math.Abs(s.Y1[j]))), 2)
		}
		return math.Sqrt(sum / float64(n))
	}
	r := norm(m.E)
	if m.E2 == nil {
		return r
	}
	r2 := norm(m.E2)
	return r * r / math.Sqrt(r*r+0.01*r2*r2)
}

// A step cut short to land does not shorten those after it.
func TestStopsDoNotSlowDown(t *testing.T) {
	p := odetest.Kepler[float64](0)
	for _, a := range adaptive {
		opt := Options{Method: a.m, RTol: 1e-6, ATol: 1e-6, SaveAt: SaveAt{Keep: Steps}}
		opt.Stops = []float64{2, 2 + 1e-7}
		sol, err := Solve(p, 0, 4, p.Y0, opt)
		if err != nil {
			t.Fatal(err)
		}
		for i := range sol.NumSteps() - 1 {
			if sol.Step(i).T0 != 2 {
				continue
			}
			// The circle is the same everywhere, and so is the step size.
			if before, after := sol.Step(i-2).H, sol.Step(i+1).H; sol.Step(i).H > 1e-6 || after < 0.7*before {
				t.Errorf("%v: steps of %v before the stops, %v between, %v after", a.m, before, sol.Step(i).H, after)
			}
		}
	}
}

// A remainder a little longer than HMax takes two steps.
func TestHMaxHoldsAtTheEnd(t *testing.T) {
	f := NewFunc(1, func(d []float64, _ float64, _ []float64) { d[0] = 1 })
	for _, c := range []struct {
		hmax  float64
		steps int
	}{{1, 2}, {2, 1}} {
		sol, err := Solve(f, 0, 1.005, []float64{0}, Options{H0: 1, HMax: c.hmax})
		if err != nil || sol.Stats.HMax > c.hmax || sol.Stats.Accepted != c.steps {
			t.Errorf("HMax %v: %+v, %v", c.hmax, sol.Stats, err)
		}
	}
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
		for _, m := range Tableaus() {
			for _, jumps := range [][]float64{nil, {0, 0.5, 1}} {
				f := &counting{VectorField: NewFunc(1, func(d []float64, t float64, y []float64) { d[0] = y[0] + t })}
				t0, t1 := 0.0, 1.0
				if back {
					t0, t1 = t1, t0
				}
				sol, err := Solve(f, t0, t1, []float64{1}, Options{
					Method: m, Controller: Fixed{}, H0: 0.5, Jumps: jumps, SaveAt: SaveAt{Keep: Dense},
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

// Steps of Fixed lie at t0 + i·h without drift, all of the same size.
func TestFixedGrid(t *testing.T) {
	f := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = 0 })
	for _, c := range []struct{ t0, t1, h float64 }{{0, 1000, 0.1}, {0.3, 7.3, 0.7}, {5, -5, 0.001}, {1, 2, 1.0 / 3}} {
		sol, err := Solve(f, c.t0, c.t1, []float64{1}, Options{Method: Euler, H0: c.h, SaveAt: SaveAt{Keep: Steps}})
		if err != nil {
			t.Fatal(err)
		}
		n := int(math.Round(math.Abs(c.t1-c.t0) / c.h))
		if sol.NumSteps() != n {
			t.Fatalf("%+v: %d steps, want %d", c, sol.NumSteps(), n)
		}
		h := math.Copysign(c.h, c.t1-c.t0)
		for i := range n {
			s := sol.Step(i)
			want := c.t0 + float64(i+1)*h
			if i == n-1 {
				want = c.t1
			}
			if s.T1 != want || s.H != h {
				t.Fatalf("%+v: step %d ends at %v with size %v, want %v and %v", c, i, s.T1, s.H, want, h)
			}
		}
	}
	sol, err := Solve(f, 0, 1, []float64{1}, Options{Method: Euler, H0: 0.3, Stops: []float64{0.5}, SaveAt: SaveAt{Every: 1}})
	if err != nil || !slices.Equal(sol.T, []float64{0.3, 0.5, 0.8, 1}) {
		t.Errorf("steps end at %v, %v", sol.T, err)
	}
}
