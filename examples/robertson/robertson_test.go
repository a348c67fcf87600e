package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/odeint"
)

func atTruth(batch int) *reaction {
	return &reaction{batch: batch, logK: atRates(rates...)}
}

// The state at t = 100 is that of problem ROBER in the IVP test set (Mazzia & Magherini 2008).
func TestReference(t *testing.T) {
	sol, err := odeint.Solve(atTruth(1), 0, 100, []float64{1, 0, 0}, odeint.Options{Method: odeint.Kvaerno5, RTol: 1e-9, ATol: 1e-12})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.6172348823960878, 6.153591274639123e-6, 0.3827589640126376} {
		// Hundreds of steps, each right to 1e-9.
		if got := sol.Last()[i] * size[i]; math.Abs(got/want-1) > 1e-7 {
			t.Errorf("component %d: %v, want %v", i, got, want)
		}
	}
}

// The products, and their derivatives, are those of central differences, on a batch of two.
func TestProducts(t *testing.T) {
	network, err := newHybrid(2, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []interface {
		odeint.TwiceDifferentiable[float64]
		Params() []float64
	}{atTruth(2), network} {
		s, lambda := []float64{0.9, 0.8, 0.1, 0.6, 0.2, 0.4}, []float64{1, -0.5, 2, 0.3, 0.7, -1}
		v := []float64{0.5, 0.3, -1, -0.2, 0.6, 1}
		d := make([]float64, 6)
		value := func() (sum float64) { // λᵀf
			r.Eval(d, 0, s)
			for i := range d {
				sum += lambda[i] * d[i]
			}
			return sum
		}
		tangent := func() (sum float64) { // λᵀJv
			r.VJP(nil, d, nil, 0, s, lambda)
			for i := range d {
				sum += v[i] * d[i]
			}
			return sum
		}
		for _, c := range []struct {
			name string
			of   func() float64
			dy   func(dy, dtheta []float64)
		}{
			{"VJP", value, func(dy, dtheta []float64) { r.VJP(nil, dy, dtheta, 0, s, lambda) }},
			{"TangentVJP", tangent, func(dy, dtheta []float64) { r.TangentVJP(dy, dtheta, 0, s, v, lambda) }},
		} {
			dy, dtheta := make([]float64, 6), make([]float64, r.NumParams())
			c.dy(dy, dtheta)
			check := func(name string, x, got []float64) {
				for i, at := range x {
					const h = 1e-5
					x[i] = at + h
					up := c.of()
					x[i] = at - h
					want := (up - c.of()) / (2 * h)
					x[i] = at
					// The products are about 1e5, a difference rounds to 1e-8 of it, and h² is 1e-10.
					if math.Abs(got[i]-want) > 1e-6*(1e2+math.Abs(want)) {
						t.Errorf("%T, %s, %s %d: %v, want %v", r, c.name, name, i, got[i], want)
					}
				}
			}
			check("dy", s, dy)
			check("dtheta", r.Params(), dtheta)
		}
	}
}

// Rates a factor of 3 off are found to 1 %, and a network in the place of a reaction has its rate to
// 10 % and predicts the concentrations to 1 % of their sizes.
func TestRates(t *testing.T) {
	for _, seed := range []string{"0", "2"} {
		m := apptest.Run(t, program, []string{"fit.png", "network.png"}, "-seed", seed)
		if rate, state := m["network_rate_relative_error"], m["network_largest_error"]; !(rate < 0.1 && state < 0.01) {
			t.Errorf("seed %s: the network's rate is off by %v, concentrations by %v", seed, rate, state)
		}
		for _, name := range []string{"k1", "k2", "k3"} {
			if e, ok := m[name+"_relative_error"]; !ok || !(e < 0.01) {
				t.Errorf("seed %s: %s is off by %v", seed, name, e)
			}
		}
		// The noise has a variance of 9e-6, less what three rates fit.
		if m["rates_loss"] > 1.3e-5 {
			t.Errorf("seed %s: loss %v", seed, m["rates_loss"])
		}
	}
}

func TestQuick(t *testing.T) { apptest.Run(t, program, []string{"fit.png"}, "-quick") }

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, program, "-quick") }
