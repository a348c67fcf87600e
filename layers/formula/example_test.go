package formula_test

import (
	"fmt"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers/formula"
)

func ExampleParse() {
	alpha, err := formula.ParseParam("alpha=0.5[0,2]")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := formula.Parse("dx = alpha*x - beta*x*y; dy = x*y - y", nil, []formula.Param{alpha})
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := graph.NewField[float64](*s, 1, graph.FieldConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	dy := make([]float64, 2)
	f.Eval(dy, 0, []float64{2, 3})
	fmt.Println(dy)
	_, err = formula.Parse("dx = alpha*x - beta x*y", nil, nil)
	fmt.Println(err)
	// Output:
	// [-5 3]
	// formula: line 1, column 21: "x" after the expression; write * between factors
}
