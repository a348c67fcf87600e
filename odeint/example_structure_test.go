package odeint_test

import (
	"context"
	"fmt"
	"math"

	"github.com/neuralode/neuralode/odeint"
)

// A pendulum swings for 10 000 units of time; the energy error stays what it was after
// the first swing.
func ExampleSplitting() {
	pendulum := odeint.NewSeparable(1, 1,
		func(dq []float64, _ float64, p []float64) { dq[0] = p[0] },
		func(dp []float64, _ float64, q []float64) { dp[0] = -math.Sin(q[0]) })
	energy := func(z []float64) float64 { return z[1]*z[1]/2 - math.Cos(z[0]) }

	in, err := odeint.New(pendulum, odeint.Options{Method: odeint.Yoshida4, H0: 0.1})
	if err != nil {
		fmt.Println(err)
		return
	}
	z0 := []float64{1, 0}
	worst := 0.0
	in.Observe(func(s *odeint.Step[float64], st *odeint.Stats) error {
		worst = max(worst, math.Abs(energy(s.Y1)-energy(z0)))
		return nil
	})
	for _, t1 := range []float64{10, 10_000} {
		worst = 0
		var sol odeint.Solution[float64]
		if err := in.Solve(context.Background(), &sol, 0, t1, z0); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("to t = %v: %.1e\n", t1, worst)
	}
	// Output:
	// to t = 10: 7.4e-07
	// to t = 10000: 7.4e-07
}

// The double pendulum is not separable. Gauss methods preserve its structure all the
// same, with Newton's iteration for the stages if steps are large.
func ExampleImplicitRK_With() {
	const g = 9.8
	rods := odeint.NewFunc(4, func(dz []float64, _ float64, z []float64) {
		sin, cos := math.Sincos(z[0] - z[1])
		d, n := 1+sin*sin, z[2]*z[2]+2*z[3]*z[3]-2*z[2]*z[3]*cos
		c := z[2]*z[3]*sin/d - n*sin*cos/(d*d)
		dz[0], dz[1] = (z[2]-z[3]*cos)/d, (2*z[3]-z[2]*cos)/d
		dz[2], dz[3] = -c-2*g*math.Sin(z[0]), c-g*math.Sin(z[1])
	})
	sol, err := odeint.Solve(rods, 0, 2.5, []float64{0.05, -0.05, 0, 0}, odeint.Options{
		Method: odeint.GaussLegendre6.With(odeint.Newton{}),
		H0:     0.05,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f\n", sol.Last())
	// Output:
	// [-0.0047 0.0264 -0.1221 0.1105]
}

// Your own Tableau is data; Check finds the mistake in it.
func ExampleTableau_Check() {
	kutta3 := &odeint.Tableau{
		Name:  "kutta3",
		C:     []float64{0, 1.0 / 2, 1},
		A:     [][]float64{{}, {1.0 / 2}, {-1, 2}},
		B:     []float64{1.0 / 6, 2.0 / 3, 1.0 / 6},
		Order: 4,
	}
	fmt.Println(kutta3.Check())
	kutta3.Order = 3
	fmt.Println(kutta3.Check())
	// Output:
	// odeint: tableau "kutta3": B has order 3, not 4
	// <nil>
}
