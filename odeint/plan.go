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
	maxSteps     int
	refuse       bool   // Fixed: a plan of more than maxSteps is refused, not begun
	order        int    // of the error estimate
	keepsSize    bool   // traits.keepsSize
	outside      Method // the method, if it evaluates f outside its steps; otherwise nil

	dir      float64   // +1 or −1
	landings []landing // the times to land on, in order; the last is the end
	next     int       // the first of them ahead
	fresh    bool      // the step size has to be chosen: at the start, after a jump and, for Fixed, at each landing
	from     edge      // where the next step starts

	h           float64 // absolute size of the next step
	prev, prev2 float64 // scaled errors of the last accepted steps
	rejected    bool    // the last attempt was
	logs        lastLog
	lands       bool // the step being tried ends at a landing
	cut         bool // the step being tried is shorter than h, to end at a landing

	anchor       float64 // Fixed: where the series of steps to the next landing began
	taken, count int     // Fixed: the steps taken of the series, and how many it has

	due     []float64 // the times of scheduled events
	part    bool      // Fixed: the next step is the rest of one that an event has cut short
	resumed bool      // Fixed: the next step is the first after such a rest
	rest    float64   // where that ends
	lastly  bool      // and whether that is a landing
}

// landing is a time that a step has to end at. One that stands for several, too close for
// steps between them, is at the first jump of them.
type landing struct {
	t           float64
	jump        bool
	first, last float64 // of its jumps
}

// edge is an end of a step: whether there is a jump, and the one next to the step.
type edge struct {
	jump bool
	t    float64
}

// start is the landing as the start of a step, end as its end.
func (l landing) start() edge { return edge{l.jump, l.last} }

func (l landing) end() edge { return edge{l.jump, l.first} }

func newPlan(o *Options) plan {
	p := plan{
		stops: o.Stops, known: o.Jumps, ctl: o.Controller, h0: o.H0, steps: o.Steps, hmin: o.HMin, hmax: o.HMax,
		maxSteps: o.MaxSteps, order: o.Method.traits().errOrder, keepsSize: o.Method.traits().keepsSize,
	}
	if o.Method.traits().outside {
		p.outside = o.Method
	}
	p.fixed = o.fixed()
	if p.maxSteps == 0 {
		p.maxSteps, p.refuse = defaultMaxFixed, true
	}
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
		maxSteps: p.maxSteps, refuse: p.refuse, order: p.order, outside: p.outside, keepsSize: p.keepsSize, landings: p.landings[:0], dir: 1, fresh: true, anchor: t0, due: p.due,
	}
	if t1 < t0 {
		p.dir = -1
	}
	if len(jumps) > 0 {
		p.jumps = append(p.jumps, jumps...)
		slices.Sort(p.jumps)
	}
	save.check(t0, t1, p.dir, &f)
	if p.outside != nil {
		for _, t := range p.jumps {
			if t >= min(t0, t1) && t <= max(t0, t1) {
				f.add("Jumps: %v evaluates f outside its steps, beyond the jump at %v too; use a method of order 2, such as VelocityVerlet or Tao, or a Gauss method", p.outside, t)
				break
			}
		}
	}
	p.land(p.stops, t0, t1, false)
	p.land(p.due, t0, t1, false)
	p.land(p.jumps, t0, t1, true)
	if p.fixed && p.h0 == 0 {
		p.land(save.times, t0, t1, false)
	}
	slices.SortFunc(p.landings, p.compare)
	_, jump := slices.BinarySearch(p.jumps, t0)
	p.from = edge{jump, t0}
	if t1 != t0 {
		_, jump = slices.BinarySearch(p.jumps, t1)
		p.landings = append(p.landings, landing{t1, jump, t1, t1})
		p.join(t0)
	}
	return f.err()
}

// join makes one of landings that are too close for steps between them. Those at the start
// are part of it; the end stays where it is.
func (p *plan) join(t0 float64) {
	begin := t0 // of the landings joined
	joined := p.landings[:0]
	for i, l := range p.landings {
		end := i == len(p.landings)-1
		switch n := len(joined) - 1; {
		case !near(begin, l.t), n < 0 && end:
			begin = l.t
			joined = append(joined, l)
		case n < 0: // at the start
			if l.jump {
				p.from = l.start()
			}
		default:
			m := &joined[n]
			if l.jump {
				if !m.jump {
					m.t, m.first = l.t, l.t
				}
				m.jump, m.last = true, l.t
			}
			if end {
				m.t = l.t
			}
		}
	}
	p.landings = joined
}

// near reports whether two times differ by a few units in the last place only.
func near(a, b float64) bool {
	return math.Abs(a-b) <= 4*vec.Epsilon[float64]()*max(math.Abs(a), math.Abs(b))
}

// land adds the times strictly between t0 and t1 to the landings.
func (p *plan) land(times []float64, t0, t1 float64, jump bool) {
	for _, t := range times {
		if t > min(t0, t1) && t < max(t0, t1) {
			p.landings = append(p.landings, landing{t, jump, t, t})
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
	switch {
	case !(n < 1<<53):
		return ErrStepTooSmall
	case p.refuse && n > float64(p.maxSteps), n > math.MaxInt:
		return &planError{steps: n, h: p.h, from: t, to: end}
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

// shortestFirst is the least size of a first step from t, and of one that follows a landing: it
// moves on from t though the step before may have been of a few units in its last place.
func shortestFirst(t float64) float64 { return 128 * vec.Epsilon[float64]() * math.Abs(t) }

// fixedStep returns the end and signed size of the next step of Fixed from t.
func (p *plan) fixedStep(t float64) (end, h float64) {
	if p.part {
		p.lands = p.lastly
		return p.rest, p.rest - t
	}
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
	factor, accepted := p.ctl.Next(Attempt{Err: scaled, Prev: p.prev, Prev2: p.prev2, Order: p.order, Rejected: p.rejected, logs: &p.logs})
	p.rejected = !accepted && min(h, p.h) > p.hmin
	if p.keepsSize && factor > 1 && factor < 1.2 {
		factor = 1
	}
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

// halve has a step of absolute size h, which could not be taken, tried again with half the
// size. It reports whether that is allowed.
func (p *plan) halve(h float64) bool {
	if p.fixed || h <= p.hmin {
		return false
	}
	p.h, p.rejected = max(h/2, p.hmin), true
	return true
}

// shrink is halve, to a quarter.
func (p *plan) shrink(h float64) bool {
	if p.fixed || h <= p.hmin {
		return false
	}
	p.h, p.rejected = max(h/4, p.hmin), true
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
	p.from = edge{}
	if p.part && t != p.rest {
		return false
	}
	p.taken++
	p.part, p.resumed = false, p.part
	if p.lands {
		p.from = p.landings[p.next].start()
		p.next++
		p.fresh = p.fixed || p.from.jump
		if !p.fixed {
			p.h = p.clamp(max(p.h, shortestFirst(t)))
		}
	}
	if p.from.jump {
		p.prev, p.prev2, p.rejected = 0, 0, false
	}
	return p.from.jump
}

// cutShort has the step being tried, which was to end at the given time, end before, at an event.
func (p *plan) cutShort(end float64) {
	if p.fixed {
		p.part, p.rest, p.lastly = true, end, p.lands
	}
	p.lands = false
}

// restart starts afresh at the state reached, which an event has changed.
func (p *plan) restart() {
	p.fresh = p.fresh || !p.fixed
	p.prev, p.prev2, p.rejected = 0, 0, false
}

// end makes the time reached the end of the solve.
func (p *plan) end() { p.next = len(p.landings) }
