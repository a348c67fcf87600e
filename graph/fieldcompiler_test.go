package graph_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

var (
	_ odeint.Differentiable[float64] = graph.CompiledField[float64](nil)
	_ odeint.Fallible                = graph.CompiledField[float64](nil)
	_ graph.CompiledField[float32]   = (*graph.Field[float32])(nil)
)

// ownCompiler compiles fields of its own, which offer halfway besides.
type ownCompiler struct {
	layers.MLP
	fault string
}

var errOwn = errors.New("no field today")

type ownField[T graph.Float] struct{ graph.CompiledField[T] }

func (f ownField[T]) halfway() {}

func (f ownField[T]) CloneField() graph.CompiledField[T] {
	return ownField[T]{f.CompiledField.CloneField()}
}

func compileOwn[T graph.Float](m ownCompiler, batch int, cfg graph.FieldConfig) (graph.CompiledField[T], error) {
	switch m.fault {
	case "error":
		return nil, errOwn
	case "panic":
		panic("ouch")
	}
	f, err := graph.NewField[T](m.MLP, batch, cfg)
	return ownField[T]{f}, err
}

func (m ownCompiler) CompileField32(batch int, cfg graph.FieldConfig) (graph.CompiledField[float32], error) {
	return compileOwn[float32](m, batch, cfg)
}

func (m ownCompiler) CompileField64(batch int, cfg graph.FieldConfig) (graph.CompiledField[float64], error) {
	return compileOwn[float64](m, batch, cfg)
}

func TestCompileField(t *testing.T) {
	t.Run("float64", testCompileField[float64])
	t.Run("float32", testCompileField[float32])
}

func testCompileField[T graph.Float](t *testing.T) {
	net := layers.MLP{In: 2, Hidden: []int{3}, Out: 2}
	plain, err := graph.CompileField[T](net, 2, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := plain.(*graph.Field[T]); !ok {
		t.Errorf("a plain module is compiled to %T", plain)
	}
	own, err := graph.CompileField[T](ownCompiler{MLP: net}, 2, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	clone := own.CloneField()
	for _, f := range []graph.CompiledField[T]{own, clone} {
		if _, ok := f.(interface{ halfway() }); !ok {
			t.Errorf("%T is not the module's own field", f)
		}
		if f.Dim() != 4 || f.NumParams() != plain.NumParams() || len(f.Layout()) != 4 || f.Params()[0] != plain.Params()[0] {
			t.Errorf("%T: Dim %d, NumParams %d, Layout %v", f, f.Dim(), f.NumParams(), f.Layout())
		}
	}
	copied := plain.CloneField()
	y, before, after := []T{1, 2, 3, 4}, make([]T, 4), make([]T, 4)
	plain.Eval(before, 0, y)
	clear(plain.Params())
	copied.Eval(after, 0, y)
	for i := range before {
		if after[i] != before[i] {
			t.Errorf("component %d of a clone is %v, want %v", i, after[i], before[i])
		}
	}

	if f, err := graph.CompileField[T](layers.MLP{In: -1}, 2, graph.FieldConfig{}); err == nil || f != nil {
		t.Errorf("a module without sense: %v, %v", f, err)
	}
	if f, err := graph.CompileField[T](ownCompiler{net, "error"}, 2, graph.FieldConfig{}); !errors.Is(err, errOwn) || f != nil {
		t.Errorf("a module that fails: %v, %v", f, err)
	}
	if f, err := graph.CompileField[T](ownCompiler{net, "panic"}, 2, graph.FieldConfig{}); err == nil || f != nil || !strings.HasPrefix(err.Error(), "graph: ") || !strings.Contains(err.Error(), "ouch") {
		t.Errorf("a module that panics: %v, %v", f, err)
	}
}
