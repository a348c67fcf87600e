package control_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/interp"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint/control"
)

var kinds = []control.Kind{control.Previous, control.Linear, control.Hermite, control.NaturalCubic}

func must[T control.Float](t *testing.T) func(*control.Path[T], error) *control.Path[T] {
	return func(p *control.Path[T], err error) *control.Path[T] {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

// reference is one channel in plain formulas: torchcde's coefficients for Hermite, gonum's
// natural spline.
func reference(t *testing.T, kind control.Kind, ts, xs []float64, at float64) (u, du float64) {
	n := len(ts)
	if at >= ts[n-1] {
		return xs[n-1], 0
	}
	if at < ts[0] {
		return xs[0], 0
	}
	i := 0
	for ts[i+1] <= at {
		i++
	}
	h, s := ts[i+1]-ts[i], at-ts[i]
	slope := (xs[i+1] - xs[i]) / h
	switch kind {
	case control.Previous:
		return xs[i], 0
	case control.Linear:
		return xs[i] + s*slope, slope
	case control.Hermite:
		b := slope
		if i > 0 {
			b = (xs[i] - xs[i-1]) / (ts[i] - ts[i-1])
		}
		twoC := 2 * (3*(slope-b) - slope + b) / h
		threeD := (slope-b)/(h*h) - twoC/h
		return xs[i] + s*(b+s*(twoC/2+s*threeD/3)), b + s*(twoC+s*threeD)
	}
	var spline interp.NaturalCubic
	if err := spline.Fit(ts, xs); err != nil {
		t.Fatal(err)
	}
	return spline.Predict(at), spline.PredictDerivative(at)
}

func TestPaths(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testPaths[float64](t, 1e-13) })
	t.Run("float32", func(t *testing.T) { testPaths[float32](t, 5e-6) })
}

// testPaths compares with the plain formulas, on times of their own for each sample and
// with a missing value.
func testPaths[T control.Float](t *testing.T, tol float64) {
	r := rand.New(rand.NewPCG(1, 2))
	times := [][]float64{{0, 0.5, 0.7, 2, 3.5}, {-1, 1, 2, 2.25}, {0, 3}}
	const channels = 2
	var values []T
	for _, ts := range times {
		for range channels * len(ts) {
			values = append(values, T(r.NormFloat64()))
		}
	}
	values[2*channels+1] = T(math.NaN()) // knot 2 of channel 1 of sample 0
	for _, kind := range kinds {
		p := must[T](t)(control.New(kind, channels, times, values))
		scratch := make([]float64, p.Workspace())
		for _, at := range []float64{-2, -1, -0.3, 0, 0.25, 0.5, 0.6, 0.7, 1, 1.9, 2, 2.1, 2.25, 3, 3.2, 3.5, 9} {
			u, du := gradtest.NaNs[T](p.Dim()), gradtest.NaNs[T](p.Dim())
			p.Eval(u, du, at, values, scratch)
			var want, wantRate []float64
			start := 0
			for _, ts := range times {
				for c := range channels {
					var own, xs []float64
					for k, tk := range ts {
						if v := float64(values[start+k*channels+c]); v == v {
							own, xs = append(own, tk), append(xs, v)
						}
					}
					x, dx := reference(t, kind, own, xs, at)
					want, wantRate = append(want, x), append(wantRate, dx)
				}
				start += len(ts) * channels
			}
			gradtest.Close(t, fmt.Sprint(kind, " at ", at), u, want, tol)
			gradtest.Close(t, fmt.Sprint("rate of ", kind, " at ", at), du, wantRate, 10*tol)

			// Linear in the values: the VJP is the transpose.
			lambda, mu, dvalues := make([]T, len(u)), make([]T, len(u)), make([]T, len(values))
			left, scale := 0.0, 1e-30
			for i := range lambda {
				lambda[i], mu[i] = T(r.NormFloat64()), T(r.NormFloat64())
				left += float64(lambda[i])*float64(u[i]) + float64(mu[i])*float64(du[i])
				scale += math.Abs(float64(lambda[i]*u[i])) + math.Abs(float64(mu[i]*du[i]))
			}
			p.VJP(dvalues, at, lambda, mu, scratch)
			right := 0.0
			for i, d := range dvalues {
				if values[i] == values[i] {
					right += float64(d) * float64(values[i])
				} else if d != 0 {
					t.Errorf("%v: a missing value has the gradient %v", kind, d)
				}
			}
			if math.Abs(left-right) > 20*tol*scale {
				t.Errorf("%v at %v: ⟨λ, u⟩ = %v, ⟨dvalues, values⟩ = %v", kind, at, left, right)
			}
		}
	}
}

// Hermite at t depends on no knot after the first one beyond t; the natural spline does.
func TestHermiteNeverLooksAhead(t *testing.T) {
	ts := []float64{0, 1, 2.5, 3, 4, 6}
	xs := []float64{1, -1, 2, 0, 3, 1}
	for _, kind := range kinds {
		p := must[float64](t)(control.New(kind, 1, [][]float64{ts}, xs))
		scratch := make([]float64, p.Workspace())
		looked := false
		for i := 0; i+1 < len(ts); i++ {
			other := slices.Clone(xs)
			for k := i + 2; k < len(xs); k++ {
				other[k] += 100
			}
			for _, r := range []float64{0, 0.3, 0.9} {
				at := ts[i] + r*(ts[i+1]-ts[i])
				a, da, b, db := []float64{0}, []float64{0}, []float64{0}, []float64{0}
				p.Eval(a, da, at, xs, scratch)
				p.Eval(b, db, at, other, scratch)
				looked = looked || a[0] != b[0] || da[0] != db[0]
			}
		}
		if looked != (kind == control.NaturalCubic) {
			t.Errorf("%v looks ahead: %v", kind, looked)
		}
	}
}

// The rate is the derivative, and the knots that Jumps leaves out have none.
func TestRatesAndJumps(t *testing.T) {
	ts := []float64{0, 1, 2.5, 3}
	xs := []float64{1, -1, 2, 0}
	for _, c := range []struct {
		kind        control.Kind
		path, rates []float64
	}{
		{control.Previous, ts[1:], ts[1:]},
		{control.Linear, ts, ts},
		{control.Hermite, []float64{0, 3}, ts},
		{control.NaturalCubic, []float64{0, 3}, []float64{0, 3}},
	} {
		p := must[float64](t)(control.New(c.kind, 1, [][]float64{ts}, xs))
		if got := p.Jumps(false); !slices.Equal(got, c.path) {
			t.Errorf("%v: jumps %v, want %v", c.kind, got, c.path)
		}
		if got := p.Jumps(true); !slices.Equal(got, c.rates) {
			t.Errorf("%v: jumps of rates %v, want %v", c.kind, got, c.rates)
		}
		const h = 1e-6
		for _, at := range ts {
			below, slopeBelow := p.At(at - h)
			above, slopeAbove := p.At(at + h)
			continuous := math.Abs(above[0]-below[0]) < 100*h
			smooth := continuous && math.Abs(slopeAbove[0]-slopeBelow[0]) < 100*h
			if !smooth && !slices.Contains(c.path, at) {
				t.Errorf("%v is not smooth at %v", c.kind, at)
			}
		}
		for _, at := range []float64{0.4, 1.7, 2.9} {
			_, du := p.At(at)
			up, _ := p.At(at + h)
			down, _ := p.At(at - h)
			if want := (up[0] - down[0]) / (2 * h); math.Abs(du[0]-want) > 1e-8 {
				t.Errorf("%v at %v: rate %v, want %v", c.kind, at, du[0], want)
			}
		}
	}
}

// Samples that share their times, and a single knot.
func TestSharedTimes(t *testing.T) {
	p := must[float32](t)(control.New(control.Linear, 1, [][]float64{{0, 2}}, []float32{1, 3, 10, 30}))
	if u, du := p.At(1); !slices.Equal(u, []float32{2, 20}) || !slices.Equal(du, []float32{1, 10}) {
		t.Errorf("%v, %v", u, du)
	}
	one := must[float64](t)(control.New(control.NaturalCubic, 2, [][]float64{{5}}, []float64{1, 2}))
	if u, du := one.At(7); !slices.Equal(u, []float64{1, 2}) || !slices.Equal(du, []float64{0, 0}) || one.Jumps(true) != nil {
		t.Errorf("%v, %v, %v", u, du, one.Jumps(true))
	}
	u, du := make([]float32, 2), make([]float32, 2)
	scratch := make([]float64, p.Workspace())
	dvalues := make([]float32, 4)
	if a := testing.AllocsPerRun(10, func() {
		p.Eval(u, du, 0.5, p.Values(), scratch)
		p.VJP(dvalues, 0.5, u, du, scratch)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func TestPathErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, build := range map[string]func() error{
		"kind":       func() error { return err(control.New(control.Kind(9), 1, [][]float64{{0}}, []float64{1})) },
		"channels":   func() error { return err(control.New(control.Linear, 0, [][]float64{{0}}, []float64{1})) },
		"no times":   func() error { return err(control.New(control.Linear, 1, nil, []float64{1})) },
		"no knots":   func() error { return err(control.New(control.Linear, 1, [][]float64{{0}, {}}, []float64{1})) },
		"descending": func() error { return err(control.New(control.Linear, 1, [][]float64{{1, 1}}, []float64{1, 2})) },
		"NaN time":   func() error { return err(control.New(control.Linear, 1, [][]float64{{nan}}, []float64{1})) },
		"too few":    func() error { return err(control.New(control.Linear, 1, [][]float64{{0, 1}}, []float64{1})) },
		"odd":        func() error { return err(control.New(control.Linear, 1, [][]float64{{0, 1}}, []float64{1, 2, 3})) },
		"ragged":     func() error { return err(control.New(control.Linear, 1, [][]float64{{0, 1}, {0}}, []float64{1, 2})) },
		"all missing": func() error {
			return err(control.New(control.Linear, 1, [][]float64{{0, 1}}, []float64{nan, nan}))
		},
		"infinite": func() error { return err(control.New(control.Linear, 1, [][]float64{{0, 1}}, []float64{1, inf})) },
	} {
		var fault *control.PathError
		if e := build(); !errors.As(e, &fault) || len(fault.Faults) != 1 {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func err[T control.Float](_ *control.Path[T], err error) error { return err }
