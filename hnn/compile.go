package hnn

import (
	"fmt"
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/nodes"
)

var _ graph.FieldCompiler = Field{}

// CompileField32 implements [graph.FieldCompiler]: the result is a
// [*SeparableField] if H is a [Separable] and there is nothing else in the field, and
// a [*graph.Field] otherwise.
func (f Field) CompileField32(batch int, cfg graph.FieldConfig) (graph.CompiledField[float32], error) {
	return compileField[float32](f, batch, cfg)
}

// CompileField64 is CompileField32 in float64.
func (f Field) CompileField64(batch int, cfg graph.FieldConfig) (graph.CompiledField[float64], error) {
	return compileField[float64](f, batch, cfg)
}

func compileField[T Float](f Field, batch int, cfg graph.FieldConfig) (graph.CompiledField[T], error) {
	if s, ok := f.H.(Separable); ok && f.Damping == nil && f.Conservative == nil && f.Drive == nil {
		s.Kinks = s.Kinks || f.Kinks
		field, err := NewSeparable[T](s, batch, cfg)
		if err != nil {
			return nil, err
		}
		return field, nil
	}
	if f.H == nil {
		return nil, &ConfigError{What: "Field", Faults: []string{"H is nil; it is the module of the energy"}}
	}
	if _, err := resolve("Field", f, &cfg); err != nil {
		return nil, err
	}
	field, err := graph.NewField[T](f, batch, cfg)
	if err != nil {
		return nil, err
	}
	return field, nil
}

// resolve fills in the defaults of graph.NewField and returns the width 2n of
// the module's state.
func resolve(what string, m Module, cfg *graph.FieldConfig) (width int, err error) {
	if cfg.Name == "" {
		cfg.Name = "field"
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(0, 0))
	}
	if cfg.Shape == nil {
		cfg.Shape = nodes.StateShape(m)
	}
	if len(cfg.Shape) != 1 || cfg.Shape[0] < 2 || cfg.Shape[0]%2 != 0 {
		return 0, &ConfigError{What: what, Faults: []string{fmt.Sprintf("the state's shape is %v; it must be (2n): set FieldConfig.Shape", cfg.Shape)}}
	}
	return cfg.Shape[0], nil
}
