package odeint

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unsafe"
)

// Solution is what a solve keeps: saved states as SaveAt asks for, counters, and
// on request its steps. The zero value is ready to be passed to a solve; passed
// again, its memory is used again.
type Solution[T Float] struct {
	// T has the saved times.
	T []float64

	// Y has the saved states, a row of the state's length for each time.
	Y []T

	// Events has what happened of Options.Events, in the order of the solve.
	Events []Occurrence[T]

	// Stats counts the work done.
	Stats Stats

	dim     int
	origins []origin
	series  []series // of steps of one size (Fixed)
	steps   []Step[T]
	slab    slab[T]
	marks   slab[T]        // states at events
	interp  interpolant[T] // nil: no dense output
	t0, t   float64        // the times of the initial state and of last
	stopped bool           // by an event
	last    []T
}

// origin is where a saved row came from.
type origin struct {
	step  int
	theta float64
}

// Row returns the state at T[i]. It shares memory with Y, and panics if there is no such row.
func (s *Solution[T]) Row(i int) []T { return s.Y[i*s.dim : (i+1)*s.dim : (i+1)*s.dim] }

// Len returns the number of saved rows, the length of T.
func (s *Solution[T]) Len() int { return len(s.T) }

// Component stores component j of all saved rows in dst, which is allocated if it is too
// short, and returns it: a time series to be drawn over T.
func (s *Solution[T]) Component(dst []T, j int) []T {
	if j < 0 || j >= max(s.dim, 1) {
		panic("odeint: there is no such component")
	}
	if cap(dst) < len(s.T) {
		dst = make([]T, len(s.T))
	}
	dst = dst[:len(s.T)]
	for i := range dst {
		dst[i] = s.Y[i*s.dim+j]
	}
	return dst
}

// Last returns the state at the time the solve reached: its end, or where an
// error stopped it. It is there even if no row was saved. It belongs to the Solution.
func (s *Solution[T]) Last() []T { return s.last }

// Reached returns the time of Last.
func (s *Solution[T]) Reached() float64 { return s.t }

// NumSteps returns how many steps are kept: all accepted ones with Steps,
// Stages or Dense for SaveAt.Keep, otherwise none.
func (s *Solution[T]) NumSteps() int { return len(s.steps) }

// Step returns the i-th accepted step, from 0. Its slices belong to the Solution. It panics
// unless i is less than NumSteps.
func (s *Solution[T]) Step(i int) Step[T] { return s.steps[i] }

// Origin says which step the i-th saved row came from, counting accepted steps
// from 0, and where in it: the row is the interpolant at T0 + theta·H, and for
// theta = 1 the step's Y1 bit for bit. The initial state has step −1. It panics if there is no
// such row.
func (s *Solution[T]) Origin(i int) (step int, theta float64) {
	return s.origins[i].step, s.origins[i].theta
}

// Bytes returns the memory that the Solution holds.
func (s *Solution[T]) Bytes() int {
	var x T
	n := cap(s.Y) + cap(s.last) + s.slab.size() + s.marks.size()
	return n*int(unsafe.Sizeof(x)) + cap(s.T)*int(unsafe.Sizeof(s.t)) +
		cap(s.origins)*int(unsafe.Sizeof(origin{})) + cap(s.series)*int(unsafe.Sizeof(series{})) + cap(s.steps)*int(unsafe.Sizeof(Step[T]{})) + cap(s.Events)*int(unsafe.Sizeof(Occurrence[T]{}))
}

// At stores the state at time t in dst, from the dense output. The ends of steps are
// exact bit for bit. Where an event changes the state it is the state before; the one
// after is in Events. The error is ErrNoDense, says that t is outside the times
// solved, or is a NonFiniteError: the interpolant of finite states can overflow.
func (s *Solution[T]) At(dst []T, t float64) error {
	if len(dst) != s.dim {
		panic("odeint: length of dst is not the dimension of the state")
	}
	if err := s.contains(t); err != nil {
		return err
	}
	if len(s.steps) == 0 {
		copy(dst, s.last)
		return nil
	}
	step := s.find(t)
	if t == step.T1 {
		copy(dst, step.Y1)
	} else {
		s.interp.state(dst, step, step.theta(t))
	}
	return nonFinite("the interpolated state", t, dst)
}

// DerivativeAt stores the time derivative of the dense output at time t in dst;
// where two steps meet, that of the earlier one. It is one order less accurate than
// the state. The errors are those of At, and a solution without a single step
// has no derivative.
func (s *Solution[T]) DerivativeAt(dst []T, t float64) error {
	if len(dst) != s.dim {
		panic("odeint: length of dst is not the dimension of the state")
	}
	if err := s.contains(t); err != nil {
		return err
	}
	if len(s.steps) == 0 {
		return errors.New("odeint: no derivative of a solution without steps; solve over a longer interval")
	}
	step := s.find(t)
	s.interp.slope(dst, step, step.theta(t))
	return nonFinite("the interpolated slope", t, dst)
}

// contains checks that the dense output has time t.
func (s *Solution[T]) contains(t float64) error {
	if s.interp == nil {
		return ErrNoDense
	}
	if t < min(s.t0, s.t) || t > max(s.t0, s.t) || t != t {
		return fmt.Errorf("odeint: time %v is outside the solved interval from %v to %v", t, s.t0, s.t)
	}
	return nil
}

// find returns the first step that ends at or after t.
func (s *Solution[T]) find(t float64) *Step[T] {
	i, _ := slices.BinarySearchFunc(s.steps, t, func(step Step[T], t float64) int {
		if s.t < s.t0 {
			return cmp.Compare(t, step.T1)
		}
		return cmp.Compare(step.T1, t)
	})
	return &s.steps[i]
}

// reset empties the solution for states of length dim.
func (s *Solution[T]) reset(dim int, t0 float64) {
	s.dim, s.t0, s.t = dim, t0, t0
	s.T, s.Y, s.origins, s.series, s.steps = s.T[:0], s.Y[:0], s.origins[:0], s.series[:0], s.steps[:0]
	s.Events = s.Events[:0]
	s.slab.reset()
	s.marks.reset()
	s.interp = nil
	s.Stats, s.stopped = Stats{}, false
	s.last = s.last[:0]
}

// add appends an empty row for time t and returns it.
func (s *Solution[T]) add(t float64, step int, theta float64) []T {
	s.T = append(s.T, t)
	s.origins = append(s.origins, origin{step: step, theta: theta})
	n := len(s.Y)
	s.Y = slices.Grow(s.Y, s.dim)[:n+s.dim]
	return s.Y[n:]
}

// drop takes the last row back.
func (s *Solution[T]) drop() {
	s.T, s.origins, s.Y = s.T[:len(s.T)-1], s.origins[:len(s.origins)-1], s.Y[:len(s.Y)-s.dim]
}

// record keeps an accepted step whose memory is reserved in the slab.
func (s *Solution[T]) record(step *Step[T], stages bool) {
	kept := *step
	n := s.dim
	if stages {
		n += len(step.K)
		kept.K = step.K[:len(step.K):len(step.K)]
	} else {
		kept.K = nil
	}
	s.slab.take(n)
	s.steps = append(s.steps, kept)
}

// happened records an event; after is nil if the state stays as it is.
func (s *Solution[T]) happened(event int, t float64, step int, theta float64, before, after []T) {
	keep := func(y []T) []T {
		c := s.marks.reserve(s.dim)
		s.marks.take(s.dim)
		copy(c, y)
		return c
	}
	o := Occurrence[T]{Event: event, T: t, Before: keep(before), Step: step, Theta: theta}
	o.After = o.Before
	if after != nil {
		o.After = keep(after)
	}
	s.Events = append(s.Events, o)
}

// Stopped reports whether a Terminal event ended the solve, which Reached tells the time of.
func (s *Solution[T]) Stopped() bool { return s.stopped }
