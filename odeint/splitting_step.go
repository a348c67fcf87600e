package odeint

import "github.com/neuralode/neuralode/internal/vec"

// splitter is the stepper of splittings. Its work arrays hold the q of all samples,
// then their p.
type splitter[T Float] struct {
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
	// The exchange waits for the next attempt: outputs inside the step need the first.
	first, last []T
	known       bool // first is that of the step's start
	carried     bool // last is that of the next step's start

	e, eNext, eOut []T // compensation of Y0, of Y1 and of an output; nil: none
}

func newSplitter[T Float](m *Splitting, ev *evaluator[T], compensated bool) *splitter[T] {
	f := ev.field.(Separable[T])
	dim := f.Dim()
	r := &splitter[T]{
		ev: ev, field: f, n: f.Pairs(), flows: m.Flows(), fsal: m.FSAL(),
		interp: newDenseOutput[T](hermite(0)), ends: endSlopes[T]{ev: ev},
		z: make([]T, dim), slope: make([]T, dim/2), first: make([]T, dim/2), last: make([]T, dim/2),
	}
	if compensated {
		r.e, r.eNext, r.eOut = make([]T, dim), make([]T, dim), make([]T, dim)
	}
	return r
}

func (r *splitter[T]) rows() (step, all int) { return 0, hermiteRows }

func (r *splitter[T]) restart([]T) {
	r.known, r.carried = false, false
	r.ends.restart()
	clear(r.e)
	clear(r.eNext)
}

func (r *splitter[T]) attempt(s *Step[T]) (scaled float64, err error) {
	if r.carried {
		r.first, r.last = r.last, r.first
		r.e, r.eNext = r.eNext, r.e
		r.known, r.carried = r.fsal, false
	}
	s.K = s.K[:0]
	if err := r.run(s, 1, r.eNext); err != nil {
		return 0, err
	}
	vec.Pair(s.Y1, r.z, r.n)
	return 0, r.ev.check("the new state", s.Y1, s.T1)
}

// run leaves the state at T0 + theta·H in z and its compensation in e, by a step of
// the method of that size.
func (r *splitter[T]) run(s *Step[T], theta float64, e []T) error {
	vec.Unpair(r.z, s.Y0, r.n)
	half := len(r.z) / 2
	q, p := r.z[:half], r.z[half:]
	var eq, ep []T
	if e != nil {
		copy(e, r.e)
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
		if i > 0 || !r.known {
			if err := r.evaluate(k, f.Kick, s.StageTime(f.At*theta), from); err != nil {
				return err
			}
		}
		r.known = true
		advance(x, ex, w, k)
	}
	return nil
}

// evaluate stores the slope of one half in dst.
func (r *splitter[T]) evaluate(dst []T, kick bool, t float64, x []T) error {
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

func (r *splitter[T]) accept(*Step[T]) { r.carried = true }

func (r *splitter[T]) reject() {}

func (r *splitter[T]) dense(s *Step[T]) error { return r.ends.store(s, 0) }

func (r *splitter[T]) interpolates() bool { return false }

func (r *splitter[T]) interpolant() interpolant[T] { return &r.interp }

func (r *splitter[T]) output(dst []T, s *Step[T], theta float64) error {
	if err := r.run(s, theta, r.eOut); err != nil {
		return err
	}
	vec.Pair(dst, r.z, r.n)
	return r.ev.check("the new state", dst, s.T0+theta*s.H)
}
