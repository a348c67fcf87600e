package odeint

import (
	"context"
	"errors"
	"iter"
)

// errBreak ends a solve whose loop was left.
var errBreak = errors.New("odeint: the loop over the steps was left")

// Steps is Solve as a loop over the accepted steps, with the controller's own sizes:
//
//	for step, err := range in.Steps(ctx, &sol, t0, t1, y0) {
//		if err != nil {
//			return err
//		}
//		…
//	}
//
// The step and its slices are valid until the loop goes on and must not be modified. Leaving the loop ends
// the solve; sol then has what was reached, that step included, and the integrator may
// solve again. An error of Solve comes last, with a nil step. sol must not be used in the loop.
func (in *Integrator[T]) Steps(ctx context.Context, sol *Solution[T], t0, t1 float64, y0 []T) iter.Seq2[*Step[T], error] {
	return func(yield func(*Step[T], error) bool) {
		observe := in.observe
		defer func() { in.observe = observe }()
		in.observe = func(s *Step[T], st *Stats) error {
			if observe != nil {
				if err := observe(s, st); err != nil {
					return err
				}
			}
			if !yield(s, nil) {
				return errBreak
			}
			return nil
		}
		if err := in.Solve(ctx, sol, t0, t1, y0); err != nil && !errors.Is(err, errBreak) {
			yield(nil, err)
		}
	}
}
