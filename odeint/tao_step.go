package odeint

import (
	"math"

	"github.com/neuralode/neuralode/internal/butcher"
)

// taoStepper is the stepper of Tao. The first row of a step's K is the second copy
// of the state at its start.
type taoStepper[T Float] struct {
	ev     *evaluator[T]
	n      int // pairs of a sample
	omega  float64
	gamma  []float64
	interp denseOutput[T]
	ends   endSlopes[T]

	a, b      []T // the copies
	mixed     []T // what f sees of them
	secondEnd []T // the second copy at the end of the step
	slope     []T
	nextSlope []T // the slope with which the next composed step begins

	// The slope of H(q, y) at the step's start and at its end, where the next step
	// begins with it. They change places, like the compensation of both copies, at
	// the attempt that follows an accepted step (swapPending): rows inside the accepted
	// step need the first.
	first, last             []T
	firstKnown              bool // first is evaluated
	swapPending             bool
	comp, compNext, compOut []T // nil: no compensation
}

func newTaoStepper[T Float](m *Tao, ev *evaluator[T], compensated bool) *taoStepper[T] {
	n := ev.field.Dim()
	r := &taoStepper[T]{
		ev: ev, n: SampleDim(ev.field) / 2, omega: m.Omega, gamma: m.Sizes(),
		interp: newDenseOutput[T](hermite(1)), ends: endSlopes[T]{ev: ev},
		a: make([]T, n), b: make([]T, n), mixed: make([]T, n), secondEnd: make([]T, n),
		slope: make([]T, n), nextSlope: make([]T, n), first: make([]T, n), last: make([]T, n),
	}
	if compensated {
		r.comp, r.compNext, r.compOut = make([]T, 2*n), make([]T, 2*n), make([]T, 2*n)
	}
	return r
}

func (r *taoStepper[T]) stages() (step, all int) { return 1, 1 + hermiteStages }

func (r *taoStepper[T]) restart([]T) {
	r.firstKnown, r.swapPending = false, false
	r.ends.restart()
	clear(r.comp)
	clear(r.compNext)
}

func (r *taoStepper[T]) attempt(s *Step[T]) (scaled float64, err error) {
	n := len(s.Y0)
	s.K = s.K[:n]
	if r.swapPending {
		copy(s.K, r.secondEnd)
		r.first, r.last = r.last, r.first
		r.comp, r.compNext = r.compNext, r.comp
		r.swapPending = false
	} else if !r.firstKnown {
		copy(s.K, s.Y0)
	}
	if err := r.run(s, 1, r.last, r.compNext); err != nil {
		return 0, err
	}
	copy(s.Y1, r.a)
	copy(r.secondEnd, r.b)
	return 0, r.ev.check("the new state", s.Y1, s.T1)
}

// run leaves the copies at T0 + theta·H in a and b, their compensation in e and the
// slope with which the next step begins in last.
func (r *taoStepper[T]) run(s *Step[T], theta float64, last, e []T) error {
	n := len(s.Y0)
	copy(r.a, s.Y0)
	copy(r.b, s.K[:n])
	copy(e, r.comp)
	var ea, eb []T
	if e != nil {
		ea, eb = e[:n], e[n:]
	}
	if !r.firstKnown {
		if err := r.evaluate(r.first, s, 0, r.a, r.b); err != nil {
			return err
		}
		r.firstKnown = true
	}
	k := r.first
	// Each flow sees the time that moves with the other one, as a Splitting's do.
	var t1, t2 float64
	for i, g := range r.gamma {
		w := T(g / 2 * theta * s.H)
		r.move(r.a, r.b, ea, eb, w, k)
		t1 = butcher.SnapToInteger(t1 + g/2)
		for half := range 2 {
			if err := r.evaluate(r.slope, s, t1*theta, r.b, r.a); err != nil {
				return err
			}
			r.move(r.b, r.a, eb, ea, w, r.slope)
			if half == 0 {
				r.rotate(ea, eb, 2*r.omega*g*theta*s.H)
			}
		}
		t2 = butcher.SnapToInteger(t2 + g)
		k = r.nextSlope
		if i == len(r.gamma)-1 {
			k = last
		}
		if err := r.evaluate(k, s, t2*theta, r.a, r.b); err != nil {
			return err
		}
		r.move(r.a, r.b, ea, eb, w, k)
		t1 = butcher.SnapToInteger(t1 + g/2)
	}
	return nil
}

// evaluate stores f at the q of x and the p of y in dst.
func (r *taoStepper[T]) evaluate(dst []T, s *Step[T], c float64, x, y []T) error {
	for i := 0; i < len(x); i += 2 * r.n {
		copy(r.mixed[i:i+r.n], x[i:])
		copy(r.mixed[i+r.n:i+2*r.n], y[i+r.n:])
	}
	return r.ev.at(dst, s.StageTime(c), r.mixed)
}

// move is the flow of H(q of x, p of y), whose slope is k: it changes the p of x
// and the q of y.
func (r *taoStepper[T]) move(x, y, ex, ey []T, w T, k []T) {
	for i := 0; i < len(x); i += 2 * r.n {
		q, p, end := i, i+r.n, i+2*r.n
		addScaled(x[p:end], between(ex, p, end), w, k[p:end])
		addScaled(y[q:p], between(ey, q, p), w, k[q:p])
	}
}

func between[T Float](e []T, from, to int) []T {
	if e == nil {
		return nil
	}
	return e[from:to]
}

// rotate turns the difference of the copies by an angle and leaves their mean.
func (r *taoStepper[T]) rotate(ea, eb []T, angle float64) {
	sin, cos := math.Sincos(angle)
	sn, cs := T(sin), T(cos)-1
	d := r.slope
	for i := 0; i < len(r.a); i += 2 * r.n {
		for q := i; q < i+r.n; q++ {
			p := q + r.n
			u, v := (r.a[q]-r.b[q])/2, (r.a[p]-r.b[p])/2
			d[q], d[p] = cs*u+sn*v, cs*v-sn*u
		}
	}
	addScaled(r.a, ea, 1, d)
	addScaled(r.b, eb, -1, d)
}

func (r *taoStepper[T]) accept(*Step[T]) {
	r.swapPending = true
	r.ends.accept()
}

func (r *taoStepper[T]) reject() { r.ends.reject() }

// retake finds the second copy in s.K; without one the copies are equal.
func (r *taoStepper[T]) retake(s *Step[T], _, dense bool) error {
	n := len(s.Y0)
	second := len(s.K) >= n
	r.restart(nil)
	if second {
		copy(r.secondEnd, s.K[:n])
		r.swapPending = true
	}
	if _, err := r.attempt(s); err != nil || !dense {
		return err
	}
	return r.dense(s)
}

func (r *taoStepper[T]) dense(s *Step[T]) error { return r.ends.store(s, 1) }

func (r *taoStepper[T]) interpolates() bool { return false }

func (r *taoStepper[T]) interpolant() interpolant[T] { return &r.interp }

func (r *taoStepper[T]) inside(dst []T, s *Step[T], theta float64) error {
	if err := r.run(s, theta, r.nextSlope, r.compOut); err != nil {
		return err
	}
	copy(dst, r.a)
	return r.ev.check("the new state", dst, s.T0+theta*s.H)
}
