package odeint

import (
	"flag"
	"math"
	"testing"
)

var long = flag.Bool("long", false, "run TestRoundOffGrowth over a million steps")

// keplerEnergy solves the Kepler problem with n steps an orbit and returns the relative
// energy error after each orbit, in units of the rounding 2⁻⁵³. At whole orbits
// the energy error of the method itself, 1e-13 in between, is back at zero.
func keplerEnergy(t *testing.T, m Method, compensated bool, n, orbits int) []float64 {
	t.Helper()
	p := kepler[float64]()
	in, err := New(p.field, Options{Method: m, H0: 2 * math.Pi / float64(n), Compensated: compensated})
	if err != nil {
		t.Fatal(err)
	}
	start := p.energy(p.z0)
	var e []float64
	in.Observe(func(s *Step[float64], st *Stats) error {
		if st.Accepted%n == 0 {
			e = append(e, (p.energy(s.Y1)/start-1)*0x1p53)
		}
		return nil
	})
	if err := in.Solve(t.Context(), new(Solution[float64]), 0, 2*math.Pi*float64(orbits), p.z0); err != nil {
		t.Fatal(err)
	}
	return e
}

// The energy error of Gauss–Legendre 6 is rounding, and grows as its random walk: as the
// square root of the number of steps. Compensated summation all but removes it. A tolerance for
// the stages, even 1e-14, makes it grow linearly.
func TestRoundOffGrowth(t *testing.T) {
	const perOrbit = 1000
	orbits := 100
	if *long {
		orbits = 1000
	}
	walk := math.Sqrt(float64(orbits * perOrbit))
	worst := func(e []float64) (w float64) {
		for _, x := range e {
			w = max(w, math.Abs(x))
		}
		return w
	}
	plain := worst(keplerEnergy(t, GaussLegendre6, false, perOrbit, orbits))
	kahan := worst(keplerEnergy(t, GaussLegendre6, true, perOrbit, orbits))
	t.Logf("%d steps: worst energy error %.0f × 2⁻⁵³, compensated %.0f", orbits*perOrbit, plain, kahan)
	if plain > 5*walk { // a sum of steps with 1 to 5 units of rounding each
		t.Errorf("energy error %.0f × 2⁻⁵³ after %d orbits, beyond a random walk", plain, orbits)
	}
	if kahan > 64 { // eight units are the resolution of the energy itself
		t.Errorf("compensated energy error %.0f × 2⁻⁵³", kahan)
	}
	if kahan > plain/4 {
		t.Errorf("compensation makes %.0f out of %.0f", kahan, plain)
	}

	plain = worst(keplerEnergy(t, KahanLi8, false, 1500, 32))
	kahan = worst(keplerEnergy(t, KahanLi8, true, 1500, 32))
	if kahan > 64 || kahan > plain/10 {
		t.Errorf("kahan-li8: energy error %.0f × 2⁻⁵³, compensated %.0f", plain, kahan)
	}

	e := keplerEnergy(t, GaussLegendre6.With(FixedPoint{Tol: 1e-14}), true, 700, 32)
	if growth := e[31] / e[7]; math.Abs(growth-4) > 0.2 || math.Abs(e[31]) < 1000 {
		t.Errorf("with a tolerance the error after 32 orbits is %.0f × 2⁻⁵³, %.2f times that after 8", e[31], growth)
	}
}

// In float32 the rounding of 4000 steps shows in every method, and compensation
// takes most of it away.
func TestCompensatedFloat32(t *testing.T) {
	for _, c := range structured {
		wide, narrow := henonHeiles[float64](), henonHeiles[float32]()
		for i, v := range narrow.z0 {
			wide.z0[i] = float64(v)
		}
		want := wide.end(t, c.m, 10, 0.0025)
		var off [2]float64
		for k, compensated := range []bool{false, true} {
			sol, err := Solve(narrow.field, 0, 10, narrow.z0, Options{Method: c.m, H0: 0.0025, Compensated: compensated})
			if err != nil {
				t.Fatal(c.m, err)
			}
			for i, v := range sol.Last() {
				off[k] = max(off[k], math.Abs(float64(v)-want[i]))
			}
		}
		if off[1] > 2.4e-7 || off[1] > off[0]/4 { // two units in the last place of 1
			t.Errorf("%v: rounding %.3g, compensated %.3g", c.m, off[0], off[1])
		}
	}
}
