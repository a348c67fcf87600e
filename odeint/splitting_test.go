package odeint

import (
	"errors"
	"strings"
	"testing"
)

var splittings = []struct {
	m         *Splitting
	order     int
	symmetric bool
}{
	{SymplecticEuler, 1, false},
	{SymplecticEulerDrift, 1, false},
	{VelocityVerlet, 2, true},
	{PositionVerlet, 2, true},
	{McLachlanAtela2, 2, false},
	{Ruth3, 3, false},
	{McLachlanAtela4, 4, false},
	{BlanesMoan4, 4, true},
	{Yoshida4, 4, true},
	{Yoshida6, 6, true},
	{KahanLi6, 6, true},
	{KahanLi8, 8, true},
}

func TestSplittingOrders(t *testing.T) {
	for _, c := range splittings {
		if err := c.m.Check(); err != nil {
			t.Error(err)
		}
		if got := c.m.order(); got != c.order || c.m.Order != c.order {
			t.Errorf("%s: order by conditions %d, by claim %d, want %d", c.m.Name, got, c.m.Order, c.order)
		}
		if got := c.m.Symmetric(); got != c.symmetric {
			t.Errorf("%s: symmetric %v, want %v", c.m.Name, got, c.symmetric)
		}
	}
}

func TestSplittingCheckSeesEveryCoefficient(t *testing.T) {
	for _, c := range splittings {
		for _, half := range []func(m *Splitting) []float64{
			func(m *Splitting) []float64 { return m.Drift },
			func(m *Splitting) []float64 { return m.Kick },
		} {
			for i := range half(c.m) {
				bad := *c.m
				bad.Drift, bad.Kick = append([]float64(nil), bad.Drift...), append([]float64(nil), bad.Kick...)
				half(&bad)[i] += 1e-6
				if bad.Check() == nil {
					t.Errorf("%s: coefficient %d + 1e-6 passes", c.m.Name, i)
				}
				if c.order < 2 || i == 0 {
					continue
				}
				half(&bad)[i-1] -= 1e-6 // the sum is right again
				if bad.Check() == nil {
					t.Errorf("%s: coefficients %d ± 1e-6 pass", c.m.Name, i)
				}
			}
		}
	}
}

// McLachlan and Atela's method lives on the quadratic kinetic energy.
func TestSplittingQuadratic(t *testing.T) {
	m := *McLachlanAtela4
	m.Quadratic = false
	if got := m.order(); got != 3 {
		t.Errorf("order %d for any kinetic energy, want 3", got)
	}
}

func TestSplittingValidate(t *testing.T) {
	m := &Splitting{Name: "bad", Drift: []float64{1, 1}, Kick: []float64{1}}
	err := m.validate()
	for _, want := range []string{"2 drifts and 1 kicks", "Drift sums to 2", "Order is 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	var none *Splitting
	if none.validate() == nil {
		t.Error("a nil splitting is valid")
	}
}

// Methods with times outside their steps would look beyond a jump; they are refused there,
// whoever knows of the jump, and no others are.
func TestJumpsOutsideSteps(t *testing.T) {
	const at = 0.5
	methods := []Method{&Tao{Omega: 5, Order: 2}, &Tao{Omega: 5, Order: 4}, GaussLegendre4}
	for _, m := range Splittings() {
		methods = append(methods, m)
	}
	inside := map[string]bool{}
	for _, m := range methods {
		var reached, least float64
		f := NewSeparable(1, 1,
			func(dq []float64, t float64, p []float64) {
				dq[0] = p[0]
				reached, least = max(reached, t), min(least, t)
			},
			func(dp []float64, t float64, q []float64) {
				dp[0] = -q[0]
				reached, least = max(reached, t), min(least, t)
			})
		opt := Options{Method: m, H0: 0.1}
		if _, err := Solve(f, 0, at, []float64{1, 0}, opt); err != nil {
			t.Fatal(m, err)
		}
		outside := reached > at || least < 0
		opt.Jumps = []float64{at}
		_, err := Solve(f, 0, 1, []float64{1, 0}, opt)
		var fault *OptionError
		if outside != errors.As(err, &fault) || !outside && err != nil {
			t.Errorf("%v, with times from %v to %v: %v", m, least, reached, err)
		}
		opt.Jumps = []float64{1.5} // out of reach
		if _, err := Solve(f, 0, 1, []float64{1, 0}, opt); err != nil {
			t.Errorf("%v: %v", m, err)
		}
		inside[m.String()] = !outside
	}
	if !inside["verlet"] && !inside[VelocityVerlet.String()] || inside[Yoshida4.String()] {
		t.Errorf("%v", inside)
	}
}
