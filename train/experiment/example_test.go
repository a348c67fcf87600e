package experiment_test

import (
	"fmt"
	"log"

	"github.com/neuralode/neuralode/train/experiment"
)

// Names on a command line become solvers and activations.
func ExampleSolver() {
	method, err := experiment.Solver("tsit5")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(method.Name, method.Order)
	// Output:
	// tsit5 5
}
