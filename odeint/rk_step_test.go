package odeint

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

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

	in, err := New(decay, Options{Method: Euler, Steps: 1})
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

// The dense stage that is the slope at the end of a step serves the next step too:
// Hermite output costs one evaluation in all.
func TestDenseStageIsReused(t *testing.T) {
	p := odetest.Kepler[float64](0.3)
	for _, m := range []*Tableau{Euler, Midpoint, Heun, Ralston, RK4, RK38} {
		for _, save := range []SaveAt{{}, {Keep: Dense}} {
			sol, err := Solve(p, 0, 4, p.Y0, Options{Method: m, Controller: Fixed{}, H0: 0.25, SaveAt: save})
			if err != nil {
				t.Fatal(err)
			}
			want := 16 * len(m.B)
			if save.Keep == Dense {
				want++
			}
			if sol.Stats.NFE != want {
				t.Errorf("%v, dense %v: %d evaluations, want %d", m, save.Keep == Dense, sol.Stats.NFE, want)
			}
		}
	}
	// A step of an FSAL method costs one less than its stages, but the first.
	for _, m := range []*Tableau{Bosh3, Dopri5, Tsit5, Dop853} {
		sol, err := Solve(p, 0, 4, p.Y0, Options{Method: m, Controller: Fixed{}, H0: 0.25})
		if err != nil {
			t.Fatal(err)
		}
		if want := 16*(len(m.B)-1) + 1; sol.Stats.NFE != want {
			t.Errorf("%v: %d evaluations, want %d", m, sol.Stats.NFE, want)
		}
	}
}

// The weighted evaluations make the method's own quadrature: the same, to rounding, as the
// integral carried as one more component over the same steps, at the method's order.
func TestQuadrature(t *testing.T) {
	augmented := NewFunc(2, func(d []float64, t float64, y []float64) { d[0], d[1] = -y[0], t*y[0] })
	for _, m := range Tableaus() {
		for _, back := range []bool{false, true} {
			opt := Options{Method: m, RTol: 1e-6, ATol: 1e-6, ErrDim: 1, H0: 3, SaveAt: SaveAt{Keep: Dense}}
			if m.E == nil {
				opt.RTol, opt.ATol, opt.H0 = 0, 0, 0.1
			}
			t0, t1 := 0.0, 4.0
			if back {
				t0, t1 = t1, t0
			}
			var q quadrature
			sol, err := Solve[float64](&q, t0, t1, []float64{1}, opt)
			if err != nil {
				t.Fatal(err)
			}
			ref, err := Solve(augmented, t0, t1, []float64{1, 0}, opt)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(q.sum-ref.Last()[1]) > 1e-12*math.Abs(q.sum) || sol.Last()[0] != ref.Last()[0] {
				t.Errorf("%v: integral %v, as a component %v", m, q.sum, ref.Last()[1])
			}
			tried := sol.Stats.Accepted + sol.Stats.Rejected
			if q.commits != sol.Stats.Accepted || q.discarded != sol.Stats.Rejected || q.weighted != tried*len(m.B) {
				t.Errorf("%v: %+v, %+v", m, q, sol.Stats)
			}
			if m.E != nil && q.discarded == 0 {
				t.Errorf("%v: a first step of 3 was not rejected", m)
			}
			if q.weighted+q.plain != sol.Stats.NFE {
				t.Errorf("%v: %d and %d evaluations, %d counted", m, q.weighted, q.plain, sol.Stats.NFE)
			}
		}
	}
}

// quadrature is y' = −y with ∫ t·y dt along the way.
type quadrature struct {
	pending, sum       float64
	weighted, plain    int
	commits, discarded int
}

func (q *quadrature) Dim() int { return 1 }

func (q *quadrature) Eval(d []float64, _ float64, y []float64) {
	q.plain++
	d[0] = -y[0]
}

func (q *quadrature) EvalWeighted(d []float64, t float64, y []float64, w float64) {
	q.weighted++
	d[0] = -y[0]
	q.pending += w * t * y[0]
}

func (q *quadrature) Commit() {
	q.commits++
	q.sum, q.pending = q.sum+q.pending, 0
}

func (q *quadrature) Discard() {
	q.discarded++
	q.pending = 0
}
