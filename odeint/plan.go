package odeint

import (
	"cmp"
	"math"
	"slices"
)

// pace is the plan of a solve's steps: the times to land on and the step size.
type pace struct {
	stops, jumps []float64 // Options, ascending
	ctl          Controller
	fixed        bool
	h0           float64 // Options.H0
	hmin, hmax   float64 // hmax 0: none
	maxSteps     int     // 0: no limit
	order        int     // of the error estimate

	dir   float64 // +1 or −1
	marks []mark  // the times to land on, in order; the last is the end
	next  int     // the first of them ahead
	fresh bool    // the step size has to be chosen: at the start, after a jump and, for Fixed, at each mark
	jump  bool    // the next step starts at a jump

	h           float64 // absolute size of the next step
	prev, prev2 float64 // scaled errors of the last accepted steps
	rejected    bool    // the last attempt was
	lands       bool    // the step being tried ends at a mark
	cut         bool    // and is shorter than h for that

	anchor     float64 // Fixed: the time at which the row of steps to the next mark began
	taken, row int     // Fixed: the steps taken of it and its length
}

// mark is a time that a step has to end at.
type mark struct {
	t    float64
	jump bool
}

func newPace(o *Options) pace {
	p := pace{
		stops: o.Stops, jumps: o.Jumps, ctl: o.Controller, h0: o.H0, hmin: o.HMin, hmax: o.HMax,
		maxSteps: o.MaxSteps, order: errOrder(o.Method),
	}
	_, p.fixed = o.Controller.(Fixed)
	return p
}

// plan starts anew for a solve from t0 to t1 with the given outputs. The error lists all
// that is wrong with the times.
func (p *pace) plan(t0, t1 float64, out *output) error {
	var f faults
	if !finite(t0) || !finite(t1) || !finite(t1-t0) {
		f.add("t0, t1: %v, %v: the interval is not finite", t0, t1)
		return f.err()
	}
	*p = pace{
		stops: p.stops, jumps: p.jumps, ctl: p.ctl, fixed: p.fixed, h0: p.h0, hmin: p.hmin, hmax: p.hmax,
		maxSteps: p.maxSteps, order: p.order, marks: p.marks[:0], dir: 1, fresh: true, anchor: t0,
	}
	if t1 < t0 {
		p.dir = -1
	}
	out.check(t0, t1, p.dir, &f)
	p.mark(p.stops, t0, t1, false)
	p.mark(p.jumps, t0, t1, true)
	if p.fixed && p.h0 == 0 {
		p.mark(out.times, t0, t1, false)
		if len(p.marks) == 0 && len(out.times) == 0 && t0 != t1 {
			f.add("H0: Fixed needs a step size, or saved times, Stops or Jumps to step between")
		}
	}
	if t1 != t0 {
		_, end := slices.BinarySearch(p.jumps, t1)
		p.marks = append(p.marks, mark{t1, end})
	}
	_, p.jump = slices.BinarySearch(p.jumps, t0)
	slices.SortFunc(p.marks, p.compare)
	p.marks = slices.CompactFunc(p.marks, func(a, b mark) bool { return a.t == b.t })
	return f.err()
}

// mark adds the times strictly between t0 and t1 to the marks.
func (p *pace) mark(times []float64, t0, t1 float64, jump bool) {
	for _, t := range times {
		if t > min(t0, t1) && t < max(t0, t1) {
			p.marks = append(p.marks, mark{t, jump})
		}
	}
}

// compare orders marks in the direction of integration, jumps before others.
func (p *pace) compare(a, b mark) int {
	switch {
	case a.t != b.t:
		return cmp.Compare(p.dir*a.t, p.dir*b.t)
	case a.jump == b.jump:
		return 0
	case a.jump:
		return -1
	}
	return 1
}

func (p *pace) done() bool { return p.next == len(p.marks) }

// limit is the largest absolute size for a step from t.
func (p *pace) limit(t float64) float64 {
	limit := math.Abs(p.marks[p.next].t - t)
	if p.hmax > 0 {
		limit = min(limit, p.hmax)
	}
	return limit
}

// rowOf plans the steps of Fixed from t to the next mark.
func (p *pace) rowOf(t float64) error {
	p.anchor, p.taken, p.h = t, 0, p.h0
	end := p.marks[p.next].t
	length := math.Abs(end - t)
	if p.h == 0 {
		p.h = length
	}
	n := math.Round(length / p.h)
	if !(n < 1<<53) {
		return ErrStepTooSmall
	}
	// The step divides the row if it does so up to the rounding of the ends.
	p.cut = n < 1 || math.Abs(n*p.h-length) > 4*epsilon*max(math.Abs(t), math.Abs(end))
	if p.cut {
		n = math.Ceil(length / p.h)
	}
	p.row = int(n)
	return nil
}

// epsilon is the distance from 1 to the next float64.
const epsilon = 0x1p-52

// shortest reports whether a step of size h is too short to move on from t.
func shortest(h, t float64) bool { return !(0.1*h > epsilon*math.Abs(t)) }

// fixedStep returns the end and signed size of the next step of Fixed from t.
func (p *pace) fixedStep(t float64) (end, h float64) {
	h = p.dir * p.h
	p.lands = p.taken+1 >= p.row
	if !p.lands {
		return p.anchor + float64(p.taken+1)*h, h
	}
	end = p.marks[p.next].t
	if p.cut {
		h = end - t
	}
	return end, h
}

// adaptiveStep returns the end and signed size of the next adaptive step from t.
func (p *pace) adaptiveStep(t float64) (end, h float64) {
	rest := math.Abs(p.marks[p.next].t - t)
	// What is left beyond the step, if it is a hundredth of it, goes with it.
	p.lands = rest <= p.h || rest <= 1.01*p.h && (p.hmax == 0 || rest <= p.hmax)
	p.cut = rest < p.h
	end = t + p.dir*p.h
	if p.lands {
		end = p.marks[p.next].t
	}
	return end, end - t
}

// judge decides on a step of absolute size h and sets the size of the next one.
func (p *pace) judge(scaled, h float64) (accepted bool) {
	if p.fixed {
		return true
	}
	factor, accepted := p.ctl.Next(Attempt{Err: scaled, Prev: p.prev, Prev2: p.prev2, Order: p.order, Rejected: p.rejected})
	p.rejected = !accepted && min(h, p.h) > p.hmin
	next := p.clamp(h * factor)
	switch {
	case p.rejected:
		p.h = next
		return false
	case !p.cut:
		p.prev, p.prev2 = scaled, p.prev
	case factor >= 1:
		next = max(next, p.h) // being cut short is no reason to slow down
	}
	p.h = next
	return true
}

// clamp puts h between HMin and HMax.
func (p *pace) clamp(h float64) float64 {
	if p.hmax > 0 {
		h = min(h, p.hmax)
	}
	return max(h, p.hmin)
}

// advance moves on past an accepted step to t and reports whether a jump is there.
func (p *pace) advance(t float64) (jump bool) {
	p.taken++
	p.jump = p.lands && p.marks[p.next].jump
	if p.lands {
		p.next++
		p.fresh = p.fixed || p.jump
	}
	if p.jump {
		p.prev, p.prev2, p.rejected = 0, 0, false
	}
	return p.jump
}

// aim sets the step to try: its end, its size and the times f may be evaluated at.
func (in *Integrator[T]) aim() error {
	p, s := &in.pace, &in.step
	if p.maxSteps > 0 && in.stats.Accepted+in.stats.Rejected >= p.maxSteps {
		return ErrMaxSteps
	}
	if p.fresh {
		if err := in.launch(); err != nil {
			return err
		}
	}
	if p.fixed {
		s.T1, s.H = p.fixedStep(s.T0)
	} else {
		s.T1, s.H = p.adaptiveStep(s.T0)
	}
	if !p.lands && shortest(p.h, s.T0) {
		return ErrStepTooSmall
	}
	s.setBounds(p.jump, p.lands && p.marks[p.next].jump)
	return nil
}

// launch chooses the step size at the start, after a jump and, for Fixed, at each mark.
func (in *Integrator[T]) launch() error {
	p, s := &in.pace, &in.step
	atStart := p.next == 0 && in.stats.Accepted == 0
	p.fresh = false
	switch {
	case p.fixed:
		if err := p.rowOf(s.T0); err != nil {
			return err
		}
		m := p.marks[p.next]
		in.sol.runs = append(in.sol.runs, run{
			first: in.stats.Accepted, n: p.row, start: s.T0, end: m.t, h: p.dir * p.h,
			cut: p.cut, jumpAtStart: p.jump, jumpAtEnd: m.jump,
		})
		return nil
	case atStart && p.h0 > 0:
		p.h = p.clamp(p.h0)
		return nil
	}
	s.T1 = p.marks[p.next].t
	s.setBounds(p.jump, p.marks[p.next].jump)
	h, err := in.start.size(in, p.limit(s.T0))
	if err != nil {
		return err
	}
	p.h = p.clamp(h)
	in.stepper.restart(in.start.f0)
	return nil
}

// judge decides whether the step just tried is accepted.
func (in *Integrator[T]) judge(scaled float64) (accepted bool, err error) {
	s := &in.step
	if scaled != scaled {
		return false, &NonFiniteError{What: "the error norm", T: s.T1, Component: -1, Value: scaled}
	}
	if in.pace.judge(scaled, math.Abs(s.H)) {
		return true, nil
	}
	in.stats.Rejected++
	return false, nil
}
