package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"
)

// LBFGS trains with Gonum's limited-memory BFGS.
type LBFGS struct {
	// Iterations is the largest number of iterations.
	Iterations int

	// Memory is the number of past steps that shape the next one. 0: 50, more than
	// the usual 5 to 20, since an evaluation (an ODE solve and its gradient) costs
	// far more than a step.
	Memory int

	// Objective is the loss.
	Objective Objective

	// After, if not nil, is called after each iteration with the loss.
	After func(iteration int, loss float64)
}

// errNotFinite is a loss or gradient that is NaN or infinite.
var errNotFinite = errors.New("the loss or its gradient is not finite")

// Run trains x in place and returns the loss there, the lowest met. It ends after
// the iterations, when no step lowers the loss any more even after the memory was
// cleared, and with ctx's error when that is cancelled. A loss that does not
// exist at a point tried counts as infinitely high; only at the first x is it an
// error.
func (l LBFGS) Run(ctx context.Context, x []float64) (float64, error) {
	if l.Memory == 0 {
		l.Memory = 50
	}
	s := &search{ctx: ctx, objective: l.Objective, at: slices.Clone(x), grad: make([]float64, len(x)), best: slices.Clone(x)}
	var err error
	if s.value, err = l.Objective(ctx, s.grad, x); err == nil {
		err = finite(s.value, s.grad)
	}
	if err != nil {
		return math.NaN(), fmt.Errorf("train: the start of L-BFGS: %w", err)
	}
	s.lowest = s.value
	for s.iterations < l.Iterations {
		before := s.lowest
		err := s.minimize(l)
		copy(x, s.best)
		switch {
		case ctx.Err() != nil:
			return s.lowest, ctx.Err()
		case err == nil:
			return s.lowest, nil
		case !errors.Is(err, optimize.ErrNoProgress) && !errors.Is(err, optimize.ErrLinesearcherFailure) &&
			!errors.Is(err, optimize.ErrNonDescentDirection) && !errors.Is(err, optimize.ErrLinesearcherBound):
			return s.lowest, fmt.Errorf("train: L-BFGS: %w", err)
		case s.lowest >= before:
			return s.lowest, nil
		}
	}
	return s.lowest, nil
}

// search is the state of an L-BFGS run. Gonum asks for the loss and for its gradient one
// after the other at the same point; they are computed together.
type search struct {
	ctx        context.Context
	objective  Objective
	at, grad   []float64 // the point evaluated last, and the gradient there
	value      float64   // the loss there
	best       []float64
	lowest     float64
	iterations int
}

// minimize runs L-BFGS from the best point with an empty memory.
func (s *search) minimize(l LBFGS) error {
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
			if err := s.ctx.Err(); err != nil {
				return optimize.Failure, err
			}
			return optimize.NotTerminated, nil
		},
	}
	settings := &optimize.Settings{
		MajorIterations: l.Iterations - s.iterations,
		Converger:       optimize.NeverTerminate{},
		Recorder:        recorder(func(loss float64) { s.done(l, loss) }),
	}
	result, err := optimize.Minimize(problem, slices.Clone(s.best), settings, &optimize.LBFGS{
		Store:             l.Memory,
		GradStopThreshold: math.NaN(),
	})
	if err == nil && result.Status == optimize.IterationLimit {
		s.done(l, result.F) // Gonum does not record the iteration that ends the run.
	}
	return err
}

// done counts an iteration.
func (s *search) done(l LBFGS, loss float64) {
	if l.After != nil {
		l.After(s.iterations, loss)
	}
	s.iterations++
}

func (s *search) evaluate(x []float64) {
	if slices.Equal(x, s.at) {
		return
	}
	copy(s.at, x)
	loss, err := s.objective(s.ctx, s.grad, x)
	if err != nil || finite(loss, s.grad) != nil {
		s.value = math.Inf(1)
		clear(s.grad)
		return
	}
	s.value = loss
	if loss < s.lowest {
		s.lowest = loss
		copy(s.best, x)
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

// finite returns errNotFinite if the loss or a component of its gradient is not.
func finite(loss float64, grad []float64) error {
	sum := loss - loss // 0, or NaN
	for _, g := range grad {
		sum += g - g
	}
	if sum != 0 {
		return errNotFinite
	}
	return nil
}
