package odeint

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unsafe"
)

// Step is one accepted step, as the solve took it. The slices belong to the
// Solution.
type Step[T Float] struct {
	T0, T1 float64 // the ends, in the direction of integration
	H      float64 // signed step size, T1 − T0 up to rounding

	// Lo and Hi bound the times at which f was evaluated. They are T0 and T1, or the
	// neighbouring number inside the step where that end is a jump.
	Lo, Hi float64

	Y0, Y1 []T // the states at the ends

	// K has the stages, a row of Dim each: all of the step, and the dense stages
	// if they were evaluated. For an ImplicitRK they are the slopes k_i; a
	// Splitting has none; for Tao the one row is the second copy of the state at T0.
	K []T
}

// StageTime returns the time at which the stage with node c was evaluated: between Lo
// and Hi, unless c lies outside [0, 1], as it can for splittings.
func (s *Step[T]) StageTime(c float64) float64 {
	switch {
	case c == 0:
		return s.bound(s.T0)
	case c == 1:
		return s.bound(s.T1)
	case c < 0 || c > 1:
		return s.T0 + c*s.H
	}
	return s.bound(s.T0 + c*s.H)
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

// Solution is what a solve keeps: saved states as SaveAt asks for, counters, and
// on request its steps. The zero value is ready to be passed to a solve; passed
// again, its memory is used again.
type Solution[T Float] struct {
	// T has the saved times.
	T []float64

	// Y has the saved states, a row of the state's length for each time.
	Y []T

	// Stats counts the work done.
	Stats Stats

	dim     int
	origins []origin
	runs    []run // of steps of one size (Fixed)
	steps   []Step[T]
	slab    slab[T]
	interp  interpolant[T] // nil: no dense output
	t0, t   float64        // the times of the initial state and of last
	last    []T
}

// origin is where a saved row came from.
type origin struct {
	step  int
	theta float64
}

// Row returns the state at T[i]. It shares memory with Y.
func (s *Solution[T]) Row(i int) []T { return s.Y[i*s.dim : (i+1)*s.dim : (i+1)*s.dim] }

// Last returns the state at the time the solve reached: its end, or where an
// error stopped it. It is there even if no row was saved. It belongs to the Solution.
func (s *Solution[T]) Last() []T { return s.last }

// Reached returns the time of Last.
func (s *Solution[T]) Reached() float64 { return s.t }

// NumSteps returns how many steps are kept: all accepted ones with SaveAt.Dense,
// Stages or Steps, otherwise none.
func (s *Solution[T]) NumSteps() int { return len(s.steps) }

// Step returns the i-th accepted step, from 0. Its slices belong to the Solution.
func (s *Solution[T]) Step(i int) Step[T] { return s.steps[i] }

// Origin says which step the i-th saved row came from, counting accepted steps
// from 0, and where in it: the row is the interpolant at T0 + theta·H, and for
// theta = 1 the step's Y1 bit for bit. The initial state has step −1.
func (s *Solution[T]) Origin(i int) (step int, theta float64) {
	return s.origins[i].step, s.origins[i].theta
}

// Bytes returns the memory that the Solution holds.
func (s *Solution[T]) Bytes() int {
	var x T
	n := cap(s.Y) + cap(s.last) + s.slab.size()
	return n*int(unsafe.Sizeof(x)) + cap(s.T)*int(unsafe.Sizeof(s.t)) +
		cap(s.origins)*int(unsafe.Sizeof(origin{})) + cap(s.runs)*int(unsafe.Sizeof(run{})) + cap(s.steps)*int(unsafe.Sizeof(Step[T]{}))
}

// At stores the state at time t in dst, from the dense output. The ends of steps are
// exact bit for bit. The error is ErrNoDense or says that t is outside the
// times solved.
func (s *Solution[T]) At(dst []T, t float64) error {
	if len(dst) != s.dim {
		panic("odeint: length of dst is not the dimension of the state")
	}
	if err := s.inside(t); err != nil {
		return err
	}
	if t == s.t {
		copy(dst, s.last)
		return nil
	}
	step := s.find(t)
	if t == step.T1 {
		copy(dst, step.Y1)
	} else {
		s.interp.state(dst, step, step.theta(t))
	}
	return nil
}

// DerivativeAt stores the time derivative of the dense output at time t in dst;
// where two steps meet, that of the earlier one. It is one order less accurate than
// the state. The errors are those of At, and a solution without a single step
// has no derivative.
func (s *Solution[T]) DerivativeAt(dst []T, t float64) error {
	if len(dst) != s.dim {
		panic("odeint: length of dst is not the dimension of the state")
	}
	if err := s.inside(t); err != nil {
		return err
	}
	if len(s.steps) == 0 {
		return errors.New("odeint: no derivative of a solution without steps; solve over a longer interval")
	}
	step := s.find(t)
	s.interp.slope(dst, step, step.theta(t))
	return nil
}

// inside checks that the dense output has time t.
func (s *Solution[T]) inside(t float64) error {
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
	s.T, s.Y, s.origins, s.runs, s.steps = s.T[:0], s.Y[:0], s.origins[:0], s.runs[:0], s.steps[:0]
	s.slab.reset()
	s.interp = nil
	s.Stats = Stats{}
	s.last = s.last[:0]
}

// add appends an empty row for time t and returns it.
func (s *Solution[T]) add(t float64, step int, theta float64) []T {
	s.T = append(s.T, t)
	s.origins = append(s.origins, origin{step, theta})
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

// slab hands out memory that is returned all at once.
type slab[T Float] struct {
	chunks [][]T
	chunk  int // the chunk in use
	used   int // of it
}

// Chunks grow with what is kept, between these lengths.
const (
	minChunk = 1 << 10
	maxChunk = 1 << 18
)

// reserve returns n elements, not zeroed, that stay free until they are taken.
func (s *slab[T]) reserve(n int) []T {
	for s.chunk < len(s.chunks) && s.used+n > len(s.chunks[s.chunk]) {
		s.chunk, s.used = s.chunk+1, 0
	}
	if s.chunk == len(s.chunks) {
		s.chunks = append(s.chunks, make([]T, max(n, minChunk, min(s.size(), maxChunk))))
	}
	return s.chunks[s.chunk][s.used : s.used+n : s.used+n]
}

// take makes the first n elements of the last reservation the caller's own.
func (s *slab[T]) take(n int) { s.used += n }

func (s *slab[T]) reset() { s.chunk, s.used = 0, 0 }

func (s *slab[T]) size() int {
	n := 0
	for _, c := range s.chunks {
		n += len(c)
	}
	return n
}
