package hnn_test

import (
	"fmt"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
)

// BenchmarkJVP compares a Jacobian–vector product with one evaluation and with the
// vector–Jacobian products: forward mode by hand would cost two evaluations.
func BenchmarkJVP(b *testing.B) {
	mlp := layers.MLP{In: 2, Hidden: []int{64, 64}, Out: 2}
	h := hnn.Field{H: layers.MLP{In: 2, Hidden: []int{64, 64}, Out: 1}}
	for _, m := range []graph.Module{mlp, h} {
		for _, batch := range []int{1, 64} {
			f, err := graph.NewField[float64](m, batch, graph.FieldConfig{Shape: []int{2}})
			if err != nil {
				b.Fatal(err)
			}
			y, v, d := normal[float64](rng(1), f.Dim(), 1), normal[float64](rng(2), f.Dim(), 1), make([]float64, f.Dim())
			w := normal[float64](rng(1), f.NumParams(), 1)
			dth := make([]float64, f.NumParams())
			n := fmt.Sprintf("%T/%d/", m, batch)
			b.Run(n+"eval", func(b *testing.B) {
				for range b.N {
					f.Eval(d, 0, y)
				}
			})
			b.Run(n+"jvp", func(b *testing.B) {
				for range b.N {
					f.JVP(d, 0, y, v)
				}
			})
			b.Run(n+"vjp-dy", func(b *testing.B) {
				for range b.N {
					f.VJP(nil, d, nil, 0, y, v)
				}
			})
			b.Run(n+"tangent", func(b *testing.B) {
				for range b.N {
					f.Tangent(nil, d, 0, y, v, w)
				}
			})
			b.Run(n+"vjp", func(b *testing.B) {
				for range b.N {
					f.VJP(nil, d, dth, 0, y, v)
				}
			})
		}
	}
}
