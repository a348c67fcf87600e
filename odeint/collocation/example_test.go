package collocation_test

import (
	"fmt"
	"math"

	"github.com/neuralode/neuralode/odeint/collocation"
)

// States and derivatives of a circular motion from samples with an error of
// 1 %, at a time between two samples.
func Example() {
	const n = 200
	var times, values []float64
	for i := range n {
		t := 2 * math.Pi * float64(i) / (n - 1)
		errorOf := 0.01 * math.Sin(1e4*float64(i))
		times = append(times, t)
		values = append(values, math.Cos(t)+errorOf, math.Sin(t)-errorOf)
	}
	values[2*50] = math.NaN() // a missing value

	curve, err := collocation.Local(times, values, collocation.LocalOptions{Kernel: collocation.Tricube})
	if err != nil {
		fmt.Println(err)
		return
	}
	u, du := make([]float64, 2), make([]float64, 2)
	if err := curve.At(u, du, 1); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("u  = %.2f, exactly (%.2f, %.2f)\n", u, math.Cos(1), math.Sin(1))
	fmt.Printf("du = %.1f, exactly (%.1f, %.1f)\n", du, -math.Sin(1), math.Cos(1))
	// Output:
	// u  = [0.54 0.84], exactly (0.54, 0.84)
	// du = [-0.8 0.5], exactly (-0.8, 0.5)
}
