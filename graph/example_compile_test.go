package graph_test

import (
	"fmt"
	"log"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
)

// A derivative is compiled once and run on plain slices.
func ExampleCompile() {
	g := G.NewGraph()
	x := G.NewVector(g, tensor.Float64, G.WithShape(3), G.WithName("x"))
	y := G.Must(G.Sum(G.Must(G.Cube(x)))) // Σx³
	grads, err := graph.Grad(y, x)
	if err != nil {
		log.Fatal(err)
	}
	program, err := graph.Compile[float64](G.Nodes{x}, G.Nodes{y, grads[0]})
	if err != nil {
		log.Fatal(err)
	}

	instance := program.NewInstance() // one for each goroutine
	sum, slope := make([]float64, 1), make([]float64, 3)
	if err := instance.Run([][]float64{sum, slope}, [][]float64{{1, 2, 3}}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(sum, slope)
	// Output: [36] [3 12 27]
}

// A network becomes a vector field, with its parameters in one flat slice.
func ExampleNewField() {
	net := layers.MLP{In: 2, Hidden: []int{8}, Out: 2, Activation: layers.Tanh}
	field, err := graph.NewField[float64](net, 5, graph.FieldConfig{Rand: rand.New(rand.NewPCG(1, 2))})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("state:", field.Shape(), "parameters:", field.NumParams())
	for _, p := range field.Layout() {
		fmt.Println(p.Name, p.Shape, p.Offset)
	}

	clear(field.Params()) // they are live: this is the zero field now
	y, dydt := make([]float64, field.Dim()), make([]float64, field.Dim())
	field.Eval(dydt, 0, y)
	fmt.Println(dydt[:2])
	// Output:
	// state: [5 2] parameters: 42
	// field/W0 [2 8] 0
	// field/b0 [1 8] 16
	// field/W1 [8 2] 24
	// field/b1 [1 2] 40
	// [0 0]
}
