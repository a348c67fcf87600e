package train

import (
	"context"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/odeint"
)

// Field is a vector field whose parameters can be set; *graph.Field is one.
type Field interface {
	odeint.Differentiable[float64]
	Params() []float64 // θ itself, not a copy
}

// Trajectory is the fit of a field to states observed at given times.
type Trajectory struct {
	Field  Field
	Solver *adjoint.Solver[float64] // of Field

	// Times are strictly monotone; Start is the state at the first one.
	Times []float64
	Start []float64

	// Target has the observed states, a row for each time; NaN is missing.
	Target []float64

	// Width is the length of one sample's state. 0: there is one sample, the whole state.
	Width int

	// LearnStart makes the initial state part of what is trained, after θ; Start is
	// then where it begins.
	LearnStart bool

	// Work counts what the losses have cost so far.
	Work Work

	grad adjoint.Gradient[float64]
	dys  []float64
}

// Work counts solves and evaluations of the field. A vector-Jacobian product counts as
// one evaluation of the backward pass.
type Work struct{ Solves, NFEForward, NFEBackward int }

// Init returns the x that training begins with: the field's parameters, and
// the initial state if that is learned.
func (p *Trajectory) Init() []float64 {
	x := append([]float64(nil), p.Field.Params()...)
	if p.LearnStart {
		x = append(x, p.Start...)
	}
	return x
}

// split returns the initial state that x stands for, and makes x's parameters the
// field's.
func (p *Trajectory) split(x []float64) []float64 {
	n := copy(p.Field.Params(), x)
	if p.LearnStart {
		return x[n:]
	}
	return p.Start
}

// Loss is the mean squared error (see MSE) over the times of the first intervals
// of the data, those at both ends included.
func (p *Trajectory) Loss(intervals int) Objective {
	return func(ctx context.Context, grad, x []float64) (float64, error) {
		dim := p.Field.Dim()
		width := p.Width
		if width == 0 {
			width = dim
		}
		n := intervals + 1
		sol, err := p.Solver.Forward(ctx, p.Times[:n], p.split(x))
		p.Work.Solves++
		p.Work.NFEForward += sol.Stats.NFE
		if err != nil {
			return 0, err
		}
		if grad == nil {
			return MSE(nil, sol.Y, p.Target[:n*dim], width), nil
		}
		if len(p.dys) != len(p.Target) {
			p.dys = make([]float64, len(p.Target))
		}
		dys := p.dys[:n*dim]
		loss := MSE(dys, sol.Y, p.Target[:n*dim], width)
		if err := p.Solver.Backward(ctx, &p.grad, dys); err != nil {
			return 0, err
		}
		_, backward := p.Solver.Stats()
		p.Work.NFEBackward += backward.NFE + backward.VJPs
		m := copy(grad, p.grad.Theta)
		if p.LearnStart {
			copy(grad[m:], p.grad.Y0)
		}
		return loss, nil
	}
}

// Predict returns the states at times, a row for each, from the initial state at the first of
// them that x stands for. After an error of the solve it returns the rows that were
// reached.
func (p *Trajectory) Predict(ctx context.Context, x, times []float64) ([]float64, error) {
	sol, err := p.Solver.Forward(ctx, times, p.split(x))
	p.Work.Solves++
	p.Work.NFEForward += sol.Stats.NFE
	return append([]float64(nil), sol.Y...), err
}
