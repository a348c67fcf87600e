package graph

import (
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Layer is a piece of a model on a graph: Fwd applies it to a node, Learnables
// are its parameters, variables that have a value.
//
// A layer whose result depends on time also has
//
//	FwdAt(t, y *gorgonia.Node) (*gorgonia.Node, error)
//
// where t is a column (batch, 1) that holds the time in every row.
type Layer = interface {
	Fwd(x *G.Node) (*G.Node, error)
	Learnables() G.Nodes
}

// Module describes a layer that can be placed on any graph, in either dtype.
// The names of its nodes start with name; its initial values are drawn from r.
//
// A module that knows the shape of its state, without the batch axis, may also
// have StateShape() []int.
type Module interface {
	Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error)
}

// FieldConfig is how a module becomes a vector field or a function. The zero
// value asks the module for the shape of the state.
type FieldConfig struct {
	// Shape is the shape of the state of one sample, without the batch axis.
	// Nil asks the module's StateShape.
	Shape []int

	// Name starts the names of the nodes and parameters. The default is "field".
	Name string

	// Rand draws the initial parameters. The default is rand.New(rand.NewPCG(0, 0)).
	Rand *rand.Rand

	// Workers is how many goroutines share the rows of a batch in an evaluation, the
	// caller included. The default is GOMAXPROCS where an evaluation is long enough to
	// gain by it, and 1 elsewhere. Results have the same bits for any number.
	//
	// The goroutines stay for the next evaluation, asleep, until Close or until the
	// field is garbage.
	Workers int

	// Input, unless nil, gives the function exogenous inputs; see [Function.SetInput].
	Input *InputConfig
}

// Field is a module as a vector field dy/dt = f(t, y; θ): a [Function] whose
// result has the shape of its state, the row-major elements of (batch, shape…).
// It satisfies odeint.TwiceDifferentiable, odeint.Fallible, odeint.Batched and odeint.Autonomous. A Field
// belongs to one goroutine at a time; Clone gives another goroutine its own.
//
// Parameters, their layout, Rebind and Err are those of Function. Eval, VJP and
// JVP allocate nothing, and f has the same bits in all.
type Field[T Float] struct{ *Function[T] }

// NewField compiles m as the vector field of batch samples. Parameters and errors
// are those of [NewFunction]; f of another shape than the state is an error too.
func NewField[T Float](m Module, batch int, cfg FieldConfig) (*Field[T], error) {
	f, err := build[T](m, batch, cfg, true)
	if err != nil {
		return nil, err
	}
	return &Field[T]{f}, nil
}

// Dim is the length of the state, batch·SampleDim.
func (f *Field[T]) Dim() int { return f.InDim() }

// SampleDim is the length of the state of one sample.
func (f *Field[T]) SampleDim() int { return f.InDim() / f.Batch() }

// Shape is the shape of the state, the batch axis first.
func (f *Field[T]) Shape() []int { return f.InShape() }

// Clone returns a field with its own copy of θ and of all buffers. The
// compiled programs are shared.
func (f *Field[T]) Clone() *Field[T] { return &Field[T]{f.Function.Clone()} }

// CloneField is Clone, for [CompiledField].
func (f *Field[T]) CloneField() CompiledField[T] { return f.Clone() }

// WithBatch returns the field of another number of samples, which shares θ with
// f. See [Function.WithBatch].
func (f *Field[T]) WithBatch(batch int) (*Field[T], error) {
	g, err := f.Function.WithBatch(batch)
	if err != nil {
		return nil, err
	}
	return &Field[T]{g}, nil
}

// FieldWithBatch is WithBatch, for [CompiledField].
func (f *Field[T]) FieldWithBatch(batch int) (CompiledField[T], error) {
	g, err := f.WithBatch(batch)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Eval stores f(t, y; θ) in dydt. Both have length Dim and do not overlap.
func (f *Field[T]) Eval(dydt []T, t float64, y []T) { f.Function.Eval(dydt, t, y) }

// VJP stores λᵀ∂f/∂y in dy and adds λᵀ∂f/∂θ to dtheta; f(t, y; θ) goes to dydt.
// A destination that is nil is not wanted and costs nothing. The slices must not
// overlap.
func (f *Field[T]) VJP(dydt, dy, dtheta []T, t float64, y, lambda []T) {
	f.Function.VJP(dydt, dy, dtheta, t, y, lambda)
}

// JVP stores ∂f/∂y v in ddydt: how dydt changes as y moves along v. The slices
// have length Dim and do not overlap.
func (f *Field[T]) JVP(ddydt []T, t float64, y, v []T) { f.Function.JVP(nil, ddydt, t, y, v, nil) }

// Tangent stores ∂f/∂y v + ∂f/∂θ w in ddydt, and f(t, y; θ) in dydt unless that is
// nil. v or w may be nil for zero, not both. See [Function.JVP].
func (f *Field[T]) Tangent(dydt, ddydt []T, t float64, y, v, w []T) {
	f.Function.JVP(dydt, ddydt, t, y, v, w)
}
