package odeint

import (
	"math"

	"github.com/neuralode/neuralode/internal/vec"
)

// shorten takes the step again so that it ends where the condition of the crossing is 0 at
// the step's own end. The interpolant's root is a first guess that is off by its error;
// a secant takes it from there.
func (w *watcher[T]) shorten(c crossing) error {
	s, full := &w.in.step, w.in.step.T1
	t, rate := c.t, c.rate
	best, least := t, math.Inf(1)
	var before, g0 float64
	for k := range 12 {
		g, err := w.endAt(c.event, t)
		if err != nil {
			return err
		}
		if math.Abs(g) >= least {
			break
		}
		best, least = t, math.Abs(g)
		if k > 0 && g != g0 {
			rate = (g - g0) / (t - before)
		}
		before, g0 = t, g
		next := t - g/rate
		if !(math.Abs(next-t) > 0.5*vec.Epsilon[float64]()*math.Abs(t)) || !(min(s.T0, full) < next && next < max(s.T0, full)) {
			break
		}
		t = next
	}
	if best != s.T1 {
		_, err := w.endAt(c.event, best)
		return err
	}
	return nil
}

// endAt takes the step again up to time t and returns the condition of event i there.
func (w *watcher[T]) endAt(i int, t float64) (float64, error) {
	s := &w.in.step
	s.T1, s.H, s.Hi = t, t-s.T0, t
	w.in.stepper.reject()
	if _, err := w.in.stepper.attempt(s); err != nil {
		return 0, err
	}
	return w.eval(i, t, s.Y1)
}

// note records the events inside the step that do not act, after it was accepted.
func (w *watcher[T]) note(index int) error {
	in, s := w.in, &w.in.step
	dir := in.plan.dir
	for i, times := range w.times {
		for !w.list[i].acts() && w.next[i] < len(times) && dir*times[w.next[i]] <= dir*s.T1 {
			t := times[w.next[i]]
			w.found = append(w.found, crossing{event: i, theta: s.theta(t), t: t})
			w.next[i]++
		}
	}
	// In the order of their times; there are few.
	for k := range w.found {
		for j := k; j > 0 && dir*w.found[j].t < dir*w.found[j-1].t; j-- {
			w.found[j], w.found[j-1] = w.found[j-1], w.found[j]
		}
	}
	for _, c := range w.found {
		if w.count++; w.count > w.most {
			return &EventError{Event: c.event, Name: w.list.name(c.event), T: c.t, Err: ErrMaxEvents}
		}
		in.stats.Events++
		y := s.Y1
		if c.theta != 1 {
			y = w.y
			w.interp.state(y, s, c.theta)
		}
		in.sol.happened(c.event, c.t, index, c.theta, y, nil)
	}
	w.found = w.found[:0]
	return nil
}

// inside reports whether the step has events that do not act.
func (w *watcher[T]) inside() bool {
	if len(w.found) > 0 {
		return true
	}
	dir := w.in.plan.dir
	end := dir * w.in.step.T1
	for i, times := range w.times {
		if !w.list[i].acts() && w.next[i] < len(times) && dir*times[w.next[i]] <= end {
			return true
		}
	}
	return false
}
