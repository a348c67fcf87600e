package graph

import "fmt"

// CompiledField is a module compiled as a vector field dy/dt = f(t, y; θ), with
// the contracts of [Field], which is one. It belongs to one goroutine at a time.
type CompiledField[T Float] interface {
	Dim() int
	SampleDim() int
	NumParams() int
	Eval(dydt []T, t float64, y []T)
	VJP(dydt, dy, dtheta []T, t float64, y, lambda []T)
	JVP(ddydt []T, t float64, y, v []T)
	Tangent(dydt, ddydt []T, t float64, y, v, w []T)
	Params() []T
	Layout() []Param
	Err() error

	// CloneField returns a field with its own copy of θ and of all buffers.
	CloneField() CompiledField[T]

	// FieldWithBatch returns the field of another number of samples, which shares
	// θ with this one.
	FieldWithBatch(batch int) (CompiledField[T], error)
}

// FieldCompiler is a Module with a compiled field of its own kind, one that offers
// more than [Field]: halves that can be evaluated apart, for instance. Layout
// lists the learnables of the placed module, in their order and by their names.
type FieldCompiler interface {
	Module
	CompileField32(batch int, cfg FieldConfig) (CompiledField[float32], error)
	CompileField64(batch int, cfg FieldConfig) (CompiledField[float64], error)
}

// CompileField compiles m as the vector field of batch samples: as it wants it
// if it is a [FieldCompiler], by [NewField] otherwise. The errors are theirs;
// panics of a FieldCompiler become errors too.
func CompileField[T Float](m Module, batch int, cfg FieldConfig) (f CompiledField[T], err error) {
	c, ok := m.(FieldCompiler)
	if !ok {
		field, err := NewField[T](m, batch, cfg)
		if err != nil {
			return nil, err
		}
		return field, nil
	}
	defer func() {
		if p := recover(); p != nil {
			f, err = nil, fmt.Errorf("graph: building the field of %T: panic: %v", m, p)
		}
	}()
	switch f := any(&f).(type) {
	case *CompiledField[float32]:
		*f, err = c.CompileField32(batch, cfg)
	case *CompiledField[float64]:
		*f, err = c.CompileField64(batch, cfg)
	}
	return f, err
}
