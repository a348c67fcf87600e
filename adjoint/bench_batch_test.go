package adjoint

import (
	"context"
	"fmt"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint"
)

// BenchmarkBatch compares a batch of equal samples, where own steps gain nothing, with a solve
// with common steps, on one core.
func BenchmarkBatch(b *testing.B) {
	for _, w := range []workload{
		{name: "2-64-2", batch: 256, in: 2, hidden: 64, out: 2},
		{name: "8-64-8", batch: 256, in: 8, hidden: 64, out: 8},
		{name: "64-256-64", batch: 256, in: 64, hidden: 256, out: 64},
	} {
		b.Run(w.name+"/float64", func(b *testing.B) { benchmarkBatch[float64](b, w) })
		b.Run(w.name+"/float32", func(b *testing.B) { benchmarkBatch[float32](b, w) })
	}
}

func benchmarkBatch[T graph.Float](b *testing.B, w workload) {
	f, err := fieldOf[T](w)
	if err != nil {
		b.Fatal(err)
	}
	opt := odeint.Options{RTol: 1e-4, ATol: 1e-4}
	y0 := make([]T, f.Dim())
	samples := make([]odeint.Sample[T], w.batch)
	for i := range samples {
		for j := range w.in {
			y0[i*w.in+j] = T(formula(0, j, 5))
		}
		samples[i] = odeint.Sample[T]{Y0: y0[i*w.in : (i+1)*w.in], T1: 10}
	}
	b.Run("joint", func(b *testing.B) {
		in, err := odeint.New[T](f, opt)
		if err != nil {
			b.Fatal(err)
		}
		var sol odeint.Solution[T]
		for b.Loop() {
			if err := in.Solve(context.Background(), &sol, 0, 10, y0); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(sol.Stats.NFE*w.batch), "ns/row")
	})
	for _, rows := range []int{1, 64} {
		b.Run(fmt.Sprintf("rows%d", rows), func(b *testing.B) {
			batch, err := odeint.NewBatch[T](f, odeint.BatchOptions{Options: opt, Rows: rows, Workers: 1})
			if err != nil {
				b.Fatal(err)
			}
			sols := make([]odeint.Solution[T], len(samples))
			for b.Loop() {
				if err := batch.Solve(context.Background(), sols, samples); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(batch.Stats().Rows), "ns/row")
		})
	}
}
