package odetest

import (
	"math"
	"testing"
)

// Every exact solution satisfies its equation: central differences of it are f.
func TestExact(t *testing.T) {
	for _, p := range Exact[float64]() {
		d := make([]float64, p.Dim())
		for _, x := range []float64{p.T0, 0.7*p.T0 + 0.3*p.T1, p.T1} {
			const h = 1e-5
			lo, hi := p.At(x-h), p.At(x+h)
			p.Eval(d, x, p.At(x))
			for i := range d {
				got := (hi[i] - lo[i]) / (2 * h)
				// Truncation h²y‴/6 and rounding 1e-16·y/h of the difference.
				if math.Abs(got-d[i]) > 1e-7*(1+math.Abs(d[i])) {
					t.Errorf("%s at %v, component %d: slope of the solution %v, f %v", p.Name, x, i, got, d[i])
				}
			}
		}
		r := p.Reversed()
		if r.T0 != p.T1 || r.T1 != p.T0 || r.Y0[0] != p.At(p.T1)[0] {
			t.Errorf("%s: reversed problem starts at %v with %v", p.Name, r.T0, r.Y0)
		}
	}
}

func TestDetest(t *testing.T) {
	names := map[string]bool{}
	for _, p := range Detest() {
		names[p.Name] = true
		d := make([]float64, p.Dim())
		for i := range d {
			d[i] = math.NaN()
		}
		p.Eval(d, p.T0, p.Y0)
		for i, v := range d {
			if math.IsNaN(v) {
				t.Errorf("%s: component %d of f is not set", p.Name, i)
			}
		}
	}
	if len(names) != 24 {
		t.Errorf("%d problems, want 24", len(names))
	}
}
