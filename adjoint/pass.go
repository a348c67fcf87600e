package adjoint

import (
	"context"
	"fmt"
	"math"
	"unsafe"

	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// Gradient receives what Backward computes. A slice that is nil or too short is
// allocated; others are resliced and overwritten.
type Gradient[T odeint.Float] struct {
	Y0    []T // ∂L/∂y0, length Dim
	Theta []T // ∂L/∂θ, length NumParams
	Times []T // ∂L/∂t_i, one for each saved time, with WantTimes

	// Events has the gradient with respect to the parameters of the conditions and effects of
	// Options.Events: of the first event's condition, of its effect, of the second's condition and
	// so on, as far as they are differentiable.
	Events []T

	// WantTimes asks for Times, which costs an evaluation of f for each saved time with a
	// cotangent. Without it Times is left alone.
	WantTimes bool
}

// CotangentError reports a cotangent that is NaN or infinite.
type CotangentError struct {
	Event          bool    // it belongs to an event, not to a saved time
	Row, Component int     // of dys, or of the event; component −1 is the event's time
	Value          float64 // the offender
}

// Error says where the offender is.
func (e *CotangentError) Error() string {
	if e.Event {
		return fmt.Sprintf("adjoint: cotangent of event %d, component %d (−1: its time) is %v; check the loss and its gradient there", e.Row, e.Component, e.Value)
	}
	return fmt.Sprintf("adjoint: cotangent of saved time %d, component %d is %v; check the loss and its gradient there", e.Row, e.Component, e.Value)
}

// pass is what the backward passes of all methods share.
type pass[T odeint.Float] struct {
	f       odeint.Differentiable[T]
	n       int
	forward *odeint.Integrator[T]
	jumps   []float64
	ev      *events[T] // nil: there are none

	ctx    context.Context // of this pass
	sol    *odeint.Solution[T]
	dys    []T
	grad   *Gradient[T]
	live   []bool // rows of dys that are not all zero
	last   int    // the last of them, or 0
	lambda []T    // the adjoint state at the end of run: λ(t_0⁺)
	stats  odeint.Stats

	reconstruction float64 // Stats.Reconstruction

	slope []T // f at a saved time
}

func (p *pass[T]) init(f odeint.Differentiable[T], forward *odeint.Integrator[T]) {
	p.f, p.n, p.forward, p.jumps = f, f.Dim(), forward, forward.Options().Jumps
	p.lambda, p.slope = make([]T, p.n), make([]T, p.n)
}

// begin sizes and clears the gradient and looks through the cotangents.
func (p *pass[T]) begin(ctx context.Context, sol *odeint.Solution[T], g *Gradient[T], dys []T, cots []EventCotangent[T]) error {
	g.Theta = sized(g.Theta, p.f.NumParams())
	clear(g.Theta)
	if p.ev != nil {
		g.Events = sized(g.Events, p.ev.params)
		clear(g.Events)
	}
	return p.look(ctx, sol, g, dys, cots)
}

// look is begin, for a gradient with a Theta that goes on being added to.
func (p *pass[T]) look(ctx context.Context, sol *odeint.Solution[T], g *Gradient[T], dys []T, cots []EventCotangent[T]) error {
	p.ctx, p.sol, p.grad, p.dys = ctx, sol, g, dys
	p.stats, p.reconstruction = odeint.Stats{}, 0
	m := len(sol.T)
	g.Y0 = sized(g.Y0, p.n)
	if g.WantTimes {
		g.Times = sized(g.Times, m)
	}
	clear(p.lambda)
	p.live = sized(p.live, m)
	p.last = 0
	for i := range p.live {
		p.live[i] = false
		for j, x := range p.row(i) {
			if x-x != 0 {
				return &CotangentError{Row: i, Component: j, Value: float64(x)}
			}
			if x != 0 {
				p.live[i], p.last = true, i
			}
		}
	}
	if p.ev != nil {
		return p.ev.begin(sol, g, cots, p.n)
	}
	return nil
}

// depends reports whether L depends on anything after the start.
func (p *pass[T]) depends() bool { return p.last > 0 || p.ev != nil && p.ev.last >= 0 }

// end completes the gradient from λ(t_0⁺).
func (p *pass[T]) end() error {
	if err := p.complete(); err != nil {
		return err
	}
	return p.finite(p.grad.Theta)
}

// complete is end without a look at Theta.
func (p *pass[T]) complete() error {
	if p.grad.WantTimes {
		if err := p.times(); err != nil {
			return &odeint.StepError{T: p.sol.T[0], Steps: p.stats.Accepted, Err: err}
		}
	}
	copy(p.grad.Y0, p.lambda)
	add(p.grad.Y0, p.row(0))
	if err := p.finite(p.grad.Y0); err != nil {
		return err
	}
	if p.ev != nil {
		if err := p.finite(p.grad.Events); err != nil {
			return err
		}
	}
	return p.finite(p.asked())
}

// finite checks a part of the gradient.
func (p *pass[T]) finite(x []T) error {
	if vec.Finite(x) {
		return nil
	}
	t := p.sol.T[0]
	return &odeint.StepError{T: t, Steps: p.stats.Accepted, Err: p.nonFinite("the gradient", t, x)}
}

// asked returns Times if it is wanted.
func (p *pass[T]) asked() []T {
	if p.grad.WantTimes {
		return p.grad.Times
	}
	return nil
}

// retake takes a step of the forward solve again and counts the work.
func (p *pass[T]) retake(s *odeint.Step[T], dense bool) error {
	done, err := p.forward.Retake(s, dense)
	p.stats.NFE += done.NFE
	p.stats.VJPs += done.VJPs
	p.stats.JVPs += done.JVPs
	p.stats.Drifts += done.Drifts
	p.stats.Kicks += done.Kicks
	p.stats.Iterations += done.Iterations
	p.stats.Jacobians += done.Jacobians
	p.stats.LUs += done.LUs
	return err
}

// recordMismatch records how far y is from saved row i.
func (p *pass[T]) recordMismatch(y []T, i int) {
	var off, size float64
	for j, v := range p.sol.Row(i) {
		off = max(off, math.Abs(float64(y[j])-float64(v)))
		size = max(size, math.Abs(float64(v)))
	}
	if off > 0 {
		p.reconstruction = max(p.reconstruction, off/size)
	}
}

// count counts a step back.
func (p *pass[T]) count(h float64) {
	h, s := math.Abs(h), &p.stats
	if s.Accepted == 0 || h < s.HMin {
		s.HMin = h
	}
	s.HMax = max(s.HMax, h)
	s.Accepted++
}

// merge counts a backward solve, whose evaluations are VJPs.
func (p *pass[T]) merge(in *odeint.Stats) {
	s := &p.stats
	s.VJPs += in.NFE + in.JVPs
	s.Jacobians += in.Jacobians
	s.LUs += in.LUs
	s.Switches += in.Switches
	s.Iterations += in.Iterations
	s.Rejected += in.Rejected
	if in.Accepted == 0 {
		return
	}
	if s.Accepted == 0 || in.HMin < s.HMin {
		s.HMin = in.HMin
	}
	s.HMax = max(s.HMax, in.HMax)
	s.Accepted += in.Accepted
}

// nonFinite describes the NaN or Inf in x, with the reason of a field that failed.
func (p *pass[T]) nonFinite(what string, t float64, x []T) error {
	i := vec.NonFinite(x)
	err := &odeint.NonFiniteError{What: what, T: t, Component: i, Value: float64(x[i])}
	if f, ok := p.f.(odeint.Fallible); ok {
		err.Cause = f.Err()
	}
	return err
}

// row returns the cotangent of saved time i.
func (p *pass[T]) row(i int) []T { return p.dys[i*p.n:][:p.n] }

func (p *pass[T]) bytes() int {
	return sizeOf[T](len(p.lambda)+len(p.slope)) + len(p.live)
}

// sized returns x with length n, newly allocated if it is too short.
func sized[E any](x []E, n int) []E {
	if cap(x) < n {
		return make([]E, n)
	}
	return x[:n]
}

// add adds x to dst.
func add[T odeint.Float](dst, x []T) {
	for i, v := range x {
		dst[i] += v
	}
}

// sizeOf is the size in bytes of n numbers.
func sizeOf[T odeint.Float](n int) int {
	var x T
	return n * int(unsafe.Sizeof(x))
}
