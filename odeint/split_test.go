package odeint

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

// halves is a problem in two parts: the linear decay −y/2 of every component, and what is left.
func halves(p *odetest.Problem[float64]) Split[float64] {
	decay := NewFunc(p.Dim(), func(d []float64, _ float64, y []float64) {
		for i, v := range y {
			d[i] = -v / 2
		}
	})
	return NewSplit(decay, NewFunc(p.Dim(), func(d []float64, t float64, y []float64) {
		p.Eval(d, t, y)
		for i, v := range y {
			d[i] += v / 2
		}
	}))
}

// On a field in two parts the method has its order, whichever part is solved for.
func TestSplitOrder(t *testing.T) {
	for _, p := range []*odetest.Problem[float64]{odetest.Coupled[float64](), odetest.Driven[float64]()} {
		f := halves(p)
		for _, f := range []Split[float64]{f, NewSplit(f.NonStiff(), f.Stiff())} {
			var h, ends, inside []float64
			for n := 64.0; n <= 512; n *= 2 {
				sol, err := Solve[float64](f, p.T0, p.T1, p.Y0, Options{
					Method: KenCarp4, Controller: Fixed{}, H0: (p.T1 - p.T0) / n, SaveAt: SaveAt{Times: []float64{1.237, p.T1}, Keep: Dense},
				})
				if err != nil {
					t.Fatal(err)
				}
				off := func(row int) (worst float64) {
					for j, want := range p.At(sol.T[row]) {
						worst = max(worst, math.Abs(sol.Row(row)[j]-want))
					}
					return worst
				}
				h, ends, inside = append(h, 1/n), append(ends, off(1)), append(inside, off(0))
				y := make([]float64, p.Dim())
				if err := sol.At(y, 1.237); err != nil || distance(y, sol.Row(0)) > 10*math.Pow((p.T1-p.T0)/n, 3) {
					t.Errorf("%s: dense output %v, saved %v, %v", p.Name, y, sol.Row(0), err)
				}
			}
			a, b := fittedSlope(h, ends), fittedSlope(h, inside)
			t.Logf("%s: orders %.2f, inside %.2f; %.2g", p.Name, a, b, ends)
			if math.Abs(a-4) > 0.15 || b < 3.7 {
				t.Errorf("%s: orders %.2f, inside %.2f; errors %.3g, %.3g", p.Name, a, b, ends, inside)
			}
		}
	}
}

// diffusion is κ times the second difference on a ring.
type diffusion struct {
	n     int
	kappa float64
}

func (d diffusion) Dim() int { return d.n }

func (d diffusion) Eval(f []float64, _ float64, y []float64) {
	for i := range f {
		f[i] = d.kappa * (y[(i+1)%d.n] - 2*y[i] + y[(i+d.n-1)%d.n])
	}
}

func (d diffusion) JVP(dd []float64, t float64, _, v []float64) { d.Eval(dd, t, v) }

// Diffusion at a rate of 1e4 with a reaction: the explicit part costs one evaluation a stage and
// has no Jacobian, and the steps are those of accuracy.
func TestSplitStiff(t *testing.T) {
	const n = 16
	reaction := NewFunc(n, func(d []float64, t float64, y []float64) {
		for i, v := range y {
			d[i] = v*(1-v*v) + math.Cos(t)*math.Sin(2*math.Pi*float64(i)/n)
		}
	})
	f := NewSplit[float64](diffusion{n, 1e4}, reaction)
	y0 := make([]float64, n)
	for i := range y0 {
		y0[i] = 0.5 + 0.3*math.Sin(2*math.Pi*float64(i)/n)
	}
	want, err := Solve[float64](f, 0, 2, y0, Options{Method: Kvaerno5, RTol: 1e-11, ATol: 1e-11})
	if err != nil {
		t.Fatal(err)
	}
	in, err := New[float64](f, Options{Method: KenCarp4, RTol: 1e-7, ATol: 1e-7})
	if err != nil {
		t.Fatal(err)
	}
	var sol Solution[float64]
	solve := func() {
		if err := in.Solve(context.Background(), &sol, 0, 2, y0); err != nil {
			t.Fatal(err)
		}
	}
	solve()
	t.Logf("error %.2g, %v", distance(sol.Last(), want.Last()), sol.Stats)
	if d := distance(sol.Last(), want.Last()); d > 1e-6 || sol.Stats.Accepted > 400 || sol.Stats.JVPs != n*sol.Stats.Jacobians {
		t.Errorf("off by %.3g, %v", d, sol.Stats)
	}
	if n := testing.AllocsPerRun(3, solve); n > 0 {
		t.Errorf("%v allocations", n)
	}
	whole, err := Solve[float64](f, 0, 2, y0, Options{Method: Auto{Stiff: KenCarp4}, RTol: 1e-7, ATol: 1e-7})
	if err != nil || distance(whole.Last(), want.Last()) > 1e-6 {
		t.Errorf("Auto: %v, %v", whole.Stats, err)
	}
	failing := NewSplit[float64](diffusion{n, 1}, NewFallibleFunc(n, func(_ []float64, t float64, _ []float64) error {
		if t > 1 {
			return context.Canceled
		}
		return nil
	}))
	if _, err := Solve[float64](failing, 0, 2, y0, Options{Method: KenCarp4}); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Error(err)
	}
}
