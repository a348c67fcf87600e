package odeint

import (
	"errors"
	"math"
)

// autoStepper is the stepper of Auto.
type autoStepper[T Float] struct {
	ev      *evaluator[T]
	rk      *rkStepper[T]
	stiffly stiffStepper[T]
	limit   float64 // of h times the largest eigenvalue
	power   float64 // makes of the scaled errors of Stiff such that behave as those of NonStiff
	stiff   bool    // the method of the next step
	streak  int     // how many steps in a row spoke for the other
	y       []T     // the state of the last stage but one
}

// stiffStepper is a stepper that Auto can hand over to.
type stiffStepper[T Float] interface {
	stepper[T]

	// norm is the largest sum of sizes in a row of the Jacobian of the last step.
	norm() float64

	// slope is f at the end of the step just accepted; nil: not known.
	slope() []T
}

func newAutoStepper[T Float](m Auto, ev *evaluator[T], tol *tolerance[T]) *autoStepper[T] {
	a, b := m.Methods()
	return &autoStepper[T]{
		ev: ev, rk: newRKStepper(a, ev, tol), stiffly: newStepper(b, ev, tol, false).(stiffStepper[T]),
		limit: stiffFraction * stabilityInterval(a), power: float64(a.ErrOrder) / float64(b.traits().errOrder), y: make([]T, ev.field.Dim()),
	}
}

func (r *autoStepper[T]) stages() (step, all int) {
	_, all = r.rk.stages()
	_, most := r.stiffly.stages()
	return r.rk.s, max(all, most)
}

func (r *autoStepper[T]) restart(f0 []T) {
	r.stiff, r.streak = false, 0
	r.rk.restart(f0)
}

func (r *autoStepper[T]) attempt(s *Step[T]) (scaled float64, err error) {
	s.Stiff = r.stiff
	if s.Stiff {
		scaled, err = r.stiffly.attempt(s)
		return math.Pow(scaled, r.power), err
	}
	scaled, err = r.rk.attempt(s)
	var nf *NonFiniteError
	if errors.As(err, &nf) && nf.Cause == nil {
		r.change(nil)
		return 0, unsolved{err}
	}
	return scaled, err
}

// change hands over to the other method, at a state with slope f0; nil: not known.
func (r *autoStepper[T]) change(f0 []T) {
	r.ev.stats.Switches++
	r.stiff, r.streak = !r.stiff, 0
	if r.stiff {
		r.stiffly.restart(f0)
	} else {
		r.rk.restart(f0)
	}
}

func (r *autoStepper[T]) accept(s *Step[T]) {
	// Written such that what is not a number counts as stiff.
	var easy bool
	if s.Stiff {
		r.stiffly.accept(s)
		easy = math.Abs(s.H)*r.stiffly.norm() <= r.limit
	} else {
		easy = math.Abs(s.H)*r.eigenvalue(s) <= r.limit
		r.rk.accept(s)
	}
	if easy != s.Stiff {
		r.streak = 0
		return
	}
	r.streak++
	switch {
	case s.Stiff && r.streak > stepsFromStiff:
		r.change(r.stiffly.slope())
	case !s.Stiff && r.streak > stepsToStiff:
		r.change(r.rk.nextFirst)
	}
}

// eigenvalue estimates that of the largest size from the last two stages, whose times are
// the same.
func (r *autoStepper[T]) eigenvalue(s *Step[T]) float64 {
	n, last := len(s.Y0), r.rk.s-1
	r.rk.combine(r.y, s.Y0, s, &r.rk.a[last-1])
	var up, down float64
	for i, y := range s.Y1 {
		f := float64(s.K[last*n+i]) - float64(s.K[(last-1)*n+i])
		d := float64(y) - float64(r.y[i])
		up, down = up+f*f, down+d*d
	}
	if up == 0 {
		return 0
	}
	return math.Sqrt(up / down)
}

func (r *autoStepper[T]) reject() {
	if r.stiff {
		r.stiffly.reject()
	} else {
		r.rk.reject()
	}
}

func (r *autoStepper[T]) retake(s *Step[T], end, dense bool) error {
	if s.Stiff {
		return r.stiffly.retake(s, end, dense)
	}
	return r.rk.retake(s, end, dense)
}

func (r *autoStepper[T]) dense(s *Step[T]) error {
	if s.Stiff {
		return r.stiffly.dense(s)
	}
	return r.rk.dense(s)
}

func (r *autoStepper[T]) interpolates() bool { return true }

func (r *autoStepper[T]) interpolant() interpolant[T] {
	return &autoInterpolant[T]{r.rk.interpolant(), r.stiffly.interpolant()}
}

func (r *autoStepper[T]) inside(dst []T, s *Step[T], theta float64) error {
	if s.Stiff {
		return r.stiffly.inside(dst, s, theta)
	}
	return r.rk.inside(dst, s, theta)
}

// autoInterpolant is that of the method of a step.
type autoInterpolant[T Float] struct{ rk, stiffly interpolant[T] }

func (p *autoInterpolant[T]) of(s *Step[T]) interpolant[T] {
	if s.Stiff {
		return p.stiffly
	}
	return p.rk
}

func (p *autoInterpolant[T]) state(dst []T, s *Step[T], theta float64) {
	p.of(s).state(dst, s, theta)
}

func (p *autoInterpolant[T]) slope(dst []T, s *Step[T], theta float64) {
	p.of(s).slope(dst, s, theta)
}
