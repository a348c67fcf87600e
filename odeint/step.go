package odeint

import (
	"math"
	"slices"
)

// Step is one accepted step, as the solve took it. The slices belong to the
// Solution.
type Step[T Float] struct {
	T0, T1 float64 // the ends, in the direction of integration
	H      float64 // signed step size, T1 − T0 up to rounding

	// Lo and Hi bound the times at which f was evaluated. They are T0 and T1, or the
	// number next to the jump, inside the step, where there is one at that end.
	Lo, Hi float64

	// Stiff reports, for Auto, that the step was taken with its method for stiff problems.
	Stiff bool

	Y0, Y1 []T // the states at the ends

	// K has the stages one after the other, Dim components each: all of the step, and the dense stages
	// if they were evaluated. For an ImplicitRK and an ESDIRK they are the slopes k_i; a
	// Splitting has none; for Tao it is the second copy of the state at T0.
	K []T
}

// StageTime returns the time at which the stage with node c was evaluated: between Lo
// and Hi, unless c lies outside [0, 1], as it can for splittings and Kvaerno5, and there is no
// jump at an end of the step.
func (s *Step[T]) StageTime(c float64) float64 {
	switch {
	case c == 0:
		return s.bound(s.T0)
	case c == 1:
		return s.bound(s.T1)
	case (c < 0 || c > 1) && s.Lo == s.T0 && s.Hi == s.T1:
		return s.T0 + c*s.H
	}
	return s.bound(s.T0 + c*s.H)
}

// Part returns the first part of the step, to T0 + theta·H, as Integrator.Retake takes it:
// without its end and stages.
func (s *Step[T]) Part(theta float64) Step[T] {
	h := theta * s.H
	p := Step[T]{T0: s.T0, T1: s.T0 + h, H: h, Lo: s.Lo, Hi: s.Hi, Stiff: s.Stiff, Y0: s.Y0}
	if s.Hi == s.T1 {
		p.Hi = p.T1
	}
	return p
}

// bound returns the number next to t between Lo and Hi.
func (s *Step[T]) bound(t float64) float64 {
	lo, hi := s.Lo, s.Hi
	if lo > hi {
		lo, hi = hi, lo
	}
	return min(max(t, lo), hi)
}

// theta returns where t lies in the step: 0 at T0, 1 at T1.
func (s *Step[T]) theta(t float64) float64 {
	if t == s.T1 {
		return 1
	}
	return (t - s.T0) / s.H
}

// setBounds sets Lo and Hi: the ends or, where there is a jump at an end, the number next
// to it inside.
func (s *Step[T]) setBounds(from, to edge) {
	s.Lo, s.Hi = s.T0, s.T1
	if from.jump {
		s.Lo = math.Nextafter(from.t, s.T1)
	}
	if to.jump {
		s.Hi = math.Nextafter(to.t, s.T0)
	}
}

// StepTimes returns the i-th accepted step, from 0, without its states and stages: T0,
// T1, H, Lo and Hi. It is there for the steps that are kept and for all steps of a
// solve with Fixed, where it takes no memory for each step. It panics for others.
func (s *Solution[T]) StepTimes(i int) Step[T] {
	if i < len(s.steps) {
		step := s.steps[i]
		step.Y0, step.Y1, step.K = nil, nil, nil
		return step
	}
	r, found := slices.BinarySearchFunc(s.series, i, func(r series, i int) int { return r.first - i })
	if !found {
		r--
	}
	if r < 0 || i < 0 || i >= s.Stats.Accepted {
		panic("odeint: the solution does not know the times of this step")
	}
	return timesOf[T](s.series[r], i-s.series[r].first+s.series[r].skip)
}

// series is the steps of Fixed from one landing to the next: all that is needed to say
// when each of them was.
type series struct {
	first, n      int // the index of the first step, and how many there are
	skip          int // how many of them come before the first
	start, end, h float64
	cut           bool // the last step is shorter
	from, to      edge
}

// timesOf returns step i of a series, with the arithmetic of plan.fixedStep.
func timesOf[T Float](r series, i int) Step[T] {
	s := Step[T]{T0: r.start, H: r.h}
	if i > 0 {
		s.T0 = r.start + float64(i)*r.h
	}
	if i < r.n-1 {
		s.T1 = r.start + float64(i+1)*r.h
	} else {
		s.T1 = r.end
		if r.cut {
			s.H = r.end - s.T0
		}
	}
	var from, to edge
	if i == 0 {
		from = r.from
	}
	if i == r.n-1 {
		to = r.to
	}
	s.setBounds(from, to)
	return s
}

// cutSeries has step index, the one being taken, end at time t.
func (s *Solution[T]) cutSeries(index int, t float64) {
	r := &s.series[len(s.series)-1]
	r.n, r.end, r.cut, r.to = index-r.first+r.skip+1, t, true, edge{}
}

// resumeSeries goes on with the steps of Fixed after an event that cut one of them short:
// first its rest, then the others.
func (in *Integrator[T]) resumeSeries() {
	p, s := &in.plan, &in.step
	if !p.part && !p.resumed {
		return
	}
	m := p.landings[p.next]
	r := series{first: in.stats.Accepted, n: 1, start: s.T0, end: s.T1, cut: true}
	if p.resumed {
		r = series{first: in.stats.Accepted, skip: p.taken, n: p.count, start: p.anchor, end: m.t, h: p.dir * p.h, cut: p.cut, to: m.end()}
		p.resumed = false
	} else if p.lands {
		r.to = m.end()
	}
	in.sol.series = append(in.sol.series, r)
}
