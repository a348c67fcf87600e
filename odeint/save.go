package odeint

import "math"

// output is what a solve still has to save.
type output struct {
	times      []float64
	next       int // the first of times that is not saved
	every      int
	start, end bool
}

// check adds what is wrong with the saved times of a solve from t0 to t1.
func (o *output) check(t0, t1, dir float64, f *faults) {
	lo, hi := min(t0, t1), max(t0, t1)
	for i, t := range o.times {
		if !(t >= lo && t <= hi) {
			f.add("times: %v at %d is outside the interval from %v to %v", t, i, t0, t1)
		} else if i > 0 && !(dir*t > dir*o.times[i-1]) {
			f.add("times: %v at %d does not follow %v in the direction of integration", t, i, o.times[i-1])
		}
	}
}

// first reports whether the initial state is saved.
func (o *output) first(t0 float64, last bool) bool {
	if len(o.times) > 0 && o.times[0] == t0 {
		o.next = 1
		return true
	}
	return o.start || o.end && last
}

// inside reports whether the next saved time lies before the end of the step.
func (o *output) inside(t1, dir float64) bool {
	return o.next < len(o.times) && dir*o.times[o.next] < dir*t1
}

// at reports whether the end t1 of the n-th accepted step is saved; last is the
// end of the solve.
func (o *output) at(t1 float64, n int, last bool) bool {
	if o.next < len(o.times) && o.times[o.next] == t1 {
		o.next++
		return true
	}
	return o.every > 0 && n%o.every == 0 || o.end && last
}

// keep accepts the step: it saves the rows in it and, if asked for, the step.
func (in *Integrator[T]) keep() error {
	s, sol, out, dir := &in.step, in.sol, &in.output, in.pace.dir
	if in.opt.SaveAt.Dense || in.stepper.interpolates() && out.inside(s.T1, dir) {
		if err := in.stepper.dense(s); err != nil {
			return err
		}
	}
	in.stepper.accept(s)
	index := in.stats.Accepted
	in.stats.step(math.Abs(s.H))
	for out.inside(s.T1, dir) {
		t := out.times[out.next]
		theta := s.theta(t)
		if err := in.stepper.output(sol.add(t, index, theta), s, theta); err != nil {
			sol.drop()
			return err
		}
		out.next++
	}
	last := in.pace.lands && in.pace.next == len(in.pace.marks)-1
	if out.at(s.T1, in.stats.Accepted, last) {
		copy(sol.add(s.T1, index, 1), s.Y1)
	}
	if in.keepsSteps() {
		sol.record(s, in.keepsStages())
	}
	return nil
}

func (in *Integrator[T]) keepsStages() bool { return in.opt.SaveAt.Dense || in.opt.SaveAt.Stages }

func (in *Integrator[T]) keepsSteps() bool { return in.keepsStages() || in.opt.SaveAt.Steps }

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
