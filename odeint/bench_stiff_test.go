package odeint

import (
	"context"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

// BenchmarkRobertson solves Robertson's reaction to t = 100 at 1e-8, with differences for the Jacobian.
func BenchmarkRobertson(b *testing.B) {
	f := NewFunc(3, odetest.Robertson(0.04, 3e7, 1e4))
	for _, m := range []Method{Kvaerno5, Rodas5P} {
		b.Run(m.String(), func(b *testing.B) {
			in, err := New(f, Options{Method: m, RTol: 1e-8, ATol: 1e-8})
			if err != nil {
				b.Fatal(err)
			}
			var sol Solution[float64]
			for b.Loop() {
				if err := in.Solve(context.Background(), &sol, 0, 100, []float64{1, 0, 0}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(sol.Stats.Accepted), "steps")
		})
	}
}
