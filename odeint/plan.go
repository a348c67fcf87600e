package odeint

import (
	"cmp"
	"math"
	"slices"

	"github.com/neuralode/neuralode/internal/vec"
)

// plan says where the steps of a solve go: the times to land on and the step size.
type plan struct {
	stops, known []float64 // Options.Stops and Jumps, ascending
	jumps        []float64 // known and those of the field, ascending
	ctl          Controller
	fixed        bool
	h0           float64 // Options.H0
	steps        int     // Options.Steps
	hmin, hmax   float64 // hmax 0: none
	maxSteps     int     // 0: no limit
	order        int     // of the error estimate

	dir      float64   // +1 or −1
	landings []landing // the times to land on, in order; the last is the end
	next     int       // the first of them ahead
	fresh    bool      // the step size has to be chosen: at the start, after a jump and, for Fixed, at each landing
	jump     bool      // the next step starts at a jump

	h           float64 // absolute size of the next step
	prev, prev2 float64 // scaled errors of the last accepted steps
	rejected    bool    // the last attempt was
	lands       bool    // the step being tried ends at a landing
	cut         bool    // the step being tried is shorter than h, to end at a landing

	anchor       float64 // Fixed: where the series of steps to the next landing began
	taken, count int     // Fixed: the steps taken of the series, and how many it has
}

// landing is a time that a step has to end at.
type landing struct {
	t    float64
	jump bool
}

func newPlan(o *Options) plan {
	p := plan{
		stops: o.Stops, known: o.Jumps, ctl: o.Controller, h0: o.H0, steps: o.Steps, hmin: o.HMin, hmax: o.HMax,
		maxSteps: o.MaxSteps, order: o.Method.traits().errOrder,
	}
	p.fixed = o.fixed()
	return p
}

// reset starts anew for a solve from t0 to t1 of a field with the given jumps, with the
// given outputs. The error lists all that is wrong with the times.
func (p *plan) reset(t0, t1 float64, jumps []float64, save *saver) error {
	var f faults
	if !finite(t0) || !finite(t1) || !finite(t1-t0) {
		f.add("t0, t1: %v, %v: the interval is not finite", t0, t1)
		return f.err()
	}
	*p = plan{
		stops: p.stops, known: p.known, jumps: append(p.jumps[:0], p.known...), ctl: p.ctl, fixed: p.fixed, h0: p.h0, steps: p.steps, hmin: p.hmin, hmax: p.hmax,
		maxSteps: p.maxSteps, order: p.order, landings: p.landings[:0], dir: 1, fresh: true, anchor: t0,
	}
	if t1 < t0 {
		p.dir = -1
	}
	if len(jumps) > 0 {
		p.jumps = append(p.jumps, jumps...)
		slices.Sort(p.jumps)
	}
	save.check(t0, t1, p.dir, &f)
	p.land(p.stops, t0, t1, false)
	p.land(p.jumps, t0, t1, true)
	if p.fixed && p.h0 == 0 {
		p.land(save.times, t0, t1, false)
	}
	if t1 != t0 {
		_, end := slices.BinarySearch(p.jumps, t1)
		p.landings = append(p.landings, landing{t: t1, jump: end})
	}
	_, p.jump = slices.BinarySearch(p.jumps, t0)
	slices.SortFunc(p.landings, p.compare)
	p.landings = slices.CompactFunc(p.landings, func(a, b landing) bool { return a.t == b.t })
	return f.err()
}

// land adds the times strictly between t0 and t1 to the landings.
func (p *plan) land(times []float64, t0, t1 float64, jump bool) {
	for _, t := range times {
		if t > min(t0, t1) && t < max(t0, t1) {
			p.landings = append(p.landings, landing{t: t, jump: jump})
		}
	}
}

// compare orders landings in the direction of integration, jumps before others.
func (p *plan) compare(a, b landing) int {
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

func (p *plan) done() bool { return p.next == len(p.landings) }

// limit is the largest absolute size for a step from t.
func (p *plan) limit(t float64) float64 {
	limit := math.Abs(p.landings[p.next].t - t)
	if p.hmax > 0 {
		limit = min(limit, p.hmax)
	}
	return limit
}

// startSeries plans the steps of Fixed from t to the next landing.
func (p *plan) startSeries(t float64) error {
	p.anchor, p.taken, p.h = t, 0, p.h0
	end := p.landings[p.next].t
	length := math.Abs(end - t)
	if p.h == 0 {
		p.h = length / float64(p.steps)
	}
	n := math.Round(length / p.h)
	if !(n < 1<<53) {
		return ErrStepTooSmall
	}
	// The step divides the series if it does so up to the rounding of the ends.
	p.cut = n < 1 || math.Abs(n*p.h-length) > 4*vec.Epsilon[float64]()*max(math.Abs(t), math.Abs(end))
	if p.cut {
		n = math.Ceil(length / p.h)
	}
	p.count = int(n)
	return nil
}

// shortest reports whether a step of size h is too short to move on from t.
func shortest(h, t float64) bool { return !(0.1*h > vec.Epsilon[float64]()*math.Abs(t)) }

// fixedStep returns the end and signed size of the next step of Fixed from t.
func (p *plan) fixedStep(t float64) (end, h float64) {
	h = p.dir * p.h
	p.lands = p.taken+1 >= p.count
	if !p.lands {
		return p.anchor + float64(p.taken+1)*h, h
	}
	end = p.landings[p.next].t
	if p.cut {
		h = end - t
	}
	return end, h
}

// adaptiveStep returns the end and signed size of the next adaptive step from t.
func (p *plan) adaptiveStep(t float64) (end, h float64) {
	rest := math.Abs(p.landings[p.next].t - t)
	// What is left beyond the step, if it is a hundredth of it, goes with it.
	p.lands = rest <= p.h || rest <= 1.01*p.h && (p.hmax == 0 || rest <= p.hmax)
	p.cut = rest < p.h
	end = t + p.dir*p.h
	if p.lands {
		end = p.landings[p.next].t
	}
	return end, end - t
}

// decide rules on a step of absolute size h and sets the size of the next one.
func (p *plan) decide(scaled, h float64) (accepted bool) {
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
func (p *plan) clamp(h float64) float64 {
	if p.hmax > 0 {
		h = min(h, p.hmax)
	}
	return max(h, p.hmin)
}

// moveOn goes on past an accepted step to t and reports whether a jump is there.
func (p *plan) moveOn(t float64) (jump bool) {
	p.taken++
	p.jump = p.lands && p.landings[p.next].jump
	if p.lands {
		p.next++
		p.fresh = p.fixed || p.jump
	}
	if p.jump {
		p.prev, p.prev2, p.rejected = 0, 0, false
	}
	return p.jump
}
