package main

import (
	"context"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/odeint"
)

// The parameters, in the order of the vector that is trained.
const (
	gravity = iota
	restitution
	floor
	height // at the start
	speed
	parameters
)

var names = [parameters]string{"gravity", "restitution", "floor", "height", "speed"}

// ball is a ball that falls and bounces: its fall is a field with the parameter gravity, what
// it bounces on a condition with the parameter floor, and how an effect with the parameter
// restitution.
type ball struct{ g, e, floor float64 }

// falls is dh/dt = v, dv/dt = −g.
type falls struct{ *ball }

func (falls) Dim() int       { return 2 }
func (falls) NumParams() int { return 1 }

func (b falls) Eval(d []float64, _ float64, y []float64) { d[0], d[1] = y[1], -b.g }

func (b falls) VJP(d, dy, dtheta []float64, _ float64, y, lambda []float64) {
	if d != nil {
		b.Eval(d, 0, y)
	}
	dy[0], dy[1] = 0, lambda[0]
	if dtheta != nil {
		dtheta[0] -= lambda[1]
	}
}

// lands is the height above the floor.
type lands struct{ *ball }

func (lands) NumParams() int { return 1 }

func (b lands) Eval(dst []float64, _ float64, y []float64) { dst[0] = y[0] - b.floor }

func (b lands) VJP(dst, dy, dtheta []float64, t float64, y, lambda []float64) {
	if dst != nil {
		b.Eval(dst, t, y)
	}
	dy[0], dy[1] = lambda[0], 0
	if dtheta != nil {
		dtheta[0] -= lambda[0]
	}
}

// bounces turns the velocity round.
type bounces struct{ *ball }

func (bounces) NumParams() int { return 1 }

func (b bounces) Eval(dst []float64, _ float64, y []float64) { dst[0], dst[1] = y[0], -b.e*y[1] }

func (b bounces) VJP(dst, dy, dtheta []float64, t float64, y, lambda []float64) {
	if dst != nil {
		b.Eval(dst, t, y)
	}
	dy[0], dy[1] = lambda[0], -b.e*lambda[1]
	if dtheta != nil {
		dtheta[0] -= y[1] * lambda[1]
	}
}

// fit compares a ball with positions.
type fit struct {
	ball   *ball
	solver *adjoint.Solver[float64]
	times  []float64
	at     []float64 // the positions observed
	dys    []float64
	grad   adjoint.Gradient[float64]
}

func newFit(times, at []float64) (*fit, error) {
	f := &fit{ball: new(ball), times: times, at: at}
	bounce := odeint.Event[float64]{Name: "bounce", Condition: lands{f.ball}, Direction: odeint.Falling, Effect: bounces{f.ball}}
	var err error
	f.solver, err = adjoint.New[float64](falls{f.ball}, odeint.Options{
		RTol: 1e-8, ATol: 1e-8, Events: odeint.Events[float64]{bounce}, MaxEvents: 200,
	}, nil)
	return f, err
}

// solve sets the parameters and solves to the times.
func (f *fit) solve(ctx context.Context, times, x []float64) (*odeint.Solution[float64], error) {
	f.ball.g, f.ball.e, f.ball.floor = x[gravity], x[restitution], x[floor]
	return f.solver.Forward(ctx, times, []float64{x[height], x[speed]})
}

// loss is the mean square of the differences of the first n positions, a train.Objective.
func (f *fit) loss(n int) func(ctx context.Context, grad, x []float64) (float64, error) {
	return func(ctx context.Context, grad, x []float64) (float64, error) {
		sol, err := f.solve(ctx, f.times[:n], x)
		if err != nil {
			return 0, err
		}
		f.dys = append(f.dys[:0], make([]float64, len(sol.Y))...)
		sum := 0.0
		for i, h := range f.at[:n] {
			d := sol.Row(i)[0] - h
			sum += d * d / float64(n)
			f.dys[2*i] = 2 * d / float64(n)
		}
		if grad == nil {
			return sum, nil
		}
		if err := f.solver.Backward(ctx, &f.grad, f.dys); err != nil {
			return 0, err
		}
		g := &f.grad
		grad[gravity], grad[floor], grad[restitution] = g.Theta[0], g.Events[0], g.Events[1]
		grad[height], grad[speed] = g.Y0[0], g.Y0[1]
		return sum, nil
	}
}
