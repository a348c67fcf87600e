package hnn

import "github.com/neuralode/neuralode/graph"

// PairedField is a compiled [Field] that knows how its state is paired: it is an
// odeint.Paired besides what graph.Field is, as Tao's method asks of a field
// with several rows.
type PairedField[T Float] struct {
	*graph.Field[T]
	n int
}

// NewField compiles a field for batch rows at a time, with the configuration of
// graph.NewField.
func NewField[T Float](f Field, batch int, cfg graph.FieldConfig) (*PairedField[T], error) {
	if f.H == nil {
		return nil, &ConfigError{What: "NewField", Faults: []string{"H is nil; it is the module of the energy"}}
	}
	w, err := resolve("NewField", f, &cfg)
	if err != nil {
		return nil, err
	}
	compiled, err := graph.NewField[T](f, batch, cfg)
	if err != nil {
		return nil, err
	}
	return &PairedField[T]{compiled, w / 2}, nil
}

// Pairs is n, the number of positions of a row.
func (f *PairedField[T]) Pairs() int { return f.n }

// Clone returns a field with buffers and parameters of its own.
func (f *PairedField[T]) Clone() *PairedField[T] { return &PairedField[T]{f.Field.Clone(), f.n} }

// CloneField is Clone, for [graph.CompiledField].
func (f *PairedField[T]) CloneField() graph.CompiledField[T] { return f.Clone() }
