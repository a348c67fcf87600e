package graph

import (
	"errors"
	"fmt"
	"slices"
)

// InputConfig says that a function has exogenous inputs u(t), such as forces, doses
// or weather, given by an [Input]. Its layer has the method
//
//	FwdInput(t, u, du, x *gorgonia.Node) (*gorgonia.Node, error)
//
// where t is a column (batch, 1), u is (batch, Channels), and du the rates du/dt of
// the same shape, or nil without Rates. A field linear in du is a neural controlled
// differential equation.
type InputConfig struct {
	// Channels is the number of inputs of one sample.
	Channels int

	// Rates asks for du/dt.
	Rates bool

	// Knots is the number of values that the input has altogether if gradients with
	// respect to them are wanted: they are then the last parameter in θ, called
	// "name/input", and are set by SetInput. 0: they are data, not parameters.
	Knots int
}

// Input is u(t) of a batch of samples through knots, linear in the values of these;
// *control.Path of package odeint/control is one. It may be shared by goroutines.
type Input[T Float] interface {
	Dim() int    // batch·channels
	Values() []T // of the knots, as they were given
	Workspace() int

	// Eval stores u(t) and du/dt, which may be nil, for knots of other values.
	Eval(u, du []T, t float64, values []T, scratch []float64)

	// VJP adds λᵀ∂u/∂values + μᵀ∂(du/dt)/∂values to dvalues; mu may be nil.
	VJP(dvalues []T, t float64, lambda, mu []T, scratch []float64)

	// Jumps are the times at which u, or with rates du/dt, has a jump or a kink.
	Jumps(rates bool) []float64
}

// ErrNoInput: a function with inputs was evaluated before SetInput.
var ErrNoInput = errors.New("graph: the function has inputs and none were given; call SetInput")

// driver holds the input of a function and what it gives.
type driver[T Float] struct {
	input  Input[T]
	values []T // of the knots: the end of θ, or a copy
	jumps  []float64

	u, du     []T // inputs of the program
	gu, gdu   []T // their cotangents, or tangents
	scratch   []float64
	learnable bool
}

func newDriver[T Float](batch int, cfg *InputConfig) *driver[T] {
	if cfg == nil {
		return nil
	}
	n := batch * cfg.Channels
	d := &driver[T]{u: make([]T, n), gu: make([]T, n), learnable: cfg.Knots > 0}
	if cfg.Rates {
		d.du, d.gdu = make([]T, n), make([]T, n)
	}
	return d
}

// SetInput gives a function its exogenous inputs from now on. The function must have
// been compiled with [FieldConfig].Input. The values of the knots are copied, into
// θ if they are parameters there. Clones of the function have its input; functions
// of other batch sizes need one of their own.
//
// Solvers of package odeint end their steps at the input's jumps; see Jumps.
func (f *Function[T]) SetInput(in Input[T]) error {
	cfg := f.family.cfg.Input
	switch {
	case in == nil:
		panic("graph: nil input")
	case cfg == nil:
		return errors.New("graph: the function has no inputs; compile it with FieldConfig.Input")
	case in.Dim() != len(f.driver.u):
		return fmt.Errorf("graph: the input has %d numbers; the function takes %d samples of %d channels: %w", in.Dim(), f.Batch(), cfg.Channels, ErrShape)
	case cfg.Knots > 0 && len(in.Values()) != cfg.Knots:
		return fmt.Errorf("graph: the input's knots have %d values, InputConfig.Knots is %d: %w", len(in.Values()), cfg.Knots, ErrShape)
	}
	f.attach(in, in.Values())
	return nil
}

// attach makes in the input, with knots of the given values.
func (f *Function[T]) attach(in Input[T], values []T) {
	d := f.driver
	d.input, d.jumps = in, in.Jumps(f.family.cfg.Input.Rates)
	if n := in.Workspace(); len(d.scratch) < n {
		d.scratch = make([]float64, n)
	}
	if d.learnable {
		copy(d.knots(f.theta), values)
		return
	}
	d.values = slices.Clone(values)
}

// knots is the part of a vector like θ that belongs to the knots.
func (d *driver[T]) knots(theta []T) []T { return theta[len(theta)-len(d.input.Values()):] }

// Jumps are the times at which the function's input has a jump or a kink, ascending;
// none without an input. It makes a Field an odeint.Discontinuous.
func (f *Function[T]) Jumps() []float64 {
	if f.driver == nil {
		return nil
	}
	return f.driver.jumps
}

// eval computes u(t), and fails if there is no input.
func (f *Function[T]) eval(t float64) error {
	d := f.driver
	if d == nil {
		return nil
	}
	if d.input == nil {
		return ErrNoInput
	}
	values := d.values
	if d.learnable {
		values = d.knots(f.theta)
	}
	d.input.Eval(d.u, d.du, t, values, d.scratch)
	return nil
}
