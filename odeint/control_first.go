package odeint

import (
	"math"

	"github.com/neuralode/neuralode/internal/vec"
)

// startingStep chooses the size of a first adaptive step (Hairer, Nørsett &
// Wanner, Solving ODEs I, II.4, "starting step size").
type startingStep[T Float] struct {
	f0    []T     // the slope at the start, known after size
	f1    []T     // and after an Euler step
	probe []T     // the state there
	d1    float64 // the norm of f0
}

// size returns the absolute step size from the state reached, up to the next landing: an Euler
// step estimates the second derivative, and the step makes a hundredth of
// the error that the larger of the first two derivatives suggests. It
// evaluates f twice, within the bounds of the step being planned.
func (st *startingStep[T]) size(in *Integrator[T]) (float64, error) {
	s := &in.step
	if err := in.ev.at(st.f0, s.StageTime(0), s.Y0); err != nil {
		return 0, err
	}
	h0, t, probing := st.guess(in)
	if !probing {
		return h0, nil
	}
	if err := in.ev.at(st.f1, t, st.probe); err != nil {
		return 0, err
	}
	return st.choose(in, h0), nil
}

// guess returns, given f0, the size of the Euler step, and stores its end, at time t, in probe.
// Without probing the size is that of the first step.
func (st *startingStep[T]) guess(in *Integrator[T]) (h0, t float64, probing bool) {
	s := &in.step
	d0 := in.tol.measure(s.Y0, s.Y0, s.Y0)
	st.d1 = in.tol.measure(st.f0, s.Y0, s.Y0)
	h0 = 0.01 * d0 / st.d1
	if d0 < 1e-5 || st.d1 < 1e-5 || !finite(h0) {
		h0 = 1e-6
	}
	// Far from t = 0, as with seconds since 1970, time itself has only so many digits.
	h0 = min(max(h0, shortestFirst(s.T0)), in.plan.limit(s.T0))
	h := in.plan.dir * h0
	for i, y := range s.Y0 {
		st.probe[i] = y + T(h)*st.f0[i]
	}
	// Otherwise no probing: the first attempt finds out.
	return h0, s.bound(s.T0 + h), vec.Finite(st.probe) && s.T0+h != s.T0
}

// choose returns the size, given f1 at the end of the Euler step of size h0, and overwrites f1.
func (st *startingStep[T]) choose(in *Integrator[T], h0 float64) float64 {
	s := &in.step
	vec.Sub(st.f1, st.f1, st.f0)
	d2 := in.tol.measure(st.f1, s.Y0, s.Y0) / h0
	h1 := max(1e-6, h0*1e-3)
	if d := max(st.d1, d2); d > 1e-15 {
		h1 = math.Pow(0.01/d, 1/float64(in.plan.order))
	}
	return min(max(min(100*h0, h1), shortestFirst(s.T0)), in.plan.limit(s.T0))
}
