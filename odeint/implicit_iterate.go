package odeint

import (
	"math"

	"github.com/neuralode/neuralode/internal/vec"
)

// stageConvergence tells when the iteration for the increments of a step is at its end. The
// changes of the increments are measured against the state.
type stageConvergence[T Float] struct {
	tol     float64 // 0: at rounding
	noise   float64 // relative size of a change that can be rounding
	scale   float64 // largest component of the state and the increments so far
	limit   float64 // a change that says the iteration diverges; 0: not known yet
	largest float64 // change in this iteration
	best    float64 // the smallest of them so far
	stalled int     // iterations in which it was no smaller than one before
	moving  bool    // some component's change is smaller than all before
}

// maxStalled is how often the largest change may fail to fall, once it is as small as
// rounding, while the change of some component still does: by chance, most likely.
const maxStalled = 3

func (r *implicitStepper[T]) newConvergence(y []T) stageConvergence[T] {
	for i := range r.least {
		r.least[i] = T(math.Inf(1))
	}
	p := stageConvergence[T]{tol: r.tol, noise: math.Pow(vec.Epsilon[T](), 0.75), best: math.Inf(1)}
	for _, v := range y {
		p.scale = max(p.scale, math.Abs(float64(v)))
	}
	return p
}

// startIteration starts an iteration.
func (p *stageConvergence[T]) startIteration() { p.largest, p.moving = 0, false }

// observe notes that an increment changed from last to next. *least is the smallest
// change of this increment so far that was not 0, and is kept up to date.
func (p *stageConvergence[T]) observe(least *T, last, next T) {
	p.scale = max(p.scale, math.Abs(float64(next)))
	change := next - last
	if change < 0 {
		change = -change
	}
	if change == 0 {
		return
	}
	p.largest = max(p.largest, float64(change))
	if change < *least {
		*least = change
		p.moving = true
	}
}

// done reports whether the iteration can stop: the changes are no larger than rounding
// can make them, and no longer fall.
func (p *stageConvergence[T]) done() bool {
	if p.largest <= p.tol*p.scale {
		return true
	}
	if p.limit == 0 {
		p.limit = 1e3 * (p.largest + p.scale)
	}
	if p.largest > p.noise*p.scale {
		return false
	}
	if p.largest >= p.best {
		p.stalled++
	}
	p.best = min(p.best, p.largest)
	return !p.moving || p.stalled >= maxStalled
}

// acceptable reports whether the changes are below the rounding of the state: an iteration
// that has run out of its number need not go on.
func (p *stageConvergence[T]) acceptable() bool { return p.largest <= vec.Epsilon[T]()*p.scale }

// diverged reports whether the changes grow beyond all bounds.
func (p *stageConvergence[T]) diverged() bool { return p.largest > p.limit }

// solveStages finds the stages of a step from T0 to T0 + theta·H. On entry k has
// a guess of their slopes, on return the slopes; the increments are left in l.
func (r *implicitStepper[T]) solveStages(s *Step[T], theta float64, k []T) error {
	h := theta * s.H
	r.setWeights(h)
	n := r.dim
	for i := range r.s {
		for c, v := range k[i*n : (i+1)*n] {
			r.l[i*n+c] = r.hb[i] * v
		}
	}
	if r.comp != nil {
		copy(r.l[r.s*n:], r.comp)
	}
	if r.newton != nil {
		if !r.newton.factorise(r.mu, r.hb) {
			return &ConvergenceError{Method: r.m.Name, Solver: "Newton", T: s.T0, H: h, Change: math.Inf(1)}
		}
	}
	stop := r.newConvergence(s.Y0)
	for it := 1; ; it++ {
		r.ev.stats.Iterations++
		stop.startIteration()
		var err error
		if r.newton != nil {
			err = r.newtonSweep(s, theta, k, &stop)
		} else {
			err = r.fixedPointSweep(s, theta, k, &stop)
		}
		if err != nil || stop.done() {
			return err
		}
		if it >= r.maxIt && stop.acceptable() {
			return nil
		}
		if it >= r.maxIt || stop.diverged() {
			return &ConvergenceError{Method: r.m.Name, Solver: r.solver, T: s.T0, H: h, Iterations: it, Change: stop.largest / stop.scale}
		}
	}
}

// fixedPointSweep replaces each L_i by h B_i f(Y_i), one after the other.
func (r *implicitStepper[T]) fixedPointSweep(s *Step[T], theta float64, k []T, stop *stageConvergence[T]) error {
	n := r.dim
	for i := range r.s {
		ki, li := k[i*n:(i+1)*n], r.l[i*n:(i+1)*n]
		if err := r.stage(ki, s, theta, i); err != nil {
			return err
		}
		hb, least := r.hb[i], r.least[i*n:(i+1)*n]
		for c, v := range ki {
			next := hb * v
			stop.observe(&least[c], li[c], next)
			li[c] = next
		}
	}
	return nil
}

// stage stores the slope of stage i, from the increments so far, in dst.
func (r *implicitStepper[T]) stage(dst []T, s *Step[T], theta float64, i int) error {
	vec.Combine(r.y, s.Y0, r.mu[i].w, r.mu[i].rows, r.l)
	t := s.T0 + r.m.C[i]*theta*s.H
	if theta == 1 {
		t = s.StageTime(r.m.C[i])
	}
	return r.ev.at(dst, s.bound(t), r.y)
}
