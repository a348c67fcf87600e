package odeint_test

import (
	"context"
	"fmt"

	"github.com/neuralode/neuralode/odeint"
)

// Each sample has its own interval, direction and rate; one of them makes no sense, which
// stops nobody else.
func ExampleBatch() {
	rates := []float64{1, 10, 100, 1}
	decay := odeint.NewSampleFunc(1, func(dydt []float64, sample int, _ float64, y []float64) {
		dydt[0] = -rates[sample] * y[0]
	})
	batch, err := odeint.NewBatch(decay, odeint.BatchOptions{Options: odeint.Options{RTol: 1e-8}})
	if err != nil {
		panic(err)
	}
	one := []float64{1}
	samples := []odeint.Sample[float64]{
		{Y0: one, Times: []float64{0, 0.5, 1}},
		{Y0: one, Times: []float64{0, 0.1}},
		{Y0: one, Times: []float64{0.02, 0.01, 0}},
		{Y0: one, Times: []float64{0, 1, 1}},
	}
	sols := make([]odeint.Solution[float64], len(samples))
	fmt.Println(batch.Solve(context.Background(), sols, samples))
	for i := range sols {
		if n := sols[i].Len(); n > 0 {
			fmt.Printf("sample %d: %d times, %d steps, y = %.6f\n", i, n, sols[i].Stats.Accepted, sols[i].Last()[0])
		}
	}
	// Output:
	// odeint: 1 of 4 samples were not solved; sample 3: odeint: invalid options: times: 1 at 2 does not follow 1 in the direction of integration
	// sample 0: 3 times, 12 steps, y = 0.367879
	// sample 1: 2 times, 11 steps, y = 0.367879
	// sample 2: 3 times, 20 steps, y = 7.389056
}
