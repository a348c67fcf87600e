package hnn_test

import (
	"sync"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
)

// TestConcurrent compiles in several goroutines and evaluates clones in several,
// for the race detector; results are the same bits.
func TestConcurrent(t *testing.T) {
	h := hnn.Separable{V: hnn.Sum{layers.MLP{In: 2, Hidden: []int{5}, Out: 1}, quartic(true)}}
	cfg := func() graph.FieldConfig { return graph.FieldConfig{Name: "f", Rand: rng(1)} }
	z, lambda := normal[float64](rng(2), 8, 1), normal[float64](rng(3), 8, 1)

	e, err := hnn.NewEnergy[float64](h, 2, cfg())
	if err != nil {
		t.Fatal(err)
	}
	s, err := hnn.NewSeparable[float64](h, 2, cfg())
	if err != nil {
		t.Fatal(err)
	}
	f, err := graph.NewField[float64](hnn.Field{H: h}, 2, cfg())
	if err != nil {
		t.Fatal(err)
	}
	if f.SampleDim() != 4 || s.SampleDim() != 4 || f.Dim() != 8 || s.Dim() != 8 || e.Dim() != 8 {
		t.Fatalf("samples of %d and %d, dimensions %d, %d and %d", f.SampleDim(), s.SampleDim(), f.Dim(), s.Dim(), e.Dim())
	}
	run := func(e *hnn.Energy[float64], s *hnn.SeparableField[float64], f *graph.Field[float64], at float64) []float64 {
		all := make([]float64, 2)
		e.Eval(all, at, z)
		a, b := make([]float64, 8), make([]float64, 8)
		theta := make([]float64, s.NumParams())
		s.VJP(a, b, theta, at, z, lambda)
		all = append(append(append(all, a...), b...), theta...)
		f.VJP(a, b, theta, at, z, lambda)
		return append(append(append(all, a...), b...), theta...)
	}
	const goroutines = 4
	var want, got, built [goroutines][]float64
	for i := range want {
		want[i] = run(e, s, f, float64(i))
	}
	var all sync.WaitGroup
	for i := range goroutines {
		e, s, f := e.Clone(), s.Clone(), f.Clone()
		all.Add(1)
		go func() {
			defer all.Done()
			for range 20 {
				got[i] = run(e, s, f, float64(i))
			}
			e, err1 := hnn.NewEnergy[float64](h, 2, cfg())
			s, err2 := hnn.NewSeparable[float64](h, 2, cfg())
			f, err3 := graph.NewField[float64](hnn.Field{H: h}, 2, cfg())
			if err1 != nil || err2 != nil || err3 != nil {
				t.Error(err1, err2, err3)
				return
			}
			built[i] = run(e, s, f, float64(i))
		}()
	}
	all.Wait()
	for i := range goroutines {
		gradtest.Close(t, "clone", got[i], want[i], 0)
		gradtest.Close(t, "compiled in a goroutine", built[i], want[i], 0)
	}
}
