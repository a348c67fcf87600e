package odeint

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/neuralode/neuralode/internal/lu"
	"github.com/neuralode/neuralode/internal/vec"
)

// SteadyOptions says how SteadyState works. The zero value is a good choice for most fields.
type SteadyOptions struct {
	// Time is the t at which f(t, y) = 0 is solved.
	Time float64

	// RTol and ATol are the change of a component, relative and absolute, below which the last Newton step counts as none. 0:
	// 1e-12 and 1e-14 in float64, 1e-5 and 1e-7 in float32.
	RTol, ATol float64

	// MaxSteps is how many steps are tried. 0: 1000.
	MaxSteps int
}

// SteadyError is a steady state that was not found.
type SteadyError struct {
	Steps    int     // that were tried
	Residual float64 // the root mean square of f at the last state
}

// Error says what to try.
func (e *SteadyError) Error() string {
	return fmt.Sprintf("odeint: no steady state found in %d steps, |f| is still %.3g; start nearer to it, by a solve over some time for instance, or set a larger MaxSteps; a solution that goes on oscillating has none", e.Steps, e.Residual)
}

// SteadyState finds y with f(t, y) = 0, from y0, by pseudo-transient continuation: implicit Euler
// steps, one Newton iteration each (Kelley & Keyes 1998, Convergence analysis of pseudo-transient
// continuation, SIAM J. Numer. Anal. 35), whose size grows as long as the iteration predicts f. They follow the solution from y0 at first, and end as Newton's method. The Jacobian is that of an ESDIRK method: of the size of a
// sample. adjoint.SteadyState takes gradients back.
//
// Near a state that is not stable the search may end there, as Newton's method does: start where the
// solution leads to the state that is meant.
//
// The error is an OptionError, a SteadyError, a NonFiniteError, or that of ctx.
func SteadyState[T Float](ctx context.Context, f VectorField[T], y0 []T, opt SteadyOptions) ([]T, Stats, error) {
	if f == nil {
		panic("odeint: SteadyState of a nil field")
	}
	n := f.Dim()
	if len(y0) != n {
		panic("odeint: length of y0 is not the dimension of the field")
	}
	s := steadySearch[T]{opt: opt, h: math.Inf(1)}
	if err := s.resolve(f); err != nil {
		return nil, Stats{}, err
	}
	sample := SampleDim(f)
	s.ev = evaluator[T]{field: f, stats: &s.stats}
	s.blocks = lu.NewBlocks(sample, n/sample)
	s.jac = newJacobian(&s.ev, sample, s.blocks.J(), false)
	s.y, s.next, s.f, s.fNext, s.rhs = append([]T(nil), y0...), make([]T, n), make([]T, n), make([]T, n), make([]float64, n)
	err := s.run(ctx)
	return s.y, s.stats, err
}

// steadySearch is a search for a steady state.
type steadySearch[T Float] struct {
	opt            SteadyOptions
	ev             evaluator[T]
	jac            jacobian[T]
	blocks         *lu.Blocks
	stats          Stats
	h, most        float64 // the size of the step, and where it is Newton's
	y, next        []T
	f, fNext       []T
	rhs            []float64
	size, sizeNext float64 // of f
	missed         float64 // how far f is from what the last step predicted, relative to it
}

func (s *steadySearch[T]) resolve(f VectorField[T]) error {
	var bad faults
	nonNegative(&bad, "RTol", s.opt.RTol)
	nonNegative(&bad, "ATol", s.opt.ATol)
	if !finite(s.opt.Time) {
		bad.add("Time: %v is not finite", s.opt.Time)
	}
	if s.opt.MaxSteps < 0 {
		bad.add("MaxSteps: %d is negative", s.opt.MaxSteps)
	}
	switch n := SampleDim(f); {
	case n < 1 || f.Dim()%n != 0:
		bad.add("VectorField: the samples have %d components, which does not divide its dimension %d", n, f.Dim())
	default:
		if fault := lu.Fault(n, 1); fault != "" {
			bad.add("VectorField: samples of dimension %d: %s", n, fault)
		}
	}
	wide := vec.Epsilon[T]() < 1e-10
	if s.opt.RTol == 0 {
		if s.opt.RTol = 1e-5; wide {
			s.opt.RTol = 1e-12
		}
	}
	if s.opt.ATol == 0 {
		if s.opt.ATol = 1e-7; wide {
			s.opt.ATol = 1e-14
		}
	}
	if s.opt.MaxSteps == 0 {
		s.opt.MaxSteps = 1000
	}
	return bad.err()
}

func (s *steadySearch[T]) run(ctx context.Context) error {
	if err := nonFinite("y0", s.opt.Time, s.y); err != nil {
		return err
	}
	if err := s.ev.at(s.f, s.opt.Time, s.y); err != nil {
		return err
	}
	s.size = rms(s.f)
	fresh := false // the Jacobian is that of y
	for s.stats.Accepted+s.stats.Rejected < s.opt.MaxSteps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.size == 0 {
			return nil
		}
		if !fresh {
			if err := s.jac.at(s.opt.Time, s.y); err != nil {
				return err
			}
			s.scale()
			fresh = true
		}
		change, err := s.try()
		var nf *NonFiniteError
		if errors.As(err, &nf) && nf.Cause != nil {
			return err
		}
		if err != nil || s.missed > 1 && change > 1 {
			s.stats.Rejected++
			s.h /= 4
			continue
		}
		s.stats.Accepted++
		newton := s.h >= s.most
		switch {
		case s.missed < 0.1 || change <= 1:
			s.h = min(s.most, 10*s.h)
		case s.missed < 0.5:
			s.h = min(s.most, 2*s.h)
		}
		s.y, s.next, s.f, s.fNext, s.size = s.next, s.y, s.fNext, s.f, s.sizeNext
		if newton && change <= 1 {
			return nil
		}
		fresh = false
	}
	return &SteadyError{Steps: s.stats.Accepted + s.stats.Rejected, Residual: s.size}
}

// scale sets the size of a Newton step, and of the first, by the Jacobian.
func (s *steadySearch[T]) scale() {
	norm := 0.0
	for i := range len(s.y) {
		sum := 0.0
		for _, a := range s.jac.a[i*s.jac.n : (i+1)*s.jac.n] {
			sum += math.Abs(a)
		}
		norm = max(norm, sum)
	}
	if norm == 0 {
		norm = 1
	}
	s.most = 1e12 / norm
	s.h = min(s.h, s.most)
	if s.stats.Accepted+s.stats.Rejected == 0 {
		s.h = 0.1 / norm
	}
}

// try takes a step, and returns its size by the tolerances: at most 1 is none.
func (s *steadySearch[T]) try() (change float64, err error) {
	s.stats.LUs++
	if !s.blocks.Factorise(s.h) {
		return 0, ErrNoConvergence
	}
	for i, v := range s.f {
		s.rhs[i] = s.h * float64(v)
	}
	s.blocks.Solve(s.rhs, false)
	for i, d := range s.rhs {
		s.next[i] = T(float64(s.y[i]) + d)
		change = max(change, math.Abs(d)/(s.opt.ATol+s.opt.RTol*math.Abs(float64(s.y[i]))))
	}
	if err := nonFinite("the new state", s.opt.Time, s.next); err != nil {
		return 0, err
	}
	err = s.ev.at(s.fNext, s.opt.Time, s.next)
	s.sizeNext = rms(s.fNext)
	sum := 0.0
	for i, d := range s.rhs { // (I − h·J)d = h·f, so that f + J·d is d/h
		m := float64(s.fNext[i]) - d/s.h
		sum += m * m
	}
	s.missed = math.Sqrt(sum/float64(len(s.rhs))) / s.size
	return change, err
}

// rms is the root mean square.
func rms[T Float](v []T) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum / float64(len(v)))
}
