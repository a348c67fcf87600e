package collocation

import (
	"context"
	"errors"
	"math"
	"testing"
)

// waves are n noisy samples of a sine on [0, 1].
func waves(n int) (t, y []float64) {
	t = uniform(0, 1, n)
	y = make([]float64, n)
	for i := range t {
		y[i] = math.Sin(7*t[i]) + 0.1*math.Sin(float64(i)*float64(i))
	}
	return t, y
}

// The work of a cross-validation does not grow beyond a bound, with bounded and unbounded
// kernels, left out one by one and in folds, and the curve is good.
func TestCrossValidationIsBounded(t *testing.T) {
	for _, c := range []struct {
		kernel *Kernel
		folds  int
		n      int
	}{{Epanechnikov, 0, 50_000}, {Epanechnikov, 10, 20_000}, {Gaussian, 5, 5_000}} {
		times, y := waves(c.n)
		visits := 0
		counting := &Kernel{Name: "counting", Support: c.kernel.Support, Weight: func(u float64) float64 {
			visits++
			return c.kernel.Weight(u)
		}}
		curve, err := Local(times, y, LocalOptions{Kernel: counting, Width: CrossValidation{Folds: c.folds}})
		if err != nil {
			t.Fatal(err)
		}
		// 40 widths, 2 and 3 passes for the two orders, over 500 samples for 500 of them.
		if visits > 200*500*501 {
			t.Errorf("%v: %d kernel evaluations", c, visits)
		}
		u := make([]float64, 1)
		if err := curve.At(u, nil, 0.4); err != nil || math.Abs(u[0]-math.Sin(2.8)) > 0.02 {
			t.Errorf("%v: u(0.4) = %v, %v", c, u, err)
		}
	}
}

func TestFitsAreCancellable(t *testing.T) {
	times, y := waves(2000)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	kernel := &Kernel{Name: "cancelling", Support: 1, Weight: func(u float64) float64 {
		if calls++; calls == 1000 {
			cancel()
		}
		return Epanechnikov.Weight(u)
	}}
	if _, err := Local(times, y, LocalOptions{Kernel: kernel, Context: ctx}); !errors.Is(err, context.Canceled) {
		t.Errorf("Local: %v", err)
	}
	if calls > 5_000_000 {
		t.Errorf("%d kernel evaluations after the cancel", calls)
	}
	if _, err := Spline(times, y, SplineOptions{Context: ctx}); !errors.Is(err, context.Canceled) {
		t.Errorf("Spline: %v", err)
	}
}

// A smoothing parameter without bound gives the straight line of least squares.
func TestSplineOfAnyLambda(t *testing.T) {
	times, y := []float64{0, 1, 3, 4, 7}, []float64{1, 4, 2, 8, 5}
	// The line by the normal equations: mean of t is 3, of y is 4; slope Σ(t−3)y/Σ(t−3)².
	slope := (-3*1 - 2*4 + 0*2 + 1*8 + 4*5) / 30.
	for _, lambda := range []float64{1e30, 1e100, 1e200, math.MaxFloat64} {
		for _, unit := range []float64{1, 0x1p-300, 0x1p300} {
			scaled := make([]float64, len(times))
			for i := range times {
				scaled[i] = times[i] * unit
			}
			if lambda/unit/unit/unit < 1e30 {
				continue
			}
			c, err := Spline(scaled, y, SplineOptions{Lambda: lambda})
			if err != nil {
				t.Fatal(err)
			}
			u, du := make([]float64, 1), make([]float64, 1)
			if err := c.At(u, du, 5*unit); err != nil || math.Abs(u[0]-(4+2*slope)) > 1e-12 || math.Abs(du[0]*unit-slope) > 1e-12 {
				t.Errorf("λ = %g, unit %g: %v and %v, want %v and %v; %v", lambda, unit, u, du, 4+2*slope, slope/unit, err)
			}
			if s := c.Smoothing()[0]; s.Lambda != lambda || math.Abs(s.DoF-2) > 1e-9 {
				t.Errorf("λ = %g: %+v", lambda, s)
			}
		}
	}
	for _, lambda := range []float64{5e-324, 1e-300} {
		c, err := Spline(times, y, SplineOptions{Lambda: lambda})
		if err != nil {
			t.Fatal(err)
		}
		u := make([]float64, 1)
		for i, s := range times {
			if err := c.At(u, nil, s); err != nil || math.Abs(u[0]-y[i]) > 1e-12 {
				t.Errorf("λ = %g at sample %d: %v, want %v; %v", lambda, i, u, y[i], err)
			}
		}
	}
}

// Values of any size are estimated with the digits of values of size one, by all
// estimators.
func TestValuesOfAnySize(t *testing.T) {
	times, y := waves(200)
	for name, fit := range map[string]func(y []float64) (*Curve[float64], error){
		"local": func(y []float64) (*Curve[float64], error) { return Local(times, y, LocalOptions{}) },
		"folds": func(y []float64) (*Curve[float64], error) {
			return Local(times, y, LocalOptions{Width: CrossValidation{Folds: 4}})
		},
		"spline": func(y []float64) (*Curve[float64], error) { return Spline(times, y, SplineOptions{}) },
	} {
		one, err := fit(y)
		if err != nil {
			t.Fatal(err)
		}
		want, dwant, err := one.Sample(times)
		if err != nil {
			t.Fatal(err)
		}
		for _, exponent := range []int{532, 1000, -900} {
			big := make([]float64, len(y))
			for i := range y {
				big[i] = math.Ldexp(y[i], exponent)
			}
			c, err := fit(big)
			if err != nil {
				t.Errorf("%s, 2^%d: %v", name, exponent, err)
				continue
			}
			got, dgot, err := c.Sample(times)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if got[i] != math.Ldexp(want[i], exponent) || dgot[i] != math.Ldexp(dwant[i], exponent) {
					t.Fatalf("%s, 2^%d: %v and %v, want %v and %v times that", name, exponent, got[i], dgot[i], want[i], dwant[i])
				}
			}
		}
	}
}

// What cannot be a number of the curve's type is an error, not an infinity.
func TestEstimatesOutOfRange(t *testing.T) {
	times := []float64{0, 1e-30, 2e-30, 3e-30, 4e-30}
	y := []float32{0, 1e20, 2e20, 3e20, 4e20}
	c, err := Spline(times, y, SplineOptions{Lambda: 1e-90})
	if err != nil {
		t.Fatal(err)
	}
	u, du := make([]float32, 1), make([]float32, 1)
	if err := c.At(u, nil, 2e-30); err != nil {
		t.Error(err)
	}
	if err := c.At(u, du, 2e-30); !errors.Is(err, ErrRange) {
		t.Errorf("a derivative of 10⁵⁰ as float32: %v, %v", du, err)
	}
	var data *DataError
	if _, err := Spline([]float64{0, 1e-300, 1}, []float64{0, 1, 2}, SplineOptions{}); err != nil && (!errors.As(err, &data) || data.Row != 1) {
		t.Errorf("times very close: %v", err)
	}
	if _, err := Spline([]float64{-1e308, 0, 1.7e308}, []float64{0, 1, 2}, SplineOptions{}); !errors.As(err, &data) || data.Row != 2 {
		t.Errorf("times very far apart: %v", err)
	}
}
