package odelayer

import (
	"fmt"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/nodes"
	"github.com/neuralode/neuralode/odeint"
)

// Event is an odeint.Event whose condition and effect are modules: their parameters are
// learnables of the layer, after those of the dynamics, named "ode/event0/condition/W0" and so on.
//
// After a Terminal event the layer's result stays at the state it left.
type Event struct {
	// Name is what errors call the event. The default is its index.
	Name string

	// Condition makes one number of the state of the whole batch: of (1, Batch, Shape…), or (1,
	// Shape…) with a Batch of 1, it makes (1, 1). Nil: the event happens at Times.
	Condition graph.Module

	// Times are when a scheduled event happens.
	Times []float64

	// Direction is in which direction the condition has to pass through 0.
	Direction odeint.Direction

	// Effect makes the state after the event of that before, both of shape (Batch, Shape…).
	Effect graph.Module

	// Terminal ends the solve at the event.
	Terminal bool

	// Samples is at how many places inside a step the condition is looked at. 0: 7.
	Samples int
}

// eventMaps are the compiled conditions and effects of a layer's events, in the order of
// adjoint's Gradient.Events.
type eventMaps[T graph.Float] struct {
	events []Event
	maps   []*graph.Function[T]
	layout []graph.Param // of all, their offsets beginning at 0
	params int
}

// compileEvents compiles the events of a layer.
func compileEvents[T graph.Float](name string, cfg Config) (*eventMaps[T], error) {
	e := &eventMaps[T]{events: cfg.Events}
	if len(cfg.Events) > 0 && cfg.Solve.Events != nil {
		return nil, &ConfigError{What: name, Faults: []string{"Events and Solve.Events are both set; use one of them"}}
	}
	all := append([]int{cfg.Batch}, cfg.Shape...)
	one := all
	if cfg.Batch == 1 {
		one = cfg.Shape
	}
	for i, ev := range cfg.Events {
		what := nodes.Join(name, fmt.Sprintf("event%d", i))
		if err := e.add(ev.Condition, 1, graph.FieldConfig{Shape: one, Name: nodes.Join(what, "condition"), Rand: cfg.Rand}); err != nil {
			return nil, err
		}
		if err := e.add(ev.Effect, cfg.Batch, graph.FieldConfig{Shape: cfg.Shape, Name: nodes.Join(what, "effect"), Rand: cfg.Rand}); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (e *eventMaps[T]) add(m graph.Module, batch int, cfg graph.FieldConfig) error {
	if m == nil {
		return nil
	}
	f, err := graph.NewFunction[T](m, batch, cfg)
	if err != nil {
		return err
	}
	for _, p := range f.Layout() {
		p.Offset += e.params
		e.layout = append(e.layout, p)
	}
	e.params += f.NumParams()
	e.maps = append(e.maps, f)
	return nil
}

// options returns the options with copies of the events whose parameters are those of theta.
func (e *eventMaps[T]) options(opt odeint.Options, theta []T) odeint.Options {
	if len(e.events) == 0 {
		return opt
	}
	next := 0
	clone := func(m graph.Module) odeint.Map[T] {
		if m == nil {
			return nil
		}
		f := e.maps[next].Clone()
		next++
		n := f.NumParams()
		f.Rebind(theta[:n:n])
		theta = theta[n:]
		return f
	}
	var list odeint.Events[T]
	for _, ev := range e.events {
		list = append(list, odeint.Event[T]{
			Name: ev.Name, Condition: clone(ev.Condition), Times: ev.Times, Direction: ev.Direction,
			Effect: clone(ev.Effect), Terminal: ev.Terminal, Samples: ev.Samples,
		})
	}
	opt.Events = list
	return opt
}

// initial stores the parameters of the modules in theta.
func (e *eventMaps[T]) initial(theta []T) {
	for _, f := range e.maps {
		theta = theta[copy(theta, f.Params()):]
	}
}

// joined is the layout of a solve: the dynamics' own parameters, those of the events, and the
// values of an input, whose places in θ are before those of the events.
func (e *eventMaps[T]) joined(field []graph.Param, params int, driven bool) []graph.Param {
	if len(e.layout) == 0 {
		return field
	}
	own := len(field)
	if driven {
		own--
	}
	layout := append([]graph.Param(nil), field[:own]...)
	for _, p := range e.layout {
		p.Offset += params
		layout = append(layout, p)
	}
	return append(layout, field[own:]...)
}

// rest fills the rows of saved states after a Terminal event with the state it left.
func rest[T graph.Float](states []T, sol *odeint.Solution[T]) {
	last := sol.Last()
	for n := len(sol.Y); n < len(states); n += len(last) {
		copy(states[n:], last)
	}
}

// atRest takes the cotangents of such rows to the state after the event, in cots; dys are those of the other rows.
func (s *solver[T]) atRest(all []T) (dys []T, cots []eventCotangent[T]) {
	sol := s.sol
	s.cots = s.cots[:0]
	if !sol.Stopped() {
		return all, nil
	}
	for range sol.Events {
		s.cots = append(s.cots, eventCotangent[T]{})
	}
	n := len(s.y0)
	clear(s.after)
	for i := len(sol.Y); i < len(all); i += n {
		for j, x := range all[i : i+n] {
			s.after[j] += x
		}
	}
	s.cots[len(s.cots)-1].After = s.after
	return all[:len(sol.Y)], s.cots
}
