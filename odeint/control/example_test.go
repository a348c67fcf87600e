package control_test

import (
	"fmt"
	"log"

	"github.com/neuralode/neuralode/odeint/control"
)

// A dose rate that is set at three times and holds until the next.
func Example() {
	dose, err := control.New(control.Previous, 1, [][]float64{{0, 1, 3}}, []float64{2, 0.5, 0})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range []float64{0.5, 2, 4} {
		u, _ := dose.At(t)
		fmt.Printf("u(%g) = %g\n", t, u[0])
	}
	fmt.Println("solvers step onto", dose.Jumps(false))
	// Output:
	// u(0.5) = 2
	// u(2) = 0.5
	// u(4) = 0
	// solvers step onto [1 3]
}
