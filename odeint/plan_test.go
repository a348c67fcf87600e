package odeint

import (
	"math"
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
			Method: a.m, RTol: 1e-9, ATol: 1e-10, H0: 2, Controller: spy{PI{}, &seen},
			Stops: []float64{0.5}, Jumps: []float64{2}, SaveAt: SaveAt{Stages: true},
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
			H0: 0.25, Stops: []float64{0.125}, Controller: spy{constant(factor), &seen}, SaveAt: SaveAt{Steps: true},
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
		opt := Options{Method: a.m, RTol: 1e-6, ATol: 1e-6, SaveAt: SaveAt{Steps: true}}
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

// The choice of the first step costs two evaluations, one of which is the first stage.
func TestFirstStepCost(t *testing.T) {
	for _, jumps := range []int{0, 1, 2} {
		opt := Options{Jumps: []float64{0.3, 0.6}[:jumps]}
		sol, err := Solve(NewFunc(2, spiral[float64]), 0, 1, []float64{1, 1}, opt)
		if err != nil {
			t.Fatal(err)
		}
		if want := 2*(jumps+1) + 6*(sol.Stats.Accepted+sol.Stats.Rejected); sol.Stats.NFE != want {
			t.Errorf("%d jumps: %+v, want %d evaluations", jumps, sol.Stats, want)
		}
	}
}

// It tries f neither beyond the solve nor at a jump.
func TestFirstStepStaysInside(t *testing.T) {
	for _, jumps := range [][]float64{nil, {1e-9}} {
		f := &counting{VectorField: NewFunc(2, func(d []float64, at float64, y []float64) {
			d[0], d[1] = 0, 1
			if y[1] > 2 {
				d[1] = math.NaN()
			}
		})}
		// The first component makes an Euler step of 10⁴ look harmless.
		sol, err := Solve[float64](f, 0, 0.5, []float64{1e6, 1}, Options{ATol: 1e-6, Jumps: jumps})
		if err != nil || math.Abs(sol.Last()[1]-1.5) > 1e-12 {
			t.Errorf("jumps %v: %v", jumps, err)
		}
		for _, at := range f.times {
			if at < 0 || at > 0.5 || jumps != nil && at == jumps[0] {
				t.Errorf("jumps %v: f evaluated at %v", jumps, at)
			}
		}
	}
}
