package adjoint

import (
	"context"

	"github.com/neuralode/neuralode/odeint"
)

// runEvents is run for a solve with events: λ jumps at them, and y is reset.
func (c *continuous[T]) runEvents(ctx context.Context, p *pass[T], e *events[T]) error {
	c.begin(p)
	dir := 1.0
	if p.sol.Reached() < p.sol.T[0] {
		dir = -1
	}
	row, k := p.last, len(e.sol.Events)-1
	for k >= 0 && (e.last < k && dir*e.sol.Events[k].T >= dir*p.sol.T[row]) {
		k-- // nothing depends on it
	}
	begun := false
	var at float64
	visit := func(t float64, y []T) error {
		if begun && t != at {
			if err := c.piecewise(ctx, p, at, t); err != nil {
				return err
			}
		}
		if c.resets {
			copy(c.z[p.n:], y)
		}
		begun, at = true, t
		return nil
	}
	for row > 0 || k >= 0 {
		if k >= 0 && dir*e.sol.Events[k].T >= dir*p.sol.T[row] {
			o := &e.sol.Events[k]
			if e.acts(k) || e.live(k) {
				if err := visit(o.T, o.Before); err != nil {
					return err
				}
				if err := c.event(p, e, k); err != nil {
					return err
				}
			}
			k--
			continue
		}
		if row == 0 {
			break
		}
		if p.live[row] || c.every {
			if err := visit(p.sol.T[row], p.sol.Row(row)); err != nil {
				return err
			}
			add(c.z[:p.n], p.row(row))
		}
		row--
	}
	if begun {
		if err := visit(p.sol.T[0], p.sol.Row(0)); err != nil {
			return err
		}
	}
	for ; k >= 0; k-- { // at the start
		if err := c.event(p, e, k); err != nil {
			return err
		}
	}
	c.end(p)
	return nil
}

// event takes λ over occurrence k.
func (c *continuous[T]) event(p *pass[T], e *events[T], k int) error {
	o := &e.sol.Events[k]
	lambda := c.z[:p.n]
	// ∂f/∂t is not needed, and the size of a step for differences is that of the interval.
	h := p.sol.Reached() - p.sol.T[0]
	rate := 0.0
	if e.moves(k) {
		p.f.Eval(p.slope, o.T, o.After)
		p.stats.NFE++
		rate = -dot(lambda, p.slope)
	}
	rate += e.through(k, lambda, 0.01*h)
	if !e.moves(k) {
		return nil
	}
	p.f.Eval(p.slope, o.T, o.Before)
	p.stats.NFE++
	dg := e.slope(k, 0.01*h)
	rate += dot(lambda, p.slope)
	bound := max(-dg, dg) + size2(e.gy)*size2(p.slope)
	return e.apply(k, lambda, rate, dg+dot(e.gy, p.slope), bound)
}

// piecewise solves back from one time to another.
func (c *continuous[T]) piecewise(ctx context.Context, p *pass[T], from, to float64) error {
	c.span = [2]float64{from, to}
	err := c.in.SolveAt(ctx, &c.piece, c.span[:], c.z)
	p.merge(&c.piece.Stats)
	if err == nil && c.gauss != nil {
		err = c.gauss.sum(p, &c.piece, p.grad.Theta)
	}
	if err != nil {
		return err
	}
	copy(c.z, c.piece.Last())
	if !c.fixed {
		c.in.SetH0(c.in.NextStep())
	}
	return nil
}

// eventTimes appends the times at which events change the path to the jumps of the field.
func (a *augmented[T]) eventTimes(jumps []float64) []float64 {
	for i := range a.path.Events {
		if o := &a.path.Events[i]; &o.Before[0] != &o.After[0] {
			jumps = append(jumps, o.T)
		}
	}
	return jumps
}

var _ odeint.Discontinuous = (*augmented[float64])(nil)
