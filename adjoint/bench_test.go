package adjoint

import (
	"fmt"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// BenchmarkGradient is one forward and one backward pass of a Neural ODE of 2-64-2
// with 30 saved times, by every method; vjps/op is what the backward pass cannot do
// without.
func BenchmarkGradient(b *testing.B) {
	net := layers.MLP{In: 2, Hidden: []int{64}, Out: 2, Activation: layers.Tanh}
	for _, batch := range []int{1, 64} {
		f, err := graph.NewField[float64](net, batch, graph.FieldConfig{})
		if err != nil {
			b.Fatal(err)
		}
		y0 := make([]float64, f.Dim())
		for i := range y0 {
			y0[i] = float64(i%7) - 3
		}
		for _, m := range methods {
			b.Run(fmt.Sprintf("batch=%d/%#v", batch, m), func(b *testing.B) {
				benchmarkGradient(b, f, m, y0)
			})
		}
	}
}

func benchmarkGradient(b *testing.B, f odeint.Differentiable[float64], m Method, y0 []float64) {
	s, err := New(f, odeint.Options{RTol: 1e-6, ATol: 1e-6}, m)
	if err != nil {
		b.Fatal(err)
	}
	times := grid(0, 1.5, 29)
	dys := make([]float64, len(times)*len(y0))
	for i := range dys {
		dys[i] = 1
	}
	g := Gradient[float64]{WantTimes: true}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Forward(ctx, times, y0); err != nil {
			b.Fatal(err)
		}
		if err := s.Backward(ctx, &g, dys); err != nil {
			b.Fatal(err)
		}
	}
	forward, backward := s.Stats()
	b.ReportMetric(float64(forward.NFE+backward.NFE), "evals/op")
	b.ReportMetric(float64(backward.VJPs), "vjps/op")
}
