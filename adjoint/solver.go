package adjoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/neuralode/neuralode/odeint"
)

// Solver solves dy/dt = f(t, y; θ) forwards and pulls gradients back through the
// solve. It owns the workspace of both passes: from the second pass on, at equal
// numbers of times and steps, nothing is allocated.
//
// θ lives in the field. It must not change between Forward and Backward.
type Solver[T odeint.Float] struct {
	f       odeint.Differentiable[T]
	forward *odeint.Integrator[T]
	sol     odeint.Solution[T]
	back    backward[T]
	p       pass[T]
	ready   bool // the last Forward succeeded
}

// Gradient receives what Backward computes. A slice that is nil or too short is
// allocated; others are resliced and overwritten.
type Gradient[T odeint.Float] struct {
	Y0    []T // ∂L/∂y0, length Dim
	Theta []T // ∂L/∂θ, length NumParams
	Times []T // ∂L/∂t_i, one for each saved time
}

// Stats are the statistics of one pass.
//
// In a backward pass VJPs counts vector-Jacobian products, each of which meets f on
// its way, and NFE the evaluations of f alone: stages evaluated again, and one for
// every time with a cotangent.
type Stats struct {
	odeint.Stats

	// Bytes is the memory the pass keeps: forwards the stored solution, backwards
	// the workspace beyond the Gradient.
	Bytes int
}

// backward is the second pass of one Method.
type backward[T odeint.Float] interface {
	// prepare sets the options that the forward solve needs, before it is built.
	// run computes the gradient of p.
	run(ctx context.Context, p *pass[T]) error

	// bytes is the size of the workspace.
	bytes() int
}

// ErrNoForward is returned by Backward if there is no solution to go back through.
var ErrNoForward = errors.New("adjoint: Backward without a successful Forward before it; call Forward, and check its error")

// CotangentError reports a cotangent that is NaN or infinite.
type CotangentError struct {
	Row, Component int     // of dys
	Value          float64 // the offender
}

// Error says where the offender is.
func (e *CotangentError) Error() string {
	return fmt.Sprintf("adjoint: cotangent of saved time %d, component %d is %v; check the loss and its gradient there", e.Row, e.Component, e.Value)
}

// New returns a Solver for the field f. The options are those of the forward
// solve; SaveAt must be zero, for the Solver sets it. A nil method means Discrete{}.
func New[T odeint.Float](f odeint.Differentiable[T], opt odeint.Options, m Method) (*Solver[T], error) {
	return nil, nil
}

// Forward solves from y0 at times[0] and saves the state at all times, which are
// strictly monotone in either direction. y0 has length Dim.
//
// The solution belongs to the Solver and is valid until the next Forward: T holds
// the times and Y the states, (len(times), Dim). Its errors are those of odeint's solves.
// A single time is allowed.
func (s *Solver[T]) Forward(ctx context.Context, times []float64, y0 []T) (*odeint.Solution[T], error) {
	return nil, nil
}

// Backward stores in g the gradient of a loss L, given dys, of the same shape as the
// solution's Y: dys[i·Dim+j] = ∂L/∂y_j(times[i]). It may be called several times after one Forward.
// Rows of zeros cost nothing.
//
// It returns ErrNoForward, a *CotangentError, or an *odeint.StepError if the pass did
// not reach the start: the cotangents grew beyond all numbers, a backward solve
// gave up, or ctx was cancelled. g's contents are then undefined.
func (s *Solver[T]) Backward(ctx context.Context, g *Gradient[T], dys []T) error {
	return nil
}

// Stats returns the statistics of the last forward and the last backward pass.
func (s *Solver[T]) Stats() (forward, backward Stats) { return }
