package train_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train"
)

// A network learns a damped oscillation from one trajectory and is solved again.
func Example() {
	tr := train.Trajectory[float64]{}
	for i := range 31 {
		t := float64(i) / 5
		tr.Times = append(tr.Times, t)
		tr.States = append(tr.States, math.Exp(-0.3*t)*math.Cos(t), -math.Exp(-0.3*t)*math.Sin(t))
	}
	data := train.Dataset[float64]{tr}

	net := layers.MLP{In: 2, Hidden: []int{16}, Out: 2, Activation: layers.Tanh}
	model, err := train.New[float64](net, train.Config{Scaler: train.Standardise(data), Rand: rand.New(rand.NewPCG(1, 2))})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	report, err := train.Fit(ctx, model, data, train.Options[float64]{Steps: 200, Optimizer: train.LBFGS{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	y, err := model.Predict(ctx, []float64{0, 5}, []float64{1, 0})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Loss < 1e-4)
	fmt.Println(math.Abs(y[2]-math.Exp(-0.3*5)*math.Cos(5)) < 0.02, math.Abs(y[3]+math.Exp(-0.3*5)*math.Sin(5)) < 0.02)
	// Output:
	// true
	// true true
}

// Minimize is for your own losses: here Rosenbrock's function.
func ExampleMinimize() {
	f := func(_ context.Context, grad, x []float64) (float64, error) {
		a, b := 1-x[0], x[1]-x[0]*x[0]
		if grad != nil {
			grad[0], grad[1] = -2*a-400*x[0]*b, 200*b
		}
		return a*a + 100*b*b, nil
	}
	x := []float64{-1.2, 1}
	_, err := train.Minimize(context.Background(), f, x, train.MinimizeOptions{Steps: 100, Optimizer: train.LBFGS{}})
	fmt.Printf("%.6f %.6f %v\n", x[0], x[1], err)
	// Output: 1.000000 1.000000 <nil>
}
