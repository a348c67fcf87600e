package adjoint

import (
	"context"
	"fmt"

	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// reverser is the exact reverse of one step of a method. It is where methods that
// are not tableaus enter.
type reverser[T odeint.Float] interface {
	// back turns lambda, ∂L/∂y at the step's end, into ∂L/∂y at its start, and adds
	// ∂L/∂θ to dtheta. outs are the cotangents of the outputs inside the step.
	// Evaluations are counted in st.
	back(lambda, dtheta []T, s *odeint.Step[T], outs []output[T], st *odeint.Stats) error

	// bytes is the size of the workspace.
	bytes() int
}

// output is the cotangent dy of an output inside a step, at t_n + theta·h.
type output[T odeint.Float] struct {
	theta float64
	dy    []T
}

// newReverser returns the reverse of a method.
func newReverser[T odeint.Float](f odeint.Differentiable[T], m odeint.Method, recompute bool) (reverser[T], error) {
	switch m := m.(type) {
	case nil:
		return newTableauReverser(f, odeint.Tsit5, recompute), nil
	case *odeint.Tableau:
		return newTableauReverser(f, m, recompute), nil
	default:
		return nil, fmt.Errorf("adjoint: Discrete cannot reverse the method %v; use Interpolating{}", m)
	}
}

// discrete is the second pass of Discrete: the accepted steps from the last to the
// first.
type discrete[T odeint.Float] struct {
	rev  reverser[T]
	step odeint.Step[T]
	outs []output[T]
}

func newDiscrete[T odeint.Float](f odeint.Differentiable[T], forward odeint.Method, m Discrete) (*discrete[T], error) {
	rev, err := newReverser(f, forward, m.Recompute)
	if err != nil {
		return nil, err
	}
	return &discrete[T]{rev: rev}, nil
}

func (d *discrete[T]) run(ctx context.Context, p *pass[T]) error {
	row := p.last
	last, _ := p.sol.Origin(row)
	for n := last; n >= 0; n-- {
		step := &d.step
		*step = p.sol.Step(n)
		err := ctx.Err()
		if err == nil {
			row = d.collect(p, n, row)
			err = d.rev.back(p.lambda, p.grad.Theta, step, d.outs, &p.stats)
		}
		if err == nil && !vec.Finite(p.lambda) {
			err = p.nonFinite("the adjoint state", step.T0, p.lambda)
		}
		if err != nil {
			return &odeint.StepError{T: step.T1, H: -step.H, Steps: p.stats.Accepted, Err: err}
		}
		p.count(step.H)
	}
	return nil
}

// collect takes up the cotangents of the outputs of step n, the last of them in row,
// and returns the row before them: those at the step's end go to λ, those inside it to
// outs.
func (d *discrete[T]) collect(p *pass[T], n, row int) int {
	d.outs = d.outs[:0]
	for ; row > 0; row-- {
		from, theta := p.sol.Origin(row)
		if from != n {
			break
		}
		switch {
		case !p.live[row]:
		case theta == 1:
			add(p.lambda, p.row(row))
		default:
			d.outs = append(d.outs, output[T]{theta, p.row(row)})
		}
	}
	return row
}

func (d *discrete[T]) bytes() int { return d.rev.bytes() }
