package odeint

import (
	"fmt"
	"slices"
)

// Map is a function w(t, y) of time and state: the condition of an Event, with one value, or its
// effect, with as many as the state. A graph.Function of one sample is a Map; MapFunc and
// When make one of a Go function.
//
// Integrators of several goroutines may share the maps of one Options. A map that has
// a workspace needs Options of its own for each of them.
type Map[T Float] interface {
	// Eval stores w(t, y) in dst. The slices do not overlap. Eval must not modify y and must
	// not keep either slice.
	Eval(dst []T, t float64, y []T)
}

// DifferentiableMap is a map w(t, y; θ) with its vector-Jacobian products, as gradients
// through events need it. θ are parameters of the map's own, apart from those of the field.
type DifferentiableMap[T Float] interface {
	Map[T]

	// NumParams is the length of θ. It does not change.
	NumParams() int

	// VJP stores λᵀ∂w/∂y in dy and adds λᵀ∂w/∂θ to dtheta. A nil dtheta is not wanted.
	// w(t, y) goes to dst unless dst is nil. It must not modify y or lambda.
	VJP(dst, dy, dtheta []T, t float64, y, lambda []T)
}

// TimedMap is a map that knows its derivative with respect to time. That of others comes
// from differences, which are exactly 0 where the map does not depend on time.
type TimedMap[T Float] interface {
	// TimeVJP returns λᵀ∂w/∂t.
	TimeVJP(t float64, y, lambda []T) float64
}

// MapFunc is a Go function as a Map.
type MapFunc[T Float] func(dst []T, t float64, y []T)

// Eval calls f.
func (f MapFunc[T]) Eval(dst []T, t float64, y []T) { f(dst, t, y) }

// When returns g as the condition of an event.
func When[T Float](g func(t float64, y []T) T) Map[T] {
	if g == nil {
		panic("odeint: nil condition")
	}
	return MapFunc[T](func(dst []T, t float64, y []T) { dst[0] = g(t, y) })
}

// Direction is the way in which a condition passes through 0, seen in the direction of the solve:
// for one that goes back in time, from later to earlier times.
type Direction int

const (
	Either  Direction = iota // both ways
	Rising                   // from negative to positive
	Falling                  // from positive to negative
)

// String returns the name of the direction.
func (d Direction) String() string {
	switch d {
	case Either:
		return "Either"
	case Rising:
		return "Rising"
	case Falling:
		return "Falling"
	}
	return "unknown"
}

// admits reports whether g may come from the given side, −1 or 1.
func (d Direction) admits(side int8) bool {
	return d == Either || d == Rising && side < 0 || d == Falling && side > 0
}

// Event is something that happens during a solve: when a condition g(t, y) passes
// through 0, or at known times. It can change the state, y⁺ = w(t, y), end the solve, or only
// be recorded in Solution.Events.
//
// A condition is watched along the interpolant of every step, at the ends and at Samples places
// inside, and between them wherever it seems to touch 0 and turn back. So two
// crossings inside one step are both found, unless they are closer than some hundredths of it. Then the step
// is taken again, shorter, so that it ends where g(t, y) = 0 holds for the step's own state,
// to the last digits of t; events happen in the order of their times. Those at the same
// time (to 16 units in its last place) happen in the order of the list, each on the state
// that the one before has left.
//
// An event is a crossing. A condition that is 0 at the start, or where an event has just happened, is not one; which side
// of 0 the solve is on from there is seen from how g moves. A condition that touches 0 without changing
// its sign is no event, except if it is exactly 0 at the end of a step or at a sample. What an
// effect does to the conditions of other events is no crossing either.
//
// The condition of a field of several samples (Batched) is one of all samples together:
// of the whole state. With an effect, the step ends for all of them.
type Event[T Float] struct {
	// Name is what errors call the event. The default is its index.
	Name string

	// Condition is g: a map with one value. Nil: the event happens at Times.
	Condition Map[T]

	// Times are when a scheduled event happens, such as a dose or the switch of a control. A step ends
	// there. Times outside the solve are ignored; the order is free. One at the start of the
	// solve happens before its first step, one at the end after the last.
	Times []float64

	// Direction is in which direction g has to pass through 0. The default is Either.
	Direction Direction

	// Effect is w: from the state at the event it makes the state from which the solve goes
	// on, at the same time. Nil: the event leaves the state, and the steps, as they are.
	Effect Map[T]

	// Terminal ends the solve at the event, after its effect.
	Terminal bool

	// Samples is at how many places inside a step the condition is looked at. 0: 7.
	Samples int
}

// acts reports whether the event makes a step end.
func (e *Event[T]) acts() bool { return e.Effect != nil || e.Terminal }

// EventList is what Options.Events holds: Events[float64] or Events[float32], as the
// field has it.
type EventList interface {
	// Len is the number of events.
	Len() int

	cloned() EventList
	shared() bool
	faults(dim int, f *faults)
}

// Events are the events of a solve, the value of Options.Events.
type Events[T Float] []Event[T]

// Len is the number of events.
func (l Events[T]) Len() int { return len(l) }

func (l Events[T]) cloned() EventList {
	c := slices.Clone(l)
	for i := range c {
		c[i].Times = slices.Clone(c[i].Times)
	}
	return c
}

// shared reports whether several goroutines can watch the events at a time.
func (l Events[T]) shared() bool {
	free := func(m Map[T]) bool {
		_, ok := m.(MapFunc[T])
		return ok || m == nil
	}
	for _, e := range l {
		if !free(e.Condition) || !free(e.Effect) {
			return false
		}
	}
	return true
}

// faults adds what is wrong with the events of a state of length dim.
func (l Events[T]) faults(dim int, f *faults) {
	for i := range l {
		e := &l[i]
		what := "Events: " + l.name(i)
		switch {
		case e.Condition == nil && len(e.Times) == 0:
			f.add("%s has neither a Condition nor Times; set one of them", what)
		case e.Condition != nil && len(e.Times) > 0:
			f.add("%s has a Condition and Times; make two events of it", what)
		}
		allFinite(f, what+": Times", e.Times)
		if e.Direction < Either || e.Direction > Falling {
			f.add("%s: Direction %d is none of Either, Rising and Falling", what, int(e.Direction))
		}
		if e.Samples < 0 || e.Samples > 1000 {
			f.add("%s: Samples %d is outside [0, 1000]", what, e.Samples)
		}
		checkMap(f, what+": Condition", e.Condition, dim, 1)
		checkMap(f, what+": Effect", e.Effect, dim, dim)
	}
}

// checkMap adds what is wrong with the lengths of a map that tells them.
func checkMap[T Float](f *faults, what string, m Map[T], in, out int) {
	sized, ok := m.(interface {
		InDim() int
		OutDim() int
	})
	if ok && (sized.InDim() != in || sized.OutDim() != out) {
		f.add("%s takes %d components and returns %d; it has to take %d and return %d", what, sized.InDim(), sized.OutDim(), in, out)
	}
}

// name is what errors call event i.
func (l Events[T]) name(i int) string {
	if l[i].Name != "" {
		return fmt.Sprintf("event %d (%s)", i, l[i].Name)
	}
	return fmt.Sprintf("event %d", i)
}

// Occurrence is one event that happened. The slices belong to the Solution.
type Occurrence[T Float] struct {
	Event int     // its index in Options.Events
	T     float64 // when it happened

	// Before is the state at T, After what the effect made of it: the same slice where there
	// is none. Of several events at one time, each begins with what the one before has left.
	Before, After []T

	// Step is the accepted step in which it happened, and Theta where in it, as Solution.Origin
	// says: at its end if Theta is 1. A scheduled event at the start of the solve has step −1.
	Step  int
	Theta float64
}
