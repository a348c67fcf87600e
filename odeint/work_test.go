package odeint

import (
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

// Adaptive work is in proportion to the field's difficulty: a bound on evaluations, a
// little above today's, keeps the controllers honest.
func TestWork(t *testing.T) {
	p := odetest.Kepler[float64](0.6)
	for _, c := range []struct {
		m   *Tableau
		nfe int
	}{{Bosh3, 3000}, {Dopri5, 420}, {Tsit5, 400}, {Dop853, 300}} {
		sol, err := Solve(p, 0, 4, p.Y0, Options{Method: c.m, RTol: 1e-7, ATol: 1e-7})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%v: %+v", c.m, sol.Stats)
		if sol.Stats.NFE > c.nfe {
			t.Errorf("%v: %+v, more than %d evaluations", c.m, sol.Stats, c.nfe)
		}
	}
}
