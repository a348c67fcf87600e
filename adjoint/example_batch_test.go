package adjoint_test

import (
	"context"
	"fmt"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// Trajectories of different length and sampling, forwards and backwards in one call each.
func ExampleBatch() {
	field, err := graph.NewField[float64](layers.MLP{In: 2, Hidden: []int{16}, Out: 2, Activation: layers.Tanh}, 1, graph.FieldConfig{})
	if err != nil {
		panic(err)
	}
	batch, err := adjoint.NewBatch[float64](field, odeint.BatchOptions{}, nil)
	if err != nil {
		panic(err)
	}
	samples := []odeint.Sample[float64]{
		{Y0: []float64{1, 0}, Times: []float64{0, 0.3, 1}},
		{Y0: []float64{0, 1}, Times: []float64{2, 0}},
	}
	sols, err := batch.Forward(context.Background(), samples)
	if err != nil {
		panic(err)
	}
	dys := make([][]float64, len(sols)) // of the loss ½Σ y²
	for i := range sols {
		dys[i] = sols[i].Y
	}
	var g adjoint.BatchGradient[float64]
	if err := batch.Backward(context.Background(), &g, dys); err != nil {
		panic(err)
	}
	fmt.Println(sols[0].Len(), sols[1].Len(), len(g.Y0), len(g.Theta) == field.NumParams())
	// Output: 3 2 4 true
}
