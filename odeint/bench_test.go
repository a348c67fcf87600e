package odeint

import (
	"context"
	"fmt"
	"testing"

	"github.com/neuralode/neuralode/internal/odetest"
)

// nothing is a field whose evaluation costs next to nothing.
type nothing[T Float] int

func (n nothing[T]) Dim() int                        { return int(n) }
func (n nothing[T]) Eval(dydt []T, t float64, y []T) { dydt[0] = y[0] }

// The cost of a step without that of f.
func BenchmarkStep(b *testing.B) {
	for _, m := range []*Tableau{RK4, Tsit5, Dop853} {
		for _, n := range []int{2, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", m, n), func(b *testing.B) { benchmarkStep(b, m, n, Options{Method: m}) })
		}
	}
	b.Run("tsit5/2/stages", func(b *testing.B) {
		benchmarkStep(b, Tsit5, 2, Options{SaveAt: SaveAt{Keep: Stages}})
	})
}

func benchmarkStep(b *testing.B, m *Tableau, n int, o Options) {
	const steps = 1000
	o.H0 = 1.0 / steps
	if m.E != nil {
		o.Controller, o.HMax = steady{}, o.H0
	}
	in, err := New(VectorField[float64](nothing[float64](n)), o)
	if err != nil {
		b.Fatal(err)
	}
	sol, y0 := new(Solution[float64]), make([]float64, n)
	for b.Loop() {
		if err := in.Solve(context.Background(), sol, 0, 1, y0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/steps, "ns/step")
}

// steady controls like I but always answers with the same step.
type steady struct{}

func (steady) Next(a Attempt) (factor float64, accept bool) {
	_, _ = IController{}.Next(a)
	return 1, true
}

// BenchmarkStiff solves the stiff problems of the IVP test set at RTol 1e-6.
func BenchmarkStiff(b *testing.B) {
	for _, p := range odetest.StiffProblems() {
		for _, m := range []Method{Kvaerno5, KenCarp4, Rodas5P} {
			b.Run(p.Name+"/"+m.String(), func(b *testing.B) {
				in, err := New[float64](autonomous{p}, Options{Method: m, RTol: 1e-6, ATols: p.ATol})
				if err != nil {
					b.Fatal(err)
				}
				var sol Solution[float64]
				for b.Loop() {
					if err := in.Solve(context.Background(), &sol, 0, p.T, p.Y0); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(sol.Stats.Accepted), "steps")
				b.ReportMetric(float64(sol.Stats.NFE), "f")
				b.ReportMetric(p.Digits(sol.Last(), 1e-6), "digits")
			})
		}
	}
}
