package adjoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/neuralode/neuralode/odeint"
)

// Solver solves dy/dt = f(t, y; θ) forwards and pulls gradients back through the
// solve. It owns the workspace of both passes: from the second pass on, as long as the
// numbers of times and steps do not grow, nothing is allocated.
//
// θ lives in the field. It must not change between Forward and Backward.
type Solver[T odeint.Float] struct {
	f       odeint.Differentiable[T]
	dim     int
	forward *odeint.Integrator[T]
	sol     odeint.Solution[T]
	back    backward[T]
	p       pass[T]
	ready   bool // the last Forward succeeded

	checkpoints *checkpoints[T] // nil: none
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

	// Reconstruction is the largest distance between a saved state and its
	// reconstruction, over the saved state, both in the maximum norm: the error of
	// the states that a backward pass with Inverse worked with, since
	// each saved state replaces its reconstruction. 0 for other passes.
	Reconstruction float64
}

// String lists what was counted, as odeint.Stats does, with the memory.
func (s Stats) String() string {
	text := fmt.Sprintf("%v, %d bytes", s.Stats, s.Bytes)
	if s.Reconstruction > 0 {
		text += fmt.Sprintf(", states found again to %.2g", s.Reconstruction)
	}
	return text
}

// backward is the second pass of one Method.
type backward[T odeint.Float] interface {
	// run adds ∂L/∂θ to p.grad.Theta, counts in p.stats, and leaves λ(t_0⁺), without
	// the cotangent at t_0 itself, in p.lambda.
	run(ctx context.Context, p *pass[T]) error

	// bytes is the size of the workspace.
	bytes() int
}

// ErrNoForward is returned by Backward if there is no solution to go back through.
var ErrNoForward = errors.New("adjoint: Backward without a successful Forward before it; call Forward, and check its error")

// New returns a Solver for the field f. The options are those of the forward solve;
// SaveAt must be zero, for the Solver decides what it keeps. A nil method means
// Discrete{}. The error is an *odeint.OptionError with every fault of the forward and
// of the backward options, and of the method with which Discrete cannot reverse them.
func New[T odeint.Float](f odeint.Differentiable[T], opt odeint.Options, m Method) (*Solver[T], error) {
	if f == nil {
		panic("adjoint: New of a nil field")
	}
	var bad []string
	if !savesNothing(&opt) {
		bad = append(bad, keptFault)
	}
	opt.SaveAt = odeint.SaveAt{}
	s := &Solver[T]{f: f, dim: f.Dim()}
	resolved, err := opt.Resolve(s.dim)
	if err != nil {
		_, err = odeint.New[T](f, opt) // with the faults of the field
		bad = append(bad, faultsOf(err)...)
		bad = append(bad, s.backwardFaults(m)...)
		return nil, &odeint.OptionError{Faults: bad}
	}
	var ev *events[T]
	if resolved.Events != nil {
		var faults []string
		ev, faults = newEvents[T](resolved.Events, s.dim)
		bad = append(bad, faults...)
	}
	keep, more := s.newBackward(&opt, resolved.Method, m)
	resolved.SaveAt = odeint.SaveAt{Keep: keep}
	if s.forward, err = odeint.New[T](f, resolved); err != nil {
		bad = append(bad, faultsOf(err)...)
	}
	if bad = append(bad, more...); bad != nil {
		return nil, &odeint.OptionError{Faults: bad}
	}
	s.p.init(f, s.forward)
	s.p.ev = ev
	if d, ok := s.back.(*discrete[T]); ok {
		s.checkpoints = d.checkpoints
		if ev != nil {
			d.events = newEventSteps(ev, s.dim)
			if d.stateful != nil && ev.anyMoves() {
				return nil, &odeint.OptionError{Faults: []string{fmt.Sprintf("Method: Discrete cannot reverse %v through events with conditions, whose steps have more than a state; use Interpolating{}", resolved.Method)}}
			}
		}
	}
	s.Observe(nil)
	return s, nil
}

// newBackward makes the second pass for a forward solve with the options and the method,
// and returns what that has to keep, and the faults.
func (s *Solver[T]) newBackward(opt *odeint.Options, forward odeint.Method, m Method) (odeint.Keep, []string) {
	switch m := m.(type) {
	case nil:
		return s.newBackward(opt, forward, Discrete{})
	case Discrete:
		d, fault := newDiscrete(s.f, forward, m.Memory)
		if fault != "" {
			return odeint.Rows, []string{"Method: " + fault}
		}
		if d == nil {
			return odeint.Rows, nil
		}
		s.back = d
		return d.keep(), nil
	case Interpolating:
		c, bad := newInterpolating(s.f, &s.sol, opt, m)
		s.back = c
		return odeint.Dense, bad
	case Backsolve:
		c, bad := newBacksolve(s.f, opt, m)
		s.back = c
		return odeint.Rows, bad
	}
	return odeint.Rows, []string{fmt.Sprintf("Method: unknown method %T of gradients; pass Discrete, Interpolating or Backsolve by value", m)}
}

// backwardFaults are those of a backward solve whose options do not come from the forward
// solve.
func (s *Solver[T]) backwardFaults(m Method) []string {
	var own *odeint.Options
	switch m := m.(type) {
	case Interpolating:
		own = m.Solve
	case Backsolve:
		own = m.Solve
	}
	if own == nil {
		return nil
	}
	_, bad := s.newBackward(&odeint.Options{}, odeint.Tsit5, m)
	return bad
}

// faultsOf returns the faults of an error of odeint.New.
func faultsOf(err error) []string {
	if bad, ok := err.(*odeint.OptionError); ok {
		return bad.Faults
	}
	return []string{err.Error()}
}

// Observe calls fn after every accepted step of Forward, with the contract of
// odeint.Integrator.Observe: an error stops the solve. Nil: no calls.
func (s *Solver[T]) Observe(fn func(step *odeint.Step[T], st *odeint.Stats) error) {
	if s.checkpoints == nil {
		s.forward.Observe(fn)
		return
	}
	s.forward.Observe(func(step *odeint.Step[T], st *odeint.Stats) error {
		s.checkpoints.observe(step)
		if fn == nil {
			return nil
		}
		return fn(step, st)
	})
}

// Forward solves from y0 at times[0] and saves the state at all times, which are
// strictly monotone in either direction. A single time is allowed. y0 has length
// Dim.
//
// The solution belongs to the Solver and is valid until the next Forward: T holds
// the times and Y the states, (len(times), Dim). The errors are those of odeint's
// solves; the solution then holds what was reached.
func (s *Solver[T]) Forward(ctx context.Context, times []float64, y0 []T) (*odeint.Solution[T], error) {
	if len(y0) != s.dim {
		panic("adjoint: length of y0 is not the field's Dim")
	}
	s.ready = false
	if s.checkpoints != nil {
		s.checkpoints.begin()
	}
	if err := s.forward.SolveAt(ctx, &s.sol, times, y0); err != nil {
		return &s.sol, err
	}
	s.ready = true
	return &s.sol, nil
}

// Backward stores in g the gradient of a loss L, given dys, of the same shape as the
// solution's Y: dys[i·Dim+j] = ∂L/∂y_j(times[i]). Rows of zeros cost nothing. It
// may be called several times after one Forward.
//
// It returns ErrNoForward, a *CotangentError, or an *odeint.StepError if the pass did
// not succeed: λ or the gradient grew beyond all numbers, the field failed, a backward
// solve gave up, or ctx was cancelled. The contents of g are then undefined.
func (s *Solver[T]) Backward(ctx context.Context, g *Gradient[T], dys []T) error {
	return s.BackwardEvents(ctx, g, dys, nil)
}

// BackwardEvents is Backward for a loss that depends on the events of the solve too, on their times and
// states: cots has one element for each of Solution.Events. Nil: it does not.
func (s *Solver[T]) BackwardEvents(ctx context.Context, g *Gradient[T], dys []T, cots []EventCotangent[T]) error {
	if g == nil {
		panic("adjoint: Backward into a nil Gradient")
	}
	if !s.ready {
		return ErrNoForward
	}
	if len(dys) != len(s.sol.T)*s.dim {
		panic("adjoint: length of dys is not the number of times by the field's Dim")
	}
	if err := s.p.begin(ctx, &s.sol, g, dys, cots); err != nil {
		return err
	}
	var err error
	if s.p.depends() {
		err = s.back.run(ctx, &s.p)
	}
	if err == nil {
		err = s.p.end()
	}
	s.p.ctx = nil
	if err != nil {
		return fmt.Errorf("adjoint: backward pass: %w", err)
	}
	return nil
}

// Stats returns the statistics of the last forward and the last backward pass.
func (s *Solver[T]) Stats() (forward, backward Stats) {
	forward = Stats{Stats: s.sol.Stats, Bytes: s.sol.Bytes()}
	if s.checkpoints != nil {
		forward.Bytes += s.checkpoints.bytes()
	}
	backward = Stats{Stats: s.p.stats, Bytes: s.p.bytes() + s.back.bytes(), Reconstruction: s.p.reconstruction}
	return forward, backward
}
