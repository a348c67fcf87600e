package adjoint

import (
	"fmt"
	"testing"

	"github.com/neuralode/neuralode/odeint"
)

// BenchmarkTimes is a backward pass with the gradients of 50 saved times, and without.
func BenchmarkTimes(b *testing.B) {
	for _, want := range []bool{false, true} {
		b.Run(fmt.Sprintf("WantTimes=%t", want), func(b *testing.B) {
			f := randomMLP[float64](16, []int{2, 32, 2}, "tanh")
			s, err := New[float64](f, odeint.Options{RTol: 1e-4, ATol: 1e-4}, nil)
			if err != nil {
				b.Fatal(err)
			}
			times := make([]float64, 50)
			for i := range times {
				times[i] = float64(i) / 10
			}
			sol, err := s.Forward(ctx, times, make([]float64, f.Dim()))
			if err != nil {
				b.Fatal(err)
			}
			dys := make([]float64, len(sol.Y))
			for i := range dys {
				dys[i] = 1
			}
			g := Gradient[float64]{WantTimes: want}
			for b.Loop() {
				if err := s.Backward(ctx, &g, dys); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
