package odeint

import (
	"context"
	"math"
	"testing"
)

func TestSmoke(t *testing.T) {
	f := NewFunc(2, func(d []float64, t float64, y []float64) { d[0], d[1] = y[1], -y[0] })
	for _, m := range []*Tableau{Euler, Midpoint, Heun, Ralston, RK4, RK38, Bosh3, Dopri5, Tsit5, Dop853} {
		for _, fixed := range []bool{false, true} {
			o := Options{Method: m, RTol: 1e-8, ATol: 1e-8, SaveAt: SaveAt{Dense: true, Times: []float64{0, .5, 1, 3}}}
			if fixed || m.E == nil {
				o.Controller, o.H0 = Fixed{}, 0.01
			}
			in, err := New(f, o)
			if err != nil {
				t.Fatal(err)
			}
			sol := new(Solution[float64])
			if err := in.Solve(context.Background(), sol, 0, 3, []float64{0, 1}); err != nil {
				t.Fatal(m, err)
			}
			t.Log(m, fixed, sol.T, sol.Y[6]-math.Sin(3), sol.Row(1)[0]-math.Sin(.5), sol.Stats, sol.NumSteps(), sol.Bytes())
			n := testing.AllocsPerRun(5, func() {
				in.Solve(context.Background(), sol, 0, 3, []float64{0, 1})
			})
			if n != 0 {
				t.Error(m, "allocs", n)
			}
			d := make([]float64, 2)
			sol.At(d, 1.2345)
			t.Log(d[0] - math.Sin(1.2345))
		}
	}
}
