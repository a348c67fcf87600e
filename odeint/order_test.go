package odeint

import (
	"math"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

// Global errors at the ends of steps, of the dense output between them, and of
// its derivative fall with the powers of h that the methods claim, on an
// autonomous system and on one that depends on time.
func TestOrder(t *testing.T) {
	for _, p := range []*odetest.Problem[float64]{odetest.Coupled[float64](), odetest.Driven[float64]()} {
		for _, m := range Tableaus() {
			t.Run(p.Name+"/"+m.Name, func(t *testing.T) {
				q := m.WithDense().DenseOrder()
				testOrder(t, p, m, m.Order, min(m.Order, q+1), min(m.Order, q))
			})
		}
		for _, m := range ESDIRKs() {
			t.Run(p.Name+"/"+m.Name, func(t *testing.T) {
				testOrder(t, p, m, m.Order, map[*ESDIRK]int{TRBDF2: 2, Kvaerno3: 3, KenCarp4: 4, Kvaerno5: 5}[m], 0)
			})
		}
		for _, m := range Rosenbrocks() {
			t.Run(p.Name+"/"+m.Name, func(t *testing.T) {
				testOrder(t, p, m, m.Order, m.Order, map[*Rosenbrock]int{Rosenbrock23: 2, Rodas5P: 4}[m])
			})
		}
	}
}

// products is a problem with Jacobian-vector products to twelve digits; the simple differences
// that a solve takes have eight.
type products struct{ *odetest.Problem[float64] }

func (p products) JVP(dd []float64, t float64, y, v []float64) {
	const h = 1e-3
	x, f := make([]float64, len(y)), make([]float64, len(y))
	clear(dd)
	for _, k := range []struct{ at, w float64 }{{-2, 1. / 12}, {-1, -2. / 3}, {1, 2. / 3}, {2, -1. / 12}} {
		for i := range x {
			x[i] = y[i] + k.at*h*v[i]
		}
		p.Eval(f, t, x)
		for i := range dd {
			dd[i] += k.w * f[i] / h
		}
	}
}

// testOrder compares with the orders of the steps, of the dense output and of its slope; 0:
// not looked at.
func testOrder(t *testing.T, p *odetest.Problem[float64], m Method, order, denseOrder, slopeOrder int) {
	// Steps small enough for the leading term to rule and large enough for it
	// to stand clear of rounding.
	perUnit := map[int]float64{1: 512, 2: 256, 3: 128, 4: 32, 5: 16, 8: 5}[order]
	growth := 0.5
	if order == 8 {
		growth = 0.25
	}
	var h, ends, dense, slope []float64
	for k := range 5 {
		steps := math.Round(perUnit * (p.T1 - p.T0) * math.Pow(2, growth*float64(k)))
		size := (p.T1 - p.T0) / steps
		var f VectorField[float64] = p
		if _, rosenbrock := m.(*Rosenbrock); rosenbrock {
			f = products{p}
		}
		sol, err := Solve(f, p.T0, p.T1, p.Y0, Options{
			Method: m, Controller: Fixed{}, H0: size, SaveAt: SaveAt{Keep: Dense, Every: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		if sol.Stats.Accepted != int(steps) {
			t.Fatalf("%d steps, want %v", sol.Stats.Accepted, steps)
		}
		h = append(h, size)
		ends = append(ends, endsError(p, sol))
		d, s := denseErrors(t, p, sol)
		dense, slope = append(dense, d), append(slope, s)
	}
	check := func(what string, errs []float64, want int) {
		t.Helper()
		got := fittedSlope(h, errs)
		t.Logf("%s: order %.3f, errors %.2g … %.2g", what, got, errs[0], errs[len(errs)-1])
		if math.Abs(got-float64(want)) > 0.15 {
			t.Errorf("%s: observed order %.3f, want %d; errors %.3g", what, got, want, errs)
		}
	}
	check("steps", ends, order)
	check("dense output", dense, denseOrder)
	if slopeOrder > 0 {
		check("its derivative", slope, slopeOrder)
	}
}

// endsError is the root mean square over the ends of the steps, relative to
// 1 + |y|.
func endsError(p *odetest.Problem[float64], sol *Solution[float64]) float64 {
	sum := 0.0
	for i, t := range sol.T {
		for j, want := range p.At(t) {
			sum += math.Pow((sol.Row(i)[j]-want)/(1+math.Abs(want)), 2)
		}
	}
	return math.Sqrt(sum / float64(len(sol.Y)))
}

// denseErrors are those inside the steps, of states and slopes.
func denseErrors(t *testing.T, p *odetest.Problem[float64], sol *Solution[float64]) (state, slope float64) {
	y, d, want := make([]float64, p.Dim()), make([]float64, p.Dim()), make([]float64, p.Dim())
	n := 0
	for i := range sol.NumSteps() {
		step := sol.Step(i)
		for _, theta := range []float64{0.15, 0.4, 0.65, 0.9} {
			at := step.T0 + theta*(step.T1-step.T0)
			if err := sol.At(y, at); err != nil {
				t.Fatal(err)
			}
			if err := sol.DerivativeAt(d, at); err != nil {
				t.Fatal(err)
			}
			exact := p.At(at)
			p.Eval(want, at, exact)
			for j := range y {
				state += math.Pow(y[j]-exact[j], 2)
				slope += math.Pow(d[j]-want[j], 2)
				n++
			}
		}
	}
	return math.Sqrt(state / float64(n)), math.Sqrt(slope / float64(n))
}

// fittedSlope is the slope of log err against log h.
func fittedSlope(h, err []float64) float64 {
	var sx, sy, sxx, sxy float64
	for i := range h {
		x, y := math.Log(h[i]), math.Log(err[i])
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	n := float64(len(h))
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

// Errors of adaptive solves follow the tolerance.
func TestTolerance(t *testing.T) {
	p := odetest.Driven[float64]()
	for _, m := range Tableaus() {
		if m.E == nil {
			continue
		}
		for _, c := range []Controller{IController{}, PIController{}, PIDController{}} {
			var tols, errs []float64
			for _, tol := range []float64{1e-4, 1e-5, 1e-6, 1e-7, 1e-8} {
				sol, err := Solve(p, p.T0, p.T1, p.Y0, Options{Method: m, Controller: c, RTol: tol, ATol: tol, MaxSteps: 1e6})
				if err != nil {
					t.Fatal(err)
				}
				worst := 0.0
				for j, want := range p.At(p.T1) {
					worst = max(worst, math.Abs(sol.Last()[j]-want))
				}
				if worst > 200*tol {
					t.Errorf("%v, %T, tolerance %g: error %.3g", m, c, tol, worst)
				}
				tols, errs = append(tols, tol), append(errs, worst)
			}
			// Errors per step of tolerance give a global error of its power
			// (ErrOrder−1)/ErrOrder to 1.
			if got := fittedSlope(tols, errs); got < 0.4 || got > 1.4 {
				t.Errorf("%v, %T: error grows with the power %.2f of the tolerance: %.2g", m, c, got, errs)
			}
		}
	}
}
