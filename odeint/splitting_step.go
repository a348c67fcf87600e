package odeint

import "github.com/neuralode/neuralode/internal/vec"

// splittingStepper is the stepper of splittings. Its work arrays hold the q of all samples,
// then their p.
type splittingStepper[T Float] struct {
	ev     *evaluator[T]
	field  Separable[T]
	n      int // pairs of a sample
	flows  []Flow
	fsal   bool
	interp denseOutput[T]
	ends   endSlopes[T]

	z     []T
	slope []T

	// The slope of the first flow, and of the last one if it serves the next step.
	// They change places, like the compensation, at the attempt that follows an accepted
	// step (swapPending): rows inside the accepted step need the first.
	first, last []T
	firstKnown  bool // first is that of the step's start
	swapPending bool // last is that of the next step's start

	comp, compNext, compOut []T // compensation of Y0, of Y1 and of an output; nil: none
}

func newSplittingStepper[T Float](m *Splitting, ev *evaluator[T], compensated bool) *splittingStepper[T] {
	f := ev.field.(Separable[T])
	dim := f.Dim()
	r := &splittingStepper[T]{
		ev: ev, field: f, n: f.SampleDim() / 2, flows: m.Flows(), fsal: m.FSAL(),
		interp: newDenseOutput[T](hermite(0)), ends: endSlopes[T]{ev: ev},
		z: make([]T, dim), slope: make([]T, dim/2), first: make([]T, dim/2), last: make([]T, dim/2),
	}
	if compensated {
		r.comp, r.compNext, r.compOut = make([]T, dim), make([]T, dim), make([]T, dim)
	}
	return r
}

func (r *splittingStepper[T]) stages() (step, all int) { return 0, hermiteStages }

func (r *splittingStepper[T]) restart([]T) {
	r.firstKnown, r.swapPending = false, false
	r.ends.restart()
	clear(r.comp)
	clear(r.compNext)
}

func (r *splittingStepper[T]) attempt(s *Step[T]) (scaled float64, err error) {
	if r.swapPending {
		r.first, r.last = r.last, r.first
		r.comp, r.compNext = r.compNext, r.comp
		r.firstKnown, r.swapPending = r.fsal, false
	}
	s.K = s.K[:0]
	if err := r.run(s, 1, r.compNext); err != nil {
		return 0, err
	}
	vec.Pair(s.Y1, r.z, r.n)
	return 0, r.ev.check("the new state", s.Y1, s.T1)
}

// run leaves the state at T0 + theta·H in z and its compensation in e, by a step of
// the method of that size.
func (r *splittingStepper[T]) run(s *Step[T], theta float64, e []T) error {
	vec.Unpair(r.z, s.Y0, r.n)
	half := len(r.z) / 2
	q, p := r.z[:half], r.z[half:]
	var eq, ep []T
	if e != nil {
		copy(e, r.comp)
		eq, ep = e[:half], e[half:]
	}
	for i, f := range r.flows {
		k := r.slope
		switch {
		case i == 0:
			k = r.first
		case i == len(r.flows)-1 && r.fsal && theta == 1:
			k = r.last
		}
		w := T(f.Weight * theta * s.H)
		x, ex, from := q, eq, p
		if f.Kick {
			x, ex, from = p, ep, q
		}
		if i > 0 || !r.firstKnown {
			if err := r.evaluate(k, f.Kick, s.StageTime(f.At*theta), from); err != nil {
				return err
			}
		}
		r.firstKnown = true
		addScaled(x, ex, w, k)
	}
	return nil
}

// evaluate stores the slope of one half in dst.
func (r *splittingStepper[T]) evaluate(dst []T, kick bool, t float64, x []T) error {
	what := "the drift"
	if kick {
		what = "the kick"
		r.ev.stats.Kicks++
		r.field.Kick(dst, t, x)
	} else {
		r.ev.stats.Drifts++
		r.field.Drift(dst, t, x)
	}
	return r.ev.check(what, dst, t)
}

func (r *splittingStepper[T]) accept(*Step[T]) {
	r.swapPending = true
	r.ends.accept()
}

func (r *splittingStepper[T]) reject() { r.ends.reject() }

func (r *splittingStepper[T]) retake(s *Step[T], _, dense bool) error { return takeAgain(r, s, dense) }

func (r *splittingStepper[T]) dense(s *Step[T]) error { return r.ends.store(s, 0) }

func (r *splittingStepper[T]) interpolates() bool { return false }

func (r *splittingStepper[T]) interpolant() interpolant[T] { return &r.interp }

func (r *splittingStepper[T]) inside(dst []T, s *Step[T], theta float64) error {
	if err := r.run(s, theta, r.compOut); err != nil {
		return err
	}
	vec.Pair(dst, r.z, r.n)
	return r.ev.check("the new state", dst, s.T0+theta*s.H)
}
