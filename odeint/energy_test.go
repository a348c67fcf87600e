package odeint

import (
	"errors"
	"math"
	"testing"
)

// structured has every method that keeps the structure of a Hamiltonian field.
var structured = []struct {
	m         Method
	order     int
	symmetric bool
	any       bool // for any Hamiltonian, separable or not
}{
	{SymplecticEuler, 1, false, false},
	{SymplecticEulerDrift, 1, false, false},
	{VelocityVerlet, 2, true, false},
	{PositionVerlet, 2, true, false},
	{McLachlanAtela2, 2, false, false},
	{Ruth3, 3, false, false},
	{McLachlanAtela4, 4, false, false},
	{BlanesMoan4, 4, true, false},
	{Yoshida4, 4, true, false},
	{Yoshida6, 6, true, false},
	{KahanLi6, 6, true, false},
	{KahanLi8, 8, true, false},
	{ImplicitMidpoint, 2, true, true},
	{GaussLegendre4, 4, true, true},
	{GaussLegendre4.With(Newton{}), 4, true, true},
	{GaussLegendre6, 6, true, true},
	{&Tao{Omega: 5}, 2, true, true},
	{&Tao{Omega: 5, Order: 4}, 4, true, true},
	{&Tao{Omega: 5, Order: 6}, 6, true, true},
}

// The order that shows in the largest error at three times, two of them inside steps:
// its slope over the step size, on the four smallest sizes whose error is still well
// above rounding.
func TestStructuredOrders(t *testing.T) {
	problems := []hamiltonian[float64]{
		harmonic[float64](), pendulum[float64](), kepler[float64](), henonHeiles[float64](), rods[float64](),
	}
	for _, p := range problems {
		_, separable := p.field.(Separable[float64])
		times := SaveAt{Times: []float64{0.55, 1.1, 1.7}}
		exact, err := Solve(p.field, 0, 1.7, p.z0, Options{Method: GaussLegendre6, H0: 1.0 / 1024, SaveAt: times})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range structured {
			if !separable && !c.any {
				continue
			}
			var logh, loge []float64
			for steps := 4; steps < 6000; steps = int(math.Round(float64(steps) * math.Sqrt2)) {
				sol, err := Solve(p.field, 0, 1.7, p.z0, Options{Method: c.m, H0: 1.7 / float64(steps), SaveAt: times})
				if errors.Is(err, ErrNoConvergence) || errors.Is(err, ErrNonFinite) {
					continue // far too large a step
				}
				if err != nil {
					t.Fatal(p.name, c.m, err)
				}
				e := distance(sol.Y, exact.Y)
				if e < 1e-12 {
					break
				}
				logh, loge = append(logh, -math.Log2(float64(steps))), append(loge, math.Log2(e))
			}
			if n := len(logh); n > 4 {
				logh, loge = logh[n-4:], loge[n-4:]
			}
			slope, _ := regression(logh, loge)
			if math.Abs(slope-float64(c.order)) > 0.15 {
				t.Errorf("%s, %v: observed order %.3f, want %d", p.name, c.m, slope, c.order)
			}
		}
	}
}

// Each half of a splitting has its own time: the order holds for T(p, t) + V(q, t).
func TestStructuredOrdersWithTime(t *testing.T) {
	for _, driven := range []struct {
		kinetic float64 // amplitude of the change in the mass
		field   VectorField[float64]
	}{{kinetic: 0}, {kinetic: 0.4}} {
		driven.field = NewSeparable(1, 1,
			func(dq []float64, t float64, p []float64) { dq[0] = p[0] * (1 + driven.kinetic*math.Cos(2*t)) },
			func(dp []float64, t float64, q []float64) { dp[0] = -math.Sin(q[0]) * (1 + 0.5*math.Sin(t)) })
		z0 := []float64{1, 0.5}
		exact, err := Solve(driven.field, 0, 2, z0, Options{Method: Dop853, RTol: 1e-14, ATol: 1e-15})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range structured {
			if s, ok := c.m.(*Splitting); ok && s.Quadratic && driven.kinetic != 0 {
				continue
			}
			var logh, loge []float64
			for steps := 8; steps < 6000; steps *= 2 {
				sol, err := Solve(driven.field, 0, 2, z0, Options{Method: c.m, H0: 2 / float64(steps)})
				if err != nil {
					t.Fatal(err)
				}
				e := distance(sol.Last(), exact.Last())
				if e < 3e-13 {
					break
				}
				logh, loge = append(logh, -math.Log2(float64(steps))), append(loge, math.Log2(e))
			}
			if n := len(logh); n > 3 {
				logh, loge = logh[n-3:], loge[n-3:]
			}
			slope, _ := regression(logh, loge)
			if math.Abs(slope-float64(c.order)) > 0.3 { // two or three sizes at order 8
				t.Errorf("kinetic %v, %v: observed order %.3f, want %d", driven.kinetic, c.m, slope, c.order)
			}
		}
	}
}

// The symmetric methods come back to where they started when h changes its sign. Tao's
// does so in the doubled space, of which a solve keeps one half.
func TestReversible(t *testing.T) {
	for _, p := range []hamiltonian[float64]{pendulum[float64](), kepler[float64](), rods[float64]()} {
		for _, c := range structured {
			_, separable := p.field.(Separable[float64])
			_, tao := c.m.(*Tao)
			if !separable && !c.any || tao {
				continue
			}
			opt := Options{Method: c.m, H0: 0.01}
			there, err := Solve(p.field, 0, 5, p.z0, opt)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Solve(p.field, 5, 0, there.Last(), opt)
			if err != nil {
				t.Fatal(err)
			}
			// 1000 roundings of the state, which the flow magnifies by up to 100
			d := distance(back.Last(), p.z0)
			if c.symmetric && d > 1e-12 {
				t.Errorf("%s, %v: %.3g off after there and back", p.name, c.m, d)
			}
			if !c.symmetric && c.order < 4 && d < 1e-10 { // McLachlanAtela4 is almost symmetric
				t.Errorf("%s, %v: comes back to %.3g, though it is not symmetric", p.name, c.m, d)
			}
		}
	}
}

// energyDrift fits a line to the energy over all steps: its slope, the slope's
// standard error, the largest deviation from the start, and the evaluations of f or of
// the force a step took.
func energyDrift(t *testing.T, p hamiltonian[float64], m Method, h float64, steps int) (slope, stderr, worst, cost float64) {
	t.Helper()
	in, err := New(p.field, Options{Method: m, H0: h})
	if err != nil {
		t.Fatal(err)
	}
	start := p.energy(p.z0)
	ts, es := make([]float64, 0, steps), make([]float64, 0, steps)
	in.Observe(func(s *Step[float64], _ *Stats) error {
		e := p.energy(s.Y1) - start
		worst = max(worst, math.Abs(e))
		ts, es = append(ts, s.T1), append(es, e)
		return nil
	})
	var sol Solution[float64]
	if err := in.Solve(t.Context(), &sol, 0, h*float64(steps), p.z0); err != nil {
		t.Fatal(p.name, m, err)
	}
	slope, stderr = regression(ts, es)
	return slope, stderr, worst, float64(sol.Stats.NFE+sol.Stats.Kicks) / float64(len(ts))
}

// No drift of the energy over 100 000 steps, where RK4 with as many evaluations
// drifts. Steps are so large that the energy error is far above rounding.
func TestNoEnergyDrift(t *testing.T) {
	const steps = 100_000
	cases := []struct {
		p     hamiltonian[float64]
		m     Method
		h     float64
		bound float64 // largest energy error
	}{
		{pendulum[float64](), SymplecticEuler, 0.1, 0.05},
		{pendulum[float64](), VelocityVerlet, 0.2, 6e-3},
		{henonHeiles[float64](), VelocityVerlet, 0.2, 1e-3},
		{henonHeiles[float64](), Yoshida4, 0.3, 2e-4},
		{kepler[float64](), BlanesMoan4, 0.1, 3e-5},
		{pendulum[float64](), GaussLegendre4, 0.3, 1e-5},
		{rods[float64](), ImplicitMidpoint, 0.02, 1e-3},
		{rods[float64](), &Tao{Omega: 20}, 0.01, 4e-3},
	}
	for _, c := range cases {
		slope, stderr, worst, cost := energyDrift(t, c.p, c.m, c.h, steps)
		if math.Abs(slope) > stderr {
			t.Errorf("%s, %v: energy drifts by %.3g ± %.2g a unit of time", c.p.name, c.m, slope, stderr)
		}
		if worst > c.bound {
			t.Errorf("%s, %v: energy is off by %.3g, bound %.2g", c.p.name, c.m, worst, c.bound)
		}
		h := c.h * 4 / cost
		slope, stderr, _, _ = energyDrift(t, c.p, RK4, h, int(c.h*steps/h))
		if math.Abs(slope) < 10*stderr {
			t.Errorf("%s: RK4 does not drift: %.3g ± %.2g", c.p.name, slope, stderr)
		}
	}
}
