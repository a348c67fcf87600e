package odeint

import (
	"cmp"
	"math"
	"slices"

	"github.com/neuralode/neuralode/internal/vec"
)

// watcher finds the events of a solve:
//
//	begin    sees on which side of its condition's root each event starts
//	cut      looks through an accepted step and takes it again, shorter, up to the first event that acts
//	note     records the events of the step that do not act
//	fire     lets happen what happens at its end, and sees on which side the conditions are then
type watcher[T Float] struct {
	in      *Integrator[T]
	list    Events[T]
	watched []int // those with a condition
	passive bool  // one of them does not act
	pieces  int   // in which a step is looked at
	interp  interpolant[T]
	most    int // Options.MaxEvents

	side  []int8    // the sign of a condition where the solve is; 0: not known
	value []float64 // and its value
	due   []float64 // Times of those that act, ascending
	times [][]float64
	next  []int // the first of the times of each that is ahead

	values []float64  // of a condition in a step, a row for each
	found  []crossing // in the step, those that do not act
	acting []crossing // those that do, the first of each
	firing []int      // what happens at the end of the step
	noise  []float64  // of the conditions that fire: what is no more than rounding
	ended  bool       // by a Terminal event
	count  int

	g        [1]T
	y, slope []T
}

// crossing is where a condition passes through its root in a step.
type crossing struct {
	event int
	theta float64
	t     float64
	side  int8    // where it comes from
	rate  float64 // of the condition
}

// defaultSamples is Event.Samples.
const defaultSamples = 7

// newWatcher returns the watcher of a list that is not empty.
func newWatcher[T Float](in *Integrator[T], list Events[T], most int) *watcher[T] {
	n, dim := len(list), in.ev.field.Dim()
	w := &watcher[T]{
		in: in, list: list, most: most, interp: in.stepper.interpolant(),
		side: make([]int8, n), value: make([]float64, n), times: make([][]float64, n), next: make([]int, n), noise: make([]float64, n),
		y: make([]T, dim), slope: make([]T, dim),
	}
	for i := range list {
		e := &list[i]
		w.times[i] = slices.Clone(e.Times)
		if e.Condition != nil {
			w.watched = append(w.watched, i)
			w.passive = w.passive || !e.acts()
			samples := e.Samples
			if samples == 0 {
				samples = defaultSamples
			}
			w.pieces = max(w.pieces, samples+1)
		}
		if e.acts() {
			w.due = append(w.due, e.Times...)
		}
	}
	w.values = make([]float64, n*(w.pieces+1))
	return w
}

// begin prepares for a solve from the state of in.step.
func (w *watcher[T]) begin() error {
	s, dir := &w.in.step, w.in.plan.dir
	w.ended, w.count = false, 0
	w.found, w.acting, w.firing = w.found[:0], w.acting[:0], w.firing[:0]
	for i, times := range w.times {
		slices.SortFunc(times, func(a, b float64) int { return cmp.Compare(dir*a, dir*b) })
		w.next[i] = 0
		for w.next[i] < len(times) && dir*times[w.next[i]] < dir*s.T0 {
			w.next[i]++
		}
	}
	if err := w.fire(-1); err != nil {
		return err
	}
	return w.look(nil)
}

// eval returns condition i at time t and state y.
func (w *watcher[T]) eval(i int, t float64, y []T) (float64, error) {
	w.in.stats.Conditions++
	w.list[i].Condition.Eval(w.g[:], t, y)
	g := float64(w.g[0])
	if !finite(g) {
		return g, &NonFiniteError{What: "the condition of " + w.list.name(i), T: t, Component: -1, Value: g}
	}
	return g, nil
}

// inStep is eval on the interpolant of the step.
func (w *watcher[T]) inStep(i int, theta float64) (float64, error) {
	s := &w.in.step
	if theta == 1 {
		return w.eval(i, s.T1, s.Y1)
	}
	w.interp.state(w.y, s, theta)
	return w.eval(i, s.T0+theta*s.H, w.y)
}

// cut looks through the step that was accepted. Where an event in it acts, it takes the
// step again, up to there.
func (w *watcher[T]) cut() error {
	w.firing = w.firing[:0]
	if len(w.watched) == 0 {
		return nil
	}
	s, p := &w.in.step, &w.in.plan
	if err := w.scan(true); err != nil {
		return err
	}
	if len(w.acting) == 0 {
		w.commit()
		return nil
	}
	first := w.acting[0]
	for _, c := range w.acting[1:] {
		if p.dir*c.t < p.dir*first.t {
			first = c
		}
	}
	if !together(first.t, s.T1) {
		if shortest(math.Abs(first.t-s.T0), s.T0) {
			return &EventError{Event: first.event, Name: w.list.name(first.event), T: s.T0, Err: ErrZeno}
		}
		end := s.T1
		if err := w.shorten(first); err != nil {
			return err
		}
		p.cutShort(end)
		if p.fixed {
			w.in.sol.cutSeries(w.in.stats.Accepted, s.T1)
		}
	}
	for _, c := range w.acting {
		g, err := w.eval(c.event, s.T1, s.Y1)
		if err != nil {
			return err
		}
		if c.event == first.event || together(c.t, s.T1) || g*float64(c.side) <= 0 {
			w.firing = append(w.firing, c.event)
			if err := w.measure(c, g); err != nil {
				return err
			}
		}
	}
	if w.passive {
		if err := w.scan(false); err != nil {
			return err
		}
	}
	w.commit()
	return nil
}

// together reports whether two times are one for events.
func together(a, b float64) bool {
	return math.Abs(a-b) <= 16*vec.Epsilon[float64]()*max(math.Abs(a), math.Abs(b))
}

// measure finds how large a change of the condition that fires is no more than rounding,
// of the state and the time, given its value at the event.
func (w *watcher[T]) measure(c crossing, g float64) error {
	s := &w.in.step
	for i, y := range s.Y1 {
		w.y[i] = y + y*T(vec.Epsilon[T]())
	}
	moved, err := w.eval(c.event, s.T1, w.y)
	if err != nil {
		return err
	}
	w.noise[c.event] = 4 * max(math.Abs(g), math.Abs(moved-g), 4*vec.Epsilon[float64]()*math.Abs(c.rate*s.T1))
	return nil
}

// commit makes what the last scan saw at the end of the step the start of the next.
func (w *watcher[T]) commit() {
	for _, i := range w.watched {
		v := w.values[i*(w.pieces+1):][:w.pieces+1]
		w.value[i] = v[w.pieces]
		w.side[i] = sign(w.value[i])
	}
}

func sign(x float64) int8 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// fire lets happen what happens at the end of step index, which the solve has reached.
func (w *watcher[T]) fire(index int) error {
	in, s := w.in, &w.in.step
	dir := in.plan.dir
	for i, times := range w.times {
		for w.next[i] < len(times) && (dir*times[w.next[i]] <= dir*s.T0 || near(times[w.next[i]], s.T0)) {
			if w.list[i].acts() || index < 0 {
				w.firing = append(w.firing, i)
			}
			w.next[i]++
		}
	}
	if len(w.firing) == 0 {
		return nil
	}
	slices.Sort(w.firing)
	for _, i := range w.firing {
		if err := w.happen(i, index); err != nil {
			return err
		}
	}
	if w.ended {
		in.plan.end()
	}
	if index >= 0 {
		err := w.look(w.firing)
		in.plan.restart()
		w.firing = w.firing[:0]
		return err
	}
	w.firing = w.firing[:0]
	return nil
}

// happen has event i happen at the state reached.
func (w *watcher[T]) happen(i, index int) error {
	in, s, e := w.in, &w.in.step, &w.list[i]
	if w.count++; w.count > w.most {
		return &EventError{Event: i, Name: w.list.name(i), T: s.T0, Err: ErrMaxEvents}
	}
	in.stats.Events++
	if e.Effect == nil {
		in.sol.happened(i, s.T0, index, 1, s.Y0, nil)
		w.ended = w.ended || e.Terminal
		return nil
	}
	after := in.other()
	e.Effect.Eval(after, s.T0, s.Y0)
	in.sol.happened(i, s.T0, index, 1, s.Y0, after)
	s.Y0 = after
	w.ended = w.ended || e.Terminal
	if vec.Finite(after) {
		return nil
	}
	return nonFinite("the state after "+w.list.name(i), s.T0, after)
}

// look sees on which side of their roots the conditions are at the state reached, where the given
// events have just happened.
func (w *watcher[T]) look(happened []int) error {
	s, p := &w.in.step, &w.in.plan
	slope := false
	for _, i := range w.watched {
		g, err := w.eval(i, s.T0, s.Y0)
		if err != nil {
			return err
		}
		fired := slices.Contains(happened, i)
		w.value[i], w.side[i] = g, sign(g)
		if g != 0 && !(fired && math.Abs(g) <= w.noise[i]) || p.done() {
			continue
		}
		if !fired {
			w.noise[i] = 0
		}
		if !slope {
			t := s.T0
			if p.from.jump {
				t = math.Nextafter(p.from.t, p.dir*math.Inf(1))
			}
			if err := w.in.ev.at(w.slope, t, s.Y0); err != nil {
				return err
			}
			slope = true
		}
		if w.side[i], err = w.leaving(i, g); err != nil {
			return err
		}
		if w.side[i] == 0 && fired {
			return &EventError{Event: i, Name: w.list.name(i), T: s.T0, Err: ErrGrazing}
		}
	}
	return nil
}

// leaving returns the sign that condition i, which is at its root, takes as the state moves on along its
// slope: over the shortest time in which it changes by more than rounding. It is 0 if it
// does not.
func (w *watcher[T]) leaving(i int, g float64) (int8, error) {
	s, p := &w.in.step, &w.in.plan
	limit := p.limit(s.T0)
	if p.h > 0 {
		limit = min(limit, p.h)
	}
	for dt := min(limit, shortestFirst(s.T0)+1e-15*limit); ; dt *= 8 {
		dt = min(dt, limit)
		h := p.dir * dt
		for j, y := range s.Y0 {
			w.y[j] = y + T(h)*w.slope[j]
		}
		v, err := w.eval(i, s.T0+h, w.y)
		if err != nil {
			return 0, nil // outside its domain
		}
		if math.Abs(v-g) > w.noise[i] {
			return sign(v - g), nil
		}
		if dt == limit {
			return 0, nil
		}
	}
}

// ends reports whether the solve ends at the end of the step.
func (w *watcher[T]) ends() bool {
	return slices.ContainsFunc(w.firing, func(i int) bool { return w.list[i].Terminal })
}
