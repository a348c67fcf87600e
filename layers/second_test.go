package layers_test

import (
	"fmt"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
)

// Every activation may be differentiated twice: the second derivative by graph.Grad of a
// gradient is the closed form's, at the kinks too.
func TestActivationSecondDerivatives(t *testing.T) {
	points := []float64{-9, -3, -1.2, -0.5, -1e-3, 0, 1e-3, 0.25, 0.8, 2, 4.5, 9}
	for _, a := range layers.Activations() {
		if a == layers.Identity {
			continue // it adds no node that could be differentiated
		}
		for _, dt := range dtypes {
			t.Run(fmt.Sprint(a, "/", dt), func(t *testing.T) {
				g := G.NewGraph()
				x := input(g, "x", dt, points, len(points), 1)
				y := must(t)(a.Apply(x))
				first, err := graph.Grad(must(t)(G.Sum(y)), x)
				if err != nil {
					t.Fatal(err)
				}
				second, err := graph.Grad(must(t)(G.Sum(first[0])), x)
				if err != nil {
					t.Fatal(err)
				}
				got := run(t, g, first[0], second[0])
				eps := rounding(dt)
				for i, v := range points {
					if dt == tensor.Float32 {
						v = float64(float32(v))
					}
					for order := 1; order <= 2; order++ {
						if want := closed[a][order](v); !near(got[order-1][i], want, 32*eps, 16*eps) {
							t.Errorf("derivative %d at %v is %v, want %v", order, v, got[order-1][i], want)
						}
					}
				}
			})
		}
	}
}
