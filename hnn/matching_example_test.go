package hnn_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/optimize"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
)

// A pendulum's energy is learned from derivatives at random states.
func ExampleMatching() {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 50
	var z, dz []float64
	for range n {
		q, p := 2*r.Float64()-1, 4*r.Float64()-2
		z, dz = append(z, q, p), append(dz, p, -9.8*math.Sin(q))
	}

	net := layers.MLP{In: 2, Hidden: []int{10}, Out: 1}
	field, err := graph.NewField[float64](hnn.Field{H: net}, n, graph.FieldConfig{Name: "h", Rand: r})
	if err != nil {
		fmt.Println(err)
		return
	}
	loss := hnn.NewMatching[float64](field, nil)
	theta := field.Params() // live
	_, err = optimize.Minimize(optimize.Problem{
		Func: func(x []float64) float64 {
			copy(theta, x)
			return loss.Loss(nil, nil, z, dz)
		},
		Grad: func(grad, x []float64) {
			copy(theta, x)
			loss.Loss(grad, nil, z, dz)
		},
	}, append([]float64(nil), theta...), &optimize.Settings{MajorIterations: 200}, &optimize.LBFGS{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("root mean square below 0.05:", math.Sqrt(loss.Loss(nil, nil, z, dz)) < 0.05)
	// Output:
	// root mean square below 0.05: true
}
