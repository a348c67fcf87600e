package odeint_test

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/neuralode/neuralode/odeint"
)

func ExampleSolve() {
	decay := odeint.NewFunc(1, func(dydt []float64, t float64, y []float64) {
		dydt[0] = -y[0]
	})
	sol, err := odeint.Solve(decay, 0, 1, []float64{1}, odeint.Options{RTol: 1e-8, ATol: 1e-8})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.6f\n", sol.Last()[0])
	// Output: 0.367879
}

// Saved times come from the method's interpolant and do not shorten its steps.
func ExampleSaveAt() {
	oscillator := odeint.NewFunc(2, func(dydt []float64, t float64, y []float64) {
		dydt[0], dydt[1] = y[1], -y[0]
	})
	sol, err := odeint.Solve(oscillator, 0, 3, []float64{0, 1}, odeint.Options{
		RTol: 1e-8, ATol: 1e-8,
		SaveAt: odeint.SaveAt{Times: []float64{0, 1, 2, 3}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, t := range sol.T {
		fmt.Printf("%g: %.6f, exact %.6f\n", t, sol.Row(i)[0], math.Sin(t))
	}
	// Output:
	// 0: 0.000000, exact 0.000000
	// 1: 0.841471, exact 0.841471
	// 2: 0.909297, exact 0.909297
	// 3: 0.141120, exact 0.141120
}

// A dense solution answers for any time.
func ExampleSolution_At() {
	logistic := odeint.NewFunc(1, func(dydt []float64, t float64, y []float64) {
		dydt[0] = y[0] * (1 - y[0])
	})
	sol, err := odeint.Solve(logistic, 0, 5, []float64{0.5}, odeint.Options{
		RTol: 1e-8, ATol: 1e-8, SaveAt: odeint.SaveAt{Keep: odeint.Dense},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	y := make([]float64, 1)
	if err := sol.At(y, math.Log(3)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.6f\n", y[0])
	// Output: 0.750000
}

// An Integrator solves again and again without allocating.
func ExampleIntegrator() {
	growth := odeint.NewFunc(1, func(dydt []float64, t float64, y []float64) {
		dydt[0] = y[0]
	})
	in, err := odeint.New(growth, odeint.Options{Method: odeint.RK4, H0: 0.125})
	if err != nil {
		fmt.Println(err)
		return
	}
	var sol odeint.Solution[float64]
	for _, y0 := range []float64{1, 2} {
		if err := in.Solve(context.Background(), &sol, 0, 1, []float64{y0}); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%.4f after %d steps and %d evaluations\n", sol.Last()[0], sol.Stats.Accepted, sol.Stats.NFE)
	}
	// Output:
	// 2.7183 after 8 steps and 32 evaluations
	// 5.4366 after 8 steps and 32 evaluations
}

// y' = y² has a pole at t = 1: the solve ends before it and says so, and the solution up to
// there is kept.
func ExampleStepError() {
	pole := odeint.NewFunc(1, func(dydt []float64, t float64, y []float64) {
		dydt[0] = y[0] * y[0]
	})
	sol, err := odeint.Solve(pole, 0, 2, []float64{1}, odeint.Options{})
	var stopped *odeint.StepError
	if errors.As(err, &stopped) {
		fmt.Printf("stopped at %.4f, state there %v\n", stopped.T, sol.Last()[0] > 1e6)
	}
	fmt.Println(errors.Is(err, odeint.ErrStepTooSmall))
	// Output:
	// stopped at 1.0000, state there true
	// true
}

// The vector field changes its form at t = 1; a step ends there and f is evaluated on each side.
func ExampleOptions_jumps() {
	kick := odeint.NewFunc(1, func(dydt []float64, t float64, y []float64) {
		if t < 1 {
			dydt[0] = 1
		} else {
			dydt[0] = -1
		}
	})
	sol, err := odeint.Solve(kick, 0, 2, []float64{0}, odeint.Options{Jumps: []float64{1}, SaveAt: odeint.SaveAt{Keep: odeint.Dense}})
	if err != nil {
		fmt.Println(err)
		return
	}
	y := make([]float64, 1)
	if err := sol.At(y, 1); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.12f %.12f\n", y[0], math.Abs(sol.Last()[0]))
	// Output: 1.000000000000 0.000000000000
}

// A stiff problem: Robertson's reactions, whose rates differ by nine powers of ten.
func ExampleESDIRK() {
	f := odeint.NewFunc(3, func(d []float64, _ float64, y []float64) {
		a, b, c := 0.04*y[0], 3e7*y[1]*y[1], 1e4*y[1]*y[2]
		d[0], d[1], d[2] = c-a, a-b-c, b
	})
	sol, err := odeint.Solve(f, 0, 1e5, []float64{1, 0, 0}, odeint.Options{
		Method: odeint.Kvaerno5, RTol: 1e-8, ATols: []float64{1e-8, 1e-12, 1e-8},
	})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.5f %.3e, in fewer than 200 steps: %v\n", sol.Last()[0], sol.Last()[1], sol.Stats.Accepted < 200)
	// Output: 0.01787 7.275e-08, in fewer than 200 steps: true
}
