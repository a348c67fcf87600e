package graph_test

import (
	"fmt"
	"log"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
)

// The second derivative of x³ is the gradient of its gradient.
func ExampleGrad() {
	g := G.NewGraph()
	x := G.NewScalar(g, tensor.Float64, G.WithName("x"))
	y := G.Must(G.Cube(x))
	first, err := graph.Grad(y, x)
	if err != nil {
		log.Fatal(err)
	}
	second, err := graph.Grad(first[0], x)
	if err != nil {
		log.Fatal(err)
	}
	var v1, v2 G.Value
	G.Read(first[0], &v1)
	G.Read(second[0], &v2)

	vm := G.NewTapeMachine(g)
	defer vm.Close()
	if err := G.Let(x, 2.0); err != nil {
		log.Fatal(err)
	}
	if err := vm.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(v1, v2)
	// Output: 12 12
}

// The vector–Jacobian product of y = W x with the cotangent c: cᵀ ∂y/∂x = Wᵀ c.
func ExampleVJP() {
	g := G.NewGraph()
	w := G.NewMatrix(g, tensor.Float64, G.WithShape(2, 3), G.WithName("W"),
		G.WithValue(tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{1, 2, 3, 4, 5, 6}))))
	x := G.NewVector(g, tensor.Float64, G.WithShape(3), G.WithName("x"),
		G.WithValue(tensor.New(tensor.WithBacking([]float64{1, 1, 1}))))
	c := G.NewVector(g, tensor.Float64, G.WithShape(2), G.WithName("c"),
		G.WithValue(tensor.New(tensor.WithBacking([]float64{1, 10}))))
	y := G.Must(G.Mul(w, x))
	d, err := graph.VJP(G.Nodes{y}, G.Nodes{c}, G.Nodes{x})
	if err != nil {
		log.Fatal(err)
	}
	var v G.Value
	G.Read(d[0], &v)

	vm := G.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(v)
	// Output: [41  52  63]
}

// An op without a derivative is named by the error.
func ExampleDerivativeError() {
	g := G.NewGraph()
	x := G.NewVector(g, tensor.Float64, G.WithShape(2), G.WithName("x"))
	m := G.Must(G.DiagFlat(x))
	c := G.NewMatrix(g, tensor.Float64, G.WithShape(2, 2), G.WithName("c"))
	_, err := graph.VJP(G.Nodes{m}, G.Nodes{c}, G.Nodes{x})
	fmt.Println(err)
	// Output: graph: cannot differentiate op DiagFlat of node "DiagFlat(%0)": it is not a gorgonia.SDOp; use ops that are, or give it DiffWRT and SymDiff
}

// The momenta of a state (q, p), one row for each of two bodies.
func ExamplePart() {
	g := G.NewGraph()
	z := G.NewMatrix(g, tensor.Float64, G.WithShape(2, 4), G.WithName("z"),
		G.WithValue(tensor.New(tensor.WithShape(2, 4), tensor.WithBacking([]float64{1, 2, 3, 4, 5, 6, 7, 8}))))
	p, err := graph.Part(z, 1, 2, 4)
	if err != nil {
		log.Fatal(err)
	}
	var v G.Value
	G.Read(p, &v)

	vm := G.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Shape(), v.Data())
	// Output: (2, 2) [3 4 7 8]
}
