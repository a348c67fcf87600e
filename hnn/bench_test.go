package hnn_test

import (
	"fmt"
	"math"
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

// BenchmarkLagrangian is the accelerations of a 4-64-64-1 network of softplus, and their
// products with the state as cotangent: beside examples/benchmark/peers/jax_lagrangian_peer.py,
// with its numbers. The metrics are those for comparison.
func BenchmarkLagrangian(b *testing.B) {
	b.Run("float64", benchmarkLagrangian[float64])
	b.Run("float32", benchmarkLagrangian[float32])
}

func benchmarkLagrangian[T hnn.Float](b *testing.B) {
	formula := func(dst []T, cols int, s, scale float64) {
		for k := range dst {
			dst[k] = T(scale * math.Sin(1+12.9898*float64(k/cols)+78.233*float64(k%cols)+s))
		}
	}
	norm := func(x []T) float64 {
		sum := 0.0
		for _, v := range x {
			sum += float64(v) * float64(v)
		}
		return math.Sqrt(sum)
	}
	m := hnn.Lagrangian{L: layers.MLP{In: 4, Hidden: []int{64, 64}, Out: 1, Activation: layers.Softplus}}
	for _, batch := range []int{1, 256} {
		f, err := graph.NewField[T](m, batch, graph.FieldConfig{Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		for i, p := range f.Layout() {
			scale := 0.1
			if i%2 == 0 {
				scale = 1.5 / math.Sqrt(float64(p.Shape[0]))
			}
			formula(f.Params()[p.Offset:p.Offset+p.Shape[0]*p.Shape[1]], p.Shape[1], float64(i), scale)
		}
		z, dydt, dz, dtheta := make([]T, f.Dim()), make([]T, f.Dim()), make([]T, f.Dim()), make([]T, f.NumParams())
		formula(z, 4, 9, 1)
		b.Run(fmt.Sprintf("%d/value", batch), func(b *testing.B) {
			for range b.N {
				f.Eval(dydt, 0, z)
			}
			sum := 0.0
			for _, v := range dydt {
				sum += float64(v)
			}
			b.ReportMetric(sum, "loss")
		})
		b.Run(fmt.Sprintf("%d/vjp", batch), func(b *testing.B) {
			for range b.N {
				f.VJP(dydt, dz, dtheta, 0, z, z)
			}
			clear(dtheta)
			f.VJP(nil, dz, dtheta, 0, z, z)
			b.ReportMetric(norm(dtheta), "dtheta")
			b.ReportMetric(norm(dz), "dy0")
		})
		if err := f.Err(); err != nil {
			b.Fatal(err)
		}
	}
}
