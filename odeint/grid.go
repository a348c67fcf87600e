package odeint

import (
	"math"
	"slices"
)

// run is a row of steps of Fixed from one time to land on to the next. It is all that
// is needed to say when each of them was.
type run struct {
	first, n               int // the index of the first step, and how many there are
	start, end, h          float64
	cut                    bool // the last step is shorter
	jumpAtStart, jumpAtEnd bool
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
	r, found := slices.BinarySearchFunc(s.runs, i, func(r run, i int) int { return r.first - i })
	if !found {
		r--
	}
	if r < 0 || i < 0 || i >= s.Stats.Accepted {
		panic("odeint: the solution does not know the times of this step")
	}
	return timesOf[T](s.runs[r], i-s.runs[r].first)
}

// timesOf returns step i of a run, with the arithmetic of pace.fixedStep.
func timesOf[T Float](r run, i int) Step[T] {
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
	s.setBounds(i == 0 && r.jumpAtStart, i == r.n-1 && r.jumpAtEnd)
	return s
}

// setBounds sets Lo and Hi: the ends, or the numbers next to them inside where an end
// is a jump.
func (s *Step[T]) setBounds(jumpAtStart, jumpAtEnd bool) {
	s.Lo, s.Hi = s.T0, s.T1
	if jumpAtStart {
		s.Lo = math.Nextafter(s.T0, s.T1)
	}
	if jumpAtEnd {
		s.Hi = math.Nextafter(s.T1, s.T0)
	}
}
