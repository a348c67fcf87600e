package train_test

import (
	"context"
	"fmt"

	"github.com/neuralode/neuralode/examples/internal/train"
)

// Adam finds the valley, L-BFGS its lowest point.
func Example() {
	ctx := context.Background()
	loss := func(_ context.Context, grad, x []float64) (float64, error) {
		a, b := x[0]-3, x[1]+1
		if grad != nil {
			grad[0], grad[1] = 2*a, 20*b
		}
		return a*a + 10*b*b, nil
	}

	x := []float64{0, 0}
	adam := train.Adam{
		Steps:     50,
		Rate:      train.Cosine(0.1, 0, 50),
		Objective: func(int) train.Objective { return loss },
	}
	if err := adam.Run(ctx, x); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := (train.LBFGS{Iterations: 20, Objective: loss}).Run(ctx, x); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.6f\n", x)
	// Output: [3.000000 -1.000000]
}
