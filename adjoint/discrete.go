package adjoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// reverser is the exact reverse of one step of a method. newReverser has one for every
// type of method.
type reverser[T odeint.Float] interface {
	// back turns lambda, ∂L/∂y at the step's end, into ∂L/∂y at its start, and adds
	// ∂L/∂θ to dtheta. outs are the cotangents of the outputs inside the step.
	// Evaluations are counted in st. With Reconstruct it stores the state at the
	// start in s.Y0.
	back(lambda, dtheta []T, s *odeint.Step[T], outs []outputCotangent[T], st *odeint.Stats) error

	// bytes is the size of the workspace.
	bytes() int
}

// outputCotangent is the cotangent dy of an output inside a step, at t_n + theta·h.
type outputCotangent[T odeint.Float] struct {
	theta float64
	dy    []T
}

// statefulReverser reverses a method that carries state from step to step besides y, like
// the second copy of Tao's.
type statefulReverser[T odeint.Float] interface {
	// begin comes before the last step, end after the first.
	begin()
	end(lambda []T)
}

// newReverser returns the reverse of the forward method.
func newReverser[T odeint.Float](f odeint.Differentiable[T], forward *odeint.Options, d Discrete) (reverser[T], error) {
	if d.Recompute && d.Reconstruct {
		return nil, errors.New("adjoint: Discrete with both Recompute and Reconstruct; choose one")
	}
	var refusal error
	if d.Reconstruct {
		refusal = fmt.Errorf("adjoint: Discrete cannot reconstruct the steps of %v; use a Splitting or a symmetric ImplicitRK, or Recompute", forward.Method)
	}
	switch m := forward.Method.(type) {
	case nil:
		return newTableauReverser(f, odeint.Tsit5, d.Recompute), refusal
	case *odeint.Tableau:
		return newTableauReverser(f, m, d.Recompute), refusal
	case *odeint.Splitting:
		return newSplittingReverser(f, m, d.Reconstruct)
	case *odeint.ImplicitRK:
		if d.Reconstruct && !m.Symmetric() {
			return nil, refusal
		}
		return newImplicitReverser(f, m, forward, d)
	case *odeint.Tao:
		return newTaoReverser(f, m), refusal
	}
	return nil, fmt.Errorf("adjoint: Discrete cannot reverse the method %v; use Interpolating{}", forward.Method)
}

// keeps says what Discrete needs of the forward solve.
func (d Discrete) keeps(m odeint.Method) (s odeint.SaveAt) {
	switch m.(type) {
	case *odeint.Splitting:
		s.Steps = !d.Reconstruct
	case *odeint.Tao:
		s.Stages = true
	default:
		s.Stages = !d.Recompute && !d.Reconstruct
		s.Steps = d.Recompute
	}
	return s
}

// discrete is the second pass of Discrete: the accepted steps from the last to the
// first.
type discrete[T odeint.Float] struct {
	rev      reverser[T]
	stateful statefulReverser[T] // rev, or nil
	step     odeint.Step[T]
	outs     []outputCotangent[T]

	reconstruct bool
	y           [2][]T // reconstructed states at the start and the end of a step
}

func newDiscrete[T odeint.Float](f odeint.Differentiable[T], forward *odeint.Options, m Discrete) (*discrete[T], error) {
	rev, err := newReverser(f, forward, m)
	if err != nil {
		return nil, err
	}
	d := &discrete[T]{rev: rev, reconstruct: m.Reconstruct}
	d.stateful, _ = rev.(statefulReverser[T])
	if m.Reconstruct {
		d.y = [2][]T{make([]T, f.Dim()), make([]T, f.Dim())}
	}
	return d, nil
}

func (d *discrete[T]) run(ctx context.Context, p *pass[T]) error {
	row := p.last
	if d.reconstruct {
		row = d.firstStepEnd(p)
	}
	last, _ := p.sol.Origin(row)
	if d.stateful != nil {
		d.stateful.begin()
	}
	for n := last; n >= 0; n-- {
		step := &d.step
		if d.reconstruct {
			d.rebuild(p, n, row, n == last)
		} else {
			*step = p.sol.Step(n)
		}
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
	if d.stateful != nil {
		d.stateful.end(p.lambda)
	}
	if d.reconstruct {
		p.recordMismatch(d.step.Y0, 0)
	}
	return nil
}

// firstStepEnd returns the first saved row from p.last on that is the end of a step: where
// reconstruction begins. The last row is one.
func (d *discrete[T]) firstStepEnd(p *pass[T]) int {
	for row := p.last; ; row++ {
		if _, theta := p.sol.Origin(row); theta == 1 {
			return row
		}
	}
}

// rebuild makes step n, whose end is the start of the step before in this pass, or
// the saved row if that is its end. Its start is for the reverser to find.
func (d *discrete[T]) rebuild(p *pass[T], n, row int, first bool) {
	d.y[0], d.y[1] = d.y[1], d.y[0]
	d.step = p.sol.StepTimes(n)
	d.step.Y0, d.step.Y1 = d.y[0], d.y[1]
	if from, theta := p.sol.Origin(row); from == n && theta == 1 {
		if !first {
			p.recordMismatch(d.step.Y1, row)
		}
		copy(d.step.Y1, p.sol.Row(row))
	}
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
			d.outs = append(d.outs, outputCotangent[T]{theta: theta, dy: p.row(row)})
		}
	}
	return row
}

func (d *discrete[T]) bytes() int { return d.rev.bytes() + sizeOf[T](len(d.y[0])+len(d.y[1])) }
