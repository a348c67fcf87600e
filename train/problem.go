package train

import "context"

// Problem is what Fit minimises, taken apart: the loss of a model on trajectories as a
// function of a vector x, for programs that minimise it themselves, with Minimize or
// otherwise. x has the parameters θ and then, with LearnStarts, the initial states of
// the trajectories in scaled units. It is used by one goroutine at a time.
type Problem[T Float] struct{ o *objective[T] }

// NewProblem returns the problem. Of the options it uses Loss, L2, Penalty, LearnStarts and
// Chunk.
func NewProblem[T Float](m *Model[T], data Dataset[T], opt Options[T]) (*Problem[T], error) {
	o, err := newObjective(m, data, &opt)
	if err != nil {
		return nil, err
	}
	return &Problem[T]{o}, nil
}

// Init returns the x of the model's present parameters.
func (p *Problem[T]) Init() []float64 { return p.o.initial() }

// Loss returns the loss over the first intervals of each trajectory; all if intervals is
// negative.
func (p *Problem[T]) Loss(intervals int) Objective { return p.o.objective(p.o.everything(), intervals) }

// Set gives the model the parameters in x, and returns the initial states of the
// trajectories in the units of the data.
func (p *Problem[T]) Set(x []float64) (starts [][]T) {
	theta := make([]T, p.o.params)
	for i := range theta {
		theta[i] = T(x[i])
	}
	p.o.m.SetParams(theta)
	return p.o.unscaledStarts(x)
}

// Predict is Set, and then Model.Predict from the start of the first trajectory, with its
// controls.
func (p *Problem[T]) Predict(ctx context.Context, x, times []float64) ([]T, error) {
	return p.o.m.Predict(ctx, times, p.Set(x)[0], p.o.controls)
}

// Work counts what the losses have cost so far.
func (p *Problem[T]) Work() Work { return p.o.work }

// WithDecay adds lambda/2·Σx² over the first n components of x to the loss: weight
// decay of the parameters, but not of what follows them.
func WithDecay(f Objective, lambda float64, n int) Objective {
	if lambda == 0 {
		return f
	}
	return func(ctx context.Context, grad, x []float64) (float64, error) {
		loss, err := f(ctx, grad, x)
		if err != nil {
			return loss, err
		}
		for i, v := range x[:n] {
			loss += lambda / 2 * v * v
			if grad != nil {
				grad[i] += lambda * v
			}
		}
		return loss, nil
	}
}
