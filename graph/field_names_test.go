package graph_test

import (
	"testing"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
)

// A module may give its parameters the names of a field's own inputs.
func TestFieldParameterNames(t *testing.T) {
	for _, name := range []string{"t", "y", "lambda"} {
		m := layers.Custom{
			Params: []layers.Param{{Name: name, Shape: []int{1, 2}, Init: layers.Constant(3)}},
			State:  []int{2},
			Forward: func(x *G.Node, in layers.Parts) (*G.Node, error) {
				return G.HadamardProd(x, in.Params[0])
			},
		}
		f, err := graph.NewField[float64](m, 1, graph.FieldConfig{})
		if err != nil {
			t.Errorf("a parameter named %q: %v", name, err)
			continue
		}
		dy := make([]float64, 2)
		f.Eval(dy, 0, []float64{1, 2})
		if dy[0] != 3 || dy[1] != 6 {
			t.Errorf("a parameter named %q: f = %v, want [3 6]", name, dy)
		}
	}
}
