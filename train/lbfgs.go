package train

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"
)

// quasiNewton runs L-BFGS. A loss that does not exist at a point tried counts as
// infinitely high; only at the first x is it an error.
func (l *loop) quasiNewton(ctx context.Context, o LBFGS) error {
	if o.Memory == 0 {
		o.Memory = 50
	}
	s := &search{loop: l, ctx: ctx, tol: o.Tol, at: slices.Clone(l.x), grad: make([]float64, len(l.x))}
	if err := l.continues(); err != nil {
		return err
	}
	copy(s.at, l.x)
	var err error
	s.value, err = l.fixed(ctx, s.grad, l.x)
	if err == nil && !finite(s.value, s.grad) {
		err = ErrNotFinite
	}
	if err != nil {
		l.reason, l.last = Failed, math.NaN()
		if ctx.Err() != nil {
			l.reason = Stopped
			return ctx.Err()
		}
		return &LossError{Step: l.step, Cause: err}
	}
	l.best.take(s.value, l.step, l.x)
	err = errors.Join(s.run(o), l.saveLast())
	copy(l.x, l.best.x)
	l.last = l.best.loss
	return err
}

// search is the state of an L-BFGS run. Gonum asks for the loss and for its gradient one
// after the other at the same point; they are computed together.
type search struct {
	*loop
	ctx      context.Context
	at, grad []float64 // the point evaluated last, and the gradient there
	value    float64   // the loss there
	hookErr  error
	tol      float64 // LBFGS.Tol
}

// settled reports whether the last steps have lowered the loss by less than Tol.
func (s *search) settled() bool {
	const steps = 5
	n := len(s.losses)
	return s.tol > 0 && n > steps && s.losses[n-1-steps]-s.losses[n-1] < s.tol*s.losses[n-1]
}

// run restarts the method until no step lowers the loss.
func (s *search) run(o LBFGS) error {
	for s.step < s.Steps {
		before := s.best.loss
		err := s.minimize(o)
		switch {
		case s.ctx.Err() != nil:
			s.reason = Stopped
			return s.ctx.Err()
		case s.hookErr != nil:
			s.reason = Stopped
			return s.hookErr
		case err != nil && !errors.Is(err, optimize.ErrNoProgress) && !errors.Is(err, optimize.ErrLinesearcherFailure) &&
			!errors.Is(err, optimize.ErrNonDescentDirection) && !errors.Is(err, optimize.ErrLinesearcherBound):
			s.reason = Failed
			return err
		case err == nil:
			s.reason = AllSteps
			if s.step < s.Steps {
				s.reason = Converged // the gradient is zero, or Tol is reached
			}
			return nil
		case s.best.loss >= before:
			s.reason = Converged
			return nil
		}
	}
	s.reason = AllSteps
	return nil
}

// minimize runs L-BFGS from the best point with an empty memory.
func (s *search) minimize(o LBFGS) error {
	problem := optimize.Problem{
		Func: func(x []float64) float64 {
			s.evaluate(x)
			return s.value
		},
		Grad: func(grad, x []float64) {
			s.evaluate(x)
			copy(grad, s.grad)
		},
		Status: func() (optimize.Status, error) {
			if err := errors.Join(s.ctx.Err(), s.hookErr); err != nil {
				return optimize.Failure, err
			}
			if s.settled() {
				return optimize.FunctionConvergence, nil
			}
			return optimize.NotTerminated, nil
		},
	}
	settings := &optimize.Settings{
		MajorIterations: s.Steps - s.step,
		Converger:       optimize.NeverTerminate{},
		Recorder:        recorder(s.done),
	}
	result, err := optimize.Minimize(problem, slices.Clone(s.best.x), settings, &optimize.LBFGS{
		Store:             o.Memory,
		GradStopThreshold: math.NaN(),
	})
	if err == nil && result.Status == optimize.IterationLimit {
		s.done(result.F) // Gonum does not record the iteration that ends the run.
	}
	return err
}

// done counts an iteration, which ended with the given loss.
func (s *search) done(loss float64) {
	s.losses = append(s.losses, loss)
	s.step++
	step := Step{Step: s.step - 1, Epoch: s.step - 1, Loss: loss, Validation: math.NaN(), GradNorm: math.NaN(), Rate: math.NaN()}
	err := s.after(step)
	s.saveNow(false)
	if s.hookErr == nil {
		s.hookErr = err
	}
}

func (s *search) evaluate(x []float64) {
	if slices.Equal(x, s.at) {
		return
	}
	copy(s.at, x)
	loss, err := s.fixed(s.ctx, s.grad, x)
	if err != nil || !finite(loss, s.grad) {
		s.value = math.Inf(1)
		clear(s.grad)
		return
	}
	s.value = loss
	if loss < s.best.loss {
		s.best.take(loss, s.step+1, x)
	}
}

// recorder is called after each iteration with the loss.
type recorder func(loss float64)

func (recorder) Init() error { return nil }

func (r recorder) Record(loc *optimize.Location, op optimize.Operation, _ *optimize.Stats) error {
	if op == optimize.MajorIteration {
		r(loc.F)
	}
	return nil
}
