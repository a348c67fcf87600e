package hnn_test

import (
	"fmt"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// TestCompileField: only a separable energy by itself is compiled in halves, and
// clones are of the same kind. All fields have the learnables of the module and
// equal slopes.
func TestCompileField(t *testing.T) {
	force := layers.Linear{In: 4, Out: 2}
	t.Run("float64", func(t *testing.T) { compileFields[float64](t, force, 1e-14) })
	t.Run("float32", func(t *testing.T) { compileFields[float32](t, force, 1e-5) })
}

func compileFields[T hnn.Float](t *testing.T, force hnn.Module, tol float64) {
	for _, c := range []struct {
		f      hnn.Field
		halves bool
	}{
		{hnn.Field{H: separable()}, true},
		{hnn.Field{H: net(2, 1, layers.Tanh)}, false},
		{hnn.Field{H: separable(), Damping: &hnn.Damping{}}, false},
		{hnn.Field{H: separable(), Drive: force}, false},
		{hnn.Field{H: separable(), Conservative: net(2, 1, layers.Tanh)}, false},
	} {
		cfg := func() graph.FieldConfig { return graph.FieldConfig{Name: "f", Rand: rng(6)} }
		field, err := graph.CompileField[T](c.f, 3, cfg())
		if err != nil {
			t.Fatal(err)
		}
		whole, err := graph.NewField[T](c.f, 3, cfg())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(field.Layout()), fmt.Sprint(whole.Layout()); got != want {
			t.Errorf("learnables %s, want %s", got, want)
		}
		y, want := normal[T](rng(2), whole.Dim(), 1), make([]T, whole.Dim())
		whole.Eval(want, 0, y)
		for _, f := range []graph.CompiledField[T]{field, field.CloneField()} {
			_, halves := f.(*hnn.SeparableField[T])
			batched, known := f.(odeint.Batched)
			if halves != c.halves || !known || batched.SampleDim() != 4 {
				t.Errorf("%+v is compiled to %T", c.f, f)
			}
			got := gradtest.NaNs[T](f.Dim())
			f.Eval(got, 0, y)
			gradtest.Close(t, "Eval", got, want, tol)
			// The differences' step balances rounding (ε/h) and h⁴ of functions of order 1.
			h, slope := 1e-3, 1e-8
			if tol > 1e-10 {
				h, slope = 3e-2, 1e-3
			}
			gradtest.JVP(t, f, f.Params(), 0, y, rng(8), h, slope, 10*tol)
			one, err := f.FieldWithBatch(1)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < f.Dim(); i += 4 {
				one.Eval(got[i:i+4], 0, y[i:i+4])
			}
			gradtest.Close(t, "Eval row by row", got, want, tol)
		}
	}
	for _, f := range []hnn.Field{{}, {H: hnn.Separable{}}} {
		if c, err := graph.CompileField[T](f, 1, graph.FieldConfig{Shape: []int{2}}); err == nil || c != nil {
			t.Errorf("%+v: %v, %v", f, c, err)
		}
	}
}
