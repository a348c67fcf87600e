package odeint

import (
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

// Saved times, dense output and its slope of y' = −y/2, y(0.1) = 2.1.
func TestSavedAndDense(t *testing.T) {
	f := NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -0.5 * y[0] })
	sol, err := Solve(f, 0.1, 1.1, []float64{2.1}, Options{
		Method: Dopri5, RTol: 1e-8, ATol: 1e-8, SaveAt: SaveAt{Times: []float64{0.5, 0.8}, Keep: Dense},
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

// Dense output may be read by several goroutines.
func TestDenseConcurrently(t *testing.T) {
	p := odetest.Kepler[float64](0.3)
	sol, err := Solve(p, 0, 4, p.Y0, Options{RTol: 1e-9, ATol: 1e-9, SaveAt: SaveAt{Keep: Dense}})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for g := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			y := make([]float64, 4)
			for i := range 200 {
				at := 4 * float64((i*37+g)%200) / 199
				if err := sol.At(y, at); err != nil || math.Abs(y[0]-p.At(at)[0]) > 1e-7 {
					t.Errorf("%v at %v, want %v; %v", y[0], at, p.At(at)[0], err)
				}
			}
		}()
	}
	group.Wait()
}

// Finite states whose interpolant overflows: from 1.75e308 the slope of RK4's step bends the
// curve beyond the largest number.
func TestDenseOverflow(t *testing.T) {
	const y0 = 1.75e308
	f := NewFunc(1, func(d []float64, t float64, _ []float64) { d[0] = y0 * (1 - 2*t) })
	sol, err := Solve(f, 0, 1, []float64{y0}, Options{Method: RK4, H0: 1, SaveAt: SaveAt{Keep: Dense}})
	if err != nil {
		t.Fatal(err)
	}
	y := []float64{0}
	var nf *NonFiniteError
	if err := sol.At(y, 0.5); !errors.As(err, &nf) || nf.T != 0.5 || nf.Component != 0 {
		t.Errorf("At gives %v and %v", y, err)
	}
	if err := sol.At(y, 1); err != nil || y[0] != sol.Last()[0] {
		t.Errorf("the end is %v, %v", y, err)
	}
}
