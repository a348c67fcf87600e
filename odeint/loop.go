package odeint

import (
	"context"
	"math"
)

// solve is the loop of every solve:
//
//	begin     checks the arguments, plans the landings and saves the first row
//	aim       sets the end and the size of the step to try: ready and launch choose a first size, target the end
//	attempt   takes it: the method's stepper
//	settle    judges it: accepts it or not, and has the controller choose the next size
//	conclude  ends an accepted step:
//	cut       shortens it where an event in it acts (event_watch.go)
//	keep      saves the rows in it and, where asked for, the step itself
//	advance   makes its end the state reached; room gives the next step its memory
//	finish    ends a solve that reached its end, stop one that did not
//
// in.step is the step being tried; its T0 and Y0 are what is reached.
func (in *Integrator[T]) solve(ctx context.Context, sol *Solution[T], t0, t1 float64, y0 []T, save saver) error {
	if err := in.begin(sol, t0, t1, y0, save); err != nil {
		return err
	}
	return in.proceed(ctx)
}

// proceed is solve after begin.
func (in *Integrator[T]) proceed(ctx context.Context) error {
	for !in.plan.done() {
		if err := ctx.Err(); err != nil {
			return in.stop(err)
		}
		if err := in.aim(); err != nil {
			return in.stop(err)
		}
		scaled, err := in.stepper.attempt(&in.step)
		accepted, err := in.settle(scaled, err)
		if err == nil && accepted {
			err = in.conclude(ctx)
		}
		if err != nil {
			return in.stop(err)
		}
	}
	return in.finish()
}

// settle decides what becomes of an attempt with the given scaled error.
func (in *Integrator[T]) settle(scaled float64, err error) (accepted bool, _ error) {
	if u, shorter := err.(unsolved); shorter {
		return false, in.shorten(u.error)
	}
	if err == nil {
		accepted, err = in.judge(scaled)
	}
	switch {
	case err != nil:
		return false, in.retreat(err)
	case accepted:
		in.retreats = 0
	default:
		in.stepper.reject()
	}
	return accepted, nil
}

// maxRetreats is how often in a row a step that met NaN or Inf is tried again.
const maxRetreats = 20

// retreat has an adaptive step that met NaN or Inf on its way tried again with a quarter of its size: it
// may have left the domain of f. It returns the error where that cannot help: at the start of the
// step, for a field that failed, and after maxRetreats in a row.
func (in *Integrator[T]) retreat(err error) error {
	s := &in.step
	nf, ok := err.(*NonFiniteError)
	if !ok || in.opt.EndAtNaN || nf.Cause != nil || nf.What == "f" && nf.T == s.StageTime(0) || in.retreats == maxRetreats {
		return err
	}
	h := math.Abs(s.H)
	if shortest(h/4, s.T0) || !in.plan.shrink(h) {
		return err
	}
	in.retreats++
	in.stats.Rejected++
	in.stats.Diverged++
	in.stepper.reject()
	return nil
}

// conclude ends an accepted step.
func (in *Integrator[T]) conclude(ctx context.Context) error {
	if in.watch != nil {
		err := in.watch.cut()
		if u, shorter := err.(unsolved); shorter {
			return in.shorten(u.error)
		}
		if err != nil {
			return err
		}
	}
	if err := in.keep(ctx); err != nil {
		return err
	}
	if in.observe != nil {
		if err := in.observe(&in.step, &in.stats); err != nil {
			in.advance()
			return err
		}
	}
	return in.advance()
}

// begin checks the arguments, plans the landings and saves the first row.
func (in *Integrator[T]) begin(sol *Solution[T], t0, t1 float64, y0 []T, save saver) error {
	if sol == nil {
		panic("odeint: nil solution")
	}
	n := in.ev.field.Dim()
	if len(y0) != n {
		panic("odeint: length of y0 is not the dimension of the field")
	}
	if err := in.plan.reset(t0, t1, Jumps(in.ev.field), &save); err != nil {
		return err
	}
	in.sol, in.saver, in.stats, in.suspicion, in.retreats = sol, save, Stats{}, suspicion{}, 0
	sol.reset(n, t0)
	in.step = Step[T]{T0: t0, T1: t0, Y0: in.y[0]}
	if in.keepsSteps() {
		in.step.Y0 = sol.slab.reserve(n)
		sol.slab.take(n)
	}
	copy(in.step.Y0, y0)
	if in.opt.SaveAt.Keep == Dense {
		sol.interp = in.stepper.interpolant()
	}
	in.ev.failure() // what happened before this solve is not its failure
	if err := nonFinite("y0", t0, in.step.Y0); err != nil {
		return in.stop(err)
	}
	if in.saver.first(t0, t0 == t1) {
		copy(sol.add(t0, -1, 0), in.step.Y0)
	}
	if in.watch != nil {
		if err := in.watch.begin(); err != nil {
			return in.stop(err)
		}
	}
	in.stepper.restart(nil)
	in.room()
	return nil
}

// aim sets the step to try: its end, its size and the times f may be evaluated at.
func (in *Integrator[T]) aim() error {
	probes, err := in.ready()
	if err != nil {
		return err
	}
	if probes {
		h, err := in.start.size(in)
		if err != nil {
			return err
		}
		in.launch(h)
	}
	return in.target()
}

// target sets the end and the size of the step to try.
func (in *Integrator[T]) target() error {
	p, s := &in.plan, &in.step
	if p.fixed {
		s.T1, s.H = p.fixedStep(s.T0)
		in.resumeSeries()
	} else {
		s.T1, s.H = p.adaptiveStep(s.T0)
	}
	if !p.lands && shortest(p.h, s.T0) {
		return in.tooSmall()
	}
	to := edge{}
	if p.lands {
		to = p.landings[p.next].end()
	}
	s.setBounds(p.from, to)
	return nil
}

// tooSmall says why the step has become too small.
func (in *Integrator[T]) tooSmall() error {
	if i := in.tol.unscaled(in.step.Y0); i >= 0 {
		return &ScaleError{Component: i, T: in.step.T0}
	}
	if in.suspicion.jumps() {
		return &JumpError{T: in.plan.dir * in.suspicion.at()}
	}
	return ErrStepTooSmall
}

// ready prepares for the choice of a step size at the start, after a jump and, for Fixed, at
// each landing. probes tells that it takes evaluations of f, those of startingStep.
func (in *Integrator[T]) ready() (probes bool, err error) {
	p, s := &in.plan, &in.step
	if in.stats.Accepted+in.stats.Rejected >= p.maxSteps {
		return false, ErrMaxSteps
	}
	if !p.fresh {
		return false, nil
	}
	atStart := p.next == 0 && in.stats.Accepted == 0
	p.fresh = false
	switch {
	case p.fixed:
		if err := p.startSeries(s.T0); err != nil {
			return false, err
		}
		m := p.landings[p.next]
		in.sol.series = append(in.sol.series, series{
			first: in.stats.Accepted, n: p.count, start: s.T0, end: m.t, h: p.dir * p.h,
			cut: p.cut, from: p.from, to: m.end(),
		})
		return false, nil
	case atStart && p.h0 > 0:
		p.h = p.clamp(p.h0)
		return false, nil
	}
	s.T1 = p.landings[p.next].t
	s.setBounds(p.from, p.landings[p.next].end())
	return true, nil
}

// launch begins with steps of size h; in.start has the slope.
func (in *Integrator[T]) launch(h float64) {
	in.plan.h = in.plan.clamp(h)
	in.stepper.restart(in.start.f0)
}

// shorten has the step just tried, whose stages were not found, tried again with half its
// size. Where it cannot be shorter the error is the cause.
func (in *Integrator[T]) shorten(cause error) error {
	h := math.Abs(in.step.H)
	if shortest(h/2, in.step.T0) || !in.plan.halve(h) {
		return cause
	}
	in.stats.Rejected++
	in.stats.Diverged++
	in.stepper.reject()
	return nil
}

// judge decides whether the step just tried is accepted.
func (in *Integrator[T]) judge(scaled float64) (accepted bool, err error) {
	s := &in.step
	if scaled != scaled {
		return false, &NonFiniteError{What: "the error norm", T: s.T1, Component: -1, Value: scaled}
	}
	dir := in.plan.dir
	if in.plan.decide(scaled, math.Abs(s.H)) {
		if at := in.suspicion.at(); in.suspicion.accept(dir * s.T1) {
			in.stats.note(dir * at)
		}
		return true, nil
	}
	in.suspicion.reject(dir*s.T0, dir*s.T1)
	in.stats.Rejected++
	return false, nil
}

// keep accepts the step: it saves the rows in it and, if asked for, the step.
func (in *Integrator[T]) keep(ctx context.Context) error {
	s, sol, save, dir := &in.step, in.sol, &in.saver, in.plan.dir
	if in.wantsDense() {
		if err := in.stepper.dense(s); err != nil {
			return err
		}
	}
	in.stepper.accept(s)
	index := in.stats.Accepted
	in.stats.step(math.Abs(s.H))
	for save.before(s.T1, dir) {
		t := save.times[save.next]
		theta := s.theta(t)
		// A row can cost as much as a step.
		err := ctx.Err()
		row := sol.add(t, index, theta)
		if err == nil {
			err = in.stepper.inside(row, s, theta)
		}
		if err == nil {
			err = in.ev.check("the saved state", row, t)
		}
		if err != nil {
			sol.drop()
			return err
		}
		save.next++
	}
	last := in.plan.lands && in.plan.next == len(in.plan.landings)-1 || in.watch != nil && in.watch.ends()
	if save.at(s.T1, in.stats.Accepted, last) {
		copy(sol.add(s.T1, index, 1), s.Y1)
	}
	if in.keepsSteps() {
		sol.record(s, in.keepsStages())
	}
	if in.watch != nil {
		return in.watch.note(index)
	}
	return nil
}

// wantsDense reports whether keep needs the dense stages of the accepted step.
func (in *Integrator[T]) wantsDense() bool {
	return in.opt.SaveAt.Keep == Dense || in.stepper.interpolates() && in.saver.before(in.step.T1, in.plan.dir) || in.watch != nil && in.watch.inside()
}

func (in *Integrator[T]) keepsStages() bool { return in.opt.SaveAt.Keep >= Stages }

func (in *Integrator[T]) keepsSteps() bool { return in.opt.SaveAt.Keep >= Steps }

// advance makes the end of the accepted step the state reached, and has the events there
// happen.
func (in *Integrator[T]) advance() error {
	s := &in.step
	s.T0, s.Y0, s.H = s.T1, s.Y1, 0
	restart := in.plan.moveOn(s.T0)
	var err error
	if in.watch != nil {
		before := in.stats.Events
		err = in.watch.fire(in.stats.Accepted - 1)
		restart = restart || in.stats.Events > before
	}
	if restart {
		in.stepper.restart(nil)
	}
	in.room()
	return err
}

// other returns memory for another state than Y0 at the same time: the solution's own where steps
// are kept.
func (in *Integrator[T]) other() []T {
	n := len(in.step.Y0)
	switch {
	case in.keepsSteps():
		y := in.sol.slab.reserve(n)
		in.sol.slab.take(n)
		return y
	case &in.step.Y0[0] == &in.y[0][0]:
		return in.y[1]
	}
	return in.y[0]
}

// room gives the next step memory for its end and its stages: the solution's own where
// the step will be kept.
func (in *Integrator[T]) room() {
	s, n := &in.step, len(in.step.Y0)
	s.K = in.k
	switch {
	case in.keepsStages():
		m := in.sol.slab.reserve(n + len(in.k))
		s.Y1, s.K = m[:n:n], m[n:]
	case in.keepsSteps():
		s.Y1 = in.sol.slab.reserve(n)
	case &s.Y0[0] == &in.y[0][0]:
		s.Y1 = in.y[1]
	default:
		s.Y1 = in.y[0]
	}
}

// finish ends a solve that reached its end.
func (in *Integrator[T]) finish() error {
	if err := in.ev.failure(); err != nil {
		return in.stop(err)
	}
	in.leave()
	return nil
}

// stop ends a solve early.
func (in *Integrator[T]) stop(err error) error {
	in.leave()
	return &StepError{T: in.step.T0, H: in.step.H, Steps: in.stats.Accepted + in.stats.Rejected, Err: err}
}

// leave hands the state reached to the solution.
func (in *Integrator[T]) leave() {
	in.sol.t, in.sol.last = in.step.T0, append(in.sol.last, in.step.Y0...)
	in.sol.Stats = in.stats
	in.sol.stopped = in.watch != nil && in.watch.ended
}
