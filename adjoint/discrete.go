package adjoint

import (
	"context"
	"fmt"

	"github.com/neuralode/neuralode/internal/lu"
	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// reverser is the exact reverse of one step of a method. newReverser has one for every
// type of method.
type reverser[T odeint.Float] interface {
	// back turns p.lambda, ∂L/∂y at the step's end, into ∂L/∂y at its start, and adds
	// ∂L/∂θ to the gradient's Theta. outs are the cotangents of the outputs inside the
	// step. Evaluations are counted in p.stats. With Inverse it stores the state at the
	// start in s.Y0.
	back(p *pass[T], s *odeint.Step[T], outs []outputCotangent[T]) error

	// needs says what of a step back reads beside its ends.
	needs() needs

	// bytes is the size of the workspace.
	bytes() int
}

// needs is what a reverser has to know of a step beside the states at its ends.
type needs struct {
	stages bool // Step.K, which Integrator.Retake can find again
	dense  bool // where there are outputs inside, the dense stages too
	second bool // Step.K is more than stages: the second copy of Tao's method
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

// forgetful is a reverser that carries over from step to step what does not matter beyond
// rounding, like a factorised matrix. It forgets it at the start of a pass, so that the gradient does not depend on
// the passes before.
type forgetful interface{ forget() }

// newReverser returns the reverse of a method, or says why there is none. It is the one
// place, beside odeint's choice of a stepper, where types of methods are told apart. It is nil, without a
// fault, for a method that odeint.New refuses for the field.
func newReverser[T odeint.Float](f odeint.Differentiable[T], m odeint.Method, inverse bool) (r reverser[T], fault string) {
	invertible := false
	switch m := m.(type) {
	case *odeint.Tableau:
		r = newRKReverser(f, m)
	case *odeint.ESDIRK, *odeint.Rosenbrock:
		if n := odeint.SampleDim[T](f); n < 1 || f.Dim()%n != 0 || lu.Fault(n, 1) != "" {
			return nil, "" // a fault of the forward solve, which says it
		}
		if esdirk, ok := m.(*odeint.ESDIRK); ok {
			if r, fault = newESDIRKReverse(f, esdirk); fault != "" {
				return nil, fault
			}
			break
		}
		g, ok := f.(odeint.TwiceDifferentiable[T])
		if !ok {
			return nil, fmt.Sprintf("Discrete reverses %v for fields with the derivatives of their Jacobian only; implement odeint.TwiceDifferentiable, as compiled graphs do, or use an ESDIRK method such as Kvaerno5, or Interpolating{}", m)
		}
		r = newRosenbrockReverser(g, m.(*odeint.Rosenbrock))
	case odeint.Auto:
		nonStiff, stiff := m.Methods()
		back, fault := newReverser(f, stiff, false)
		if back == nil {
			return nil, fault
		}
		r = &autoReverser[T]{newRKReverser(f, nonStiff), back}
	case *odeint.Splitting:
		g, ok := f.(Separable[T])
		if !ok {
			return nil, fmt.Sprintf("Discrete reverses %v for fields with the vector-Jacobian products of their halves only; implement Separable, or use Interpolating{}", m)
		}
		r, invertible = newSplittingReverser(g, m, inverse), true
	case *odeint.ImplicitRK:
		if _, direct := m.Solver.(odeint.Newton); direct && lu.Fault(f.Dim(), len(m.B)) != "" {
			return nil, "" // a fault of the forward solve, which says it
		}
		r, invertible = newImplicitReverser(f, m, inverse), m.Symmetric()
	case *odeint.Tao:
		r = newTaoReverser(f, m)
	default:
		return nil, fmt.Sprintf("Discrete cannot reverse %v; use Interpolating{}", m)
	}
	if inverse && !invertible {
		return nil, fmt.Sprintf("Discrete cannot go back through the steps of %v by Inverse{}; use a Splitting or a symmetric ImplicitRK, or States{}", m)
	}
	return r, ""
}

// newESDIRKReverse returns the reverse of an ESDIRK method, with its explicit companion for a Split field.
func newESDIRKReverse[T odeint.Float](f odeint.Differentiable[T], m *odeint.ESDIRK) (r reverser[T], fault string) {
	split, ok := any(f).(odeint.Split[T])
	if !ok || m.Explicit == nil {
		return newESDIRKReverser(f, m), ""
	}
	stiff, first := split.Stiff().(odeint.Differentiable[T])
	rest, second := split.NonStiff().(odeint.Differentiable[T])
	if !first || !second || stiff.NumParams()+rest.NumParams() != f.NumParams() {
		return nil, fmt.Sprintf("Discrete reverses %v on a Split field whose parts are differentiable and share its parameters out; use odeint.NewDifferentiableSplit", m)
	}
	return newIMEXReverser(stiff, rest, m), ""
}

// discrete is the second pass of Discrete: the accepted steps from the last to the
// first.
type discrete[T odeint.Float] struct {
	rev      reverser[T]
	stateful statefulReverser[T] // rev, or nil
	step     odeint.Step[T]
	outs     []outputCotangent[T]

	needs       needs
	inverse     bool            // states come from going back
	checkpoints *checkpoints[T] // states come from taking steps again; nil: they do not
	retake      bool            // stages come from taking the steps again
	events      *eventSteps[T]  // nil: there are none
	y           [2][]T          // states at the start and the end of a step that was not kept
	k           []T             // and its stages
}

// newDiscrete returns the second pass for a forward solve with a method.
func newDiscrete[T odeint.Float](f odeint.Differentiable[T], m odeint.Method, memory Memory) (d *discrete[T], fault string) {
	switch memory.(type) {
	case nil, Stages, States, Checkpoints, Inverse:
	default:
		return nil, fmt.Sprintf("unknown Memory %T; pass Stages, States, Checkpoints or Inverse by value", memory)
	}
	_, inverse := memory.(Inverse)
	rev, fault := newReverser(f, m, inverse)
	if rev == nil {
		return nil, fault
	}
	d = &discrete[T]{rev: rev, inverse: inverse, needs: rev.needs()}
	_, states := memory.(States)
	d.retake = states && d.needs.stages && !d.needs.second
	d.stateful, _ = rev.(statefulReverser[T])
	n := f.Dim()
	if c, ok := memory.(Checkpoints); ok {
		if d.needs.second {
			return nil, fmt.Sprintf("Discrete has no Checkpoints for %v, whose steps need more than the state; use Stages{}", m)
		}
		if c.Bytes < 2*sizeOf[T](n) {
			return nil, fmt.Sprintf("Checkpoints of %d bytes; two states of %d components take %d", c.Bytes, n, 2*sizeOf[T](n))
		}
		d.checkpoints = newCheckpoints[T](n, c.Bytes)
		d.retake = d.needs.stages
		d.y[1] = make([]T, n)
	}
	if inverse {
		d.y = [2][]T{make([]T, n), make([]T, n)}
	}
	return d, ""
}

// keep is what the forward solve has to keep.
func (d *discrete[T]) keep() odeint.Keep {
	switch {
	case d.inverse || d.checkpoints != nil:
		return odeint.Rows
	case d.needs.stages && !d.retake:
		return odeint.Stages
	}
	return odeint.Steps
}

func (d *discrete[T]) run(ctx context.Context, p *pass[T]) error {
	row := p.last
	if d.inverse {
		row = d.firstStepEnd(p)
	}
	last, _ := p.sol.Origin(row)
	if d.events != nil {
		last = d.events.lastStep(last)
	}
	if d.stateful != nil {
		d.stateful.begin()
	}
	if r, ok := d.rev.(forgetful); ok {
		r.forget()
	}
	if d.checkpoints != nil {
		d.checkpoints.rewind()
	}
	for n := last; n >= 0; n-- {
		step := &d.step
		err := ctx.Err()
		if d.events != nil {
			d.events.at(n)
		}
		switch {
		case err != nil:
		case d.inverse:
			d.rebuild(p, n, row, n == last)
		case d.checkpoints != nil:
			err = d.restore(p, n, n == last)
		default:
			*step = p.sol.Step(n)
		}
		var end int
		row, end = d.collect(p, n, row)
		if err == nil && d.retake {
			end := step.Y1
			step.Y1, step.K = nil, d.k[:0]
			err = p.retake(step, d.needs.dense && (len(d.outs) > 0 || d.events != nil && len(d.events.inside) > 0))
			step.Y1, d.k = end, step.K
		}
		if err == nil && d.inverse && d.events != nil {
			err = d.events.touch(d, p, step, n)
		}
		if err == nil && d.events != nil {
			err = d.events.back(d, p, step)
		}
		if end > 0 {
			add(p.lambda, p.row(end))
		}
		if err == nil && d.events != nil {
			err = d.events.begins(d, p, step, n, p.lambda)
		}
		if err == nil {
			err = d.rev.back(p, step, d.outs)
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
	if d.events != nil {
		d.events.atStart(p)
	}
	if d.inverse {
		p.recordMismatch(d.step.Y0, 0)
	}
	return nil
}

// firstStepEnd returns the first saved row from p.last on that is the end of a step: where
// reconstruction begins. The last row is one.
func (d *discrete[T]) firstStepEnd(p *pass[T]) int {
	last := 0
	if d.events != nil {
		last = d.events.lastStep(last)
	}
	for row := p.last; ; row++ {
		step, theta := p.sol.Origin(row)
		if theta == 1 && step >= last || row == len(p.sol.T)-1 {
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
	if d.events != nil {
		copy(d.step.Y1, d.events.end())
	}
}

// restore makes step n from the checkpoints. Its end is the start of the step before in
// this pass.
func (d *discrete[T]) restore(p *pass[T], n int, first bool) error {
	if !first {
		copy(d.y[1], d.step.Y0)
		if d.events != nil {
			copy(d.y[1], d.events.end())
		}
	}
	y0, err := d.checkpoints.seek(p, n)
	d.step = d.checkpoints.at(n)
	d.step.Y0, d.step.Y1 = y0, d.y[1]
	if err == nil && first {
		d.step.K = d.k[:0]
		err = p.retake(&d.step, false)
		d.k = d.step.K
	}
	return err
}

// collect takes up the cotangents of the outputs of step n, the last of them in row,
// and returns the row before them, and the row at the step's end, 0 if there is none: those inside
// it go to outs.
func (d *discrete[T]) collect(p *pass[T], n, row int) (before, end int) {
	d.outs = d.outs[:0]
	for ; row > 0; row-- {
		from, theta := p.sol.Origin(row)
		if from != n {
			break
		}
		switch {
		case !p.live[row]:
		case theta == 1:
			end = row
		default:
			d.outs = append(d.outs, outputCotangent[T]{theta: theta, dy: p.row(row)})
		}
	}
	return row, end
}

func (d *discrete[T]) bytes() int {
	return d.rev.bytes() + sizeOf[T](len(d.y[0])+len(d.y[1])+cap(d.k))
}
