package adjoint

import (
	"fmt"
	"math"

	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// EventCotangent is the gradient of a loss with respect to what the Solution records of one
// event: its time, and the states before and after. Nil slices are zero.
type EventCotangent[T odeint.Float] struct {
	T             float64
	Before, After []T
}

// events takes cotangents back through the events of a solve. An event at time τ, where
// g(τ, y⁻; θ) = 0, with y⁺ = w(τ, y⁻; θ), makes of ∂L/∂y⁺ = λ⁺
//
//	λ⁻ = w_yᵀ λ⁺ − c g_yᵀ,   dθ += w_θᵀ λ⁺ − c g_θᵀ,   c = (dL/dτ) / (dg/dτ),
//
// where dL/dτ and dg/dτ go along the solution to the event, and dL/dτ counts the part after the event
// that begins at τ (the saltation matrix: Aizerman & Gantmakher 1958; for neural ODEs Chen, Amos & Nickel
// 2021). Along the solution is its slope f for the continuous methods; for Discrete it is
// the step that ends at τ, as a function of where it ends, and the one that begins there.
type events[T odeint.Float] struct {
	list         odeint.Events[T]
	cond, effect []*part[T]
	params       int

	sol  *odeint.Solution[T]
	grad []T
	cots []EventCotangent[T]
	last int // the last with a cotangent, or −1

	one          [1]T
	gy, w, moved []T
	out          [][]T // cotangents of events that do not act
}

// part is a condition or an effect.
type part[T odeint.Float] struct {
	m      odeint.DifferentiableMap[T]
	timed  odeint.TimedMap[T] // nil: by differences
	params int
	offset int // of its parameters in Gradient.Events
	y      []T // values at other times
}

// newEvents returns the events of the options, and what is wrong with them.
func newEvents[T odeint.Float](list odeint.EventList, dim int) (*events[T], []string) {
	own, ok := list.(odeint.Events[T])
	if !ok || len(own) == 0 {
		return nil, nil // another type is a fault of the forward solve
	}
	e := &events[T]{list: own, gy: make([]T, dim), w: make([]T, dim), moved: make([]T, dim)}
	var bad []string
	take := func(i int, what string, m odeint.Map[T], size int, needed bool) *part[T] {
		d, ok := m.(odeint.DifferentiableMap[T])
		if !ok {
			if m != nil && needed {
				bad = append(bad, fmt.Sprintf("Events: the %s of event %d has no vector-Jacobian products; implement odeint.DifferentiableMap, or use a graph.Function", what, i))
			}
			return nil
		}
		p := &part[T]{m: d, params: d.NumParams(), offset: e.params, y: make([]T, size)}
		p.timed, _ = m.(odeint.TimedMap[T])
		e.params += p.params
		return p
	}
	for i, ev := range own {
		e.cond = append(e.cond, take(i, "condition", ev.Condition, 1, ev.Effect != nil))
		e.effect = append(e.effect, take(i, "effect", ev.Effect, dim, true))
	}
	return e, bad
}

// begin prepares for a pass.
func (e *events[T]) begin(sol *odeint.Solution[T], g *Gradient[T], cots []EventCotangent[T], dim int) error {
	g.Events = sized(g.Events, e.params)
	e.sol, e.grad, e.cots, e.last = sol, g.Events, cots, -1
	if cots == nil {
		return nil
	}
	if len(cots) != len(sol.Events) {
		panic("adjoint: the cotangents of events are not as many as the events")
	}
	for k, c := range cots {
		live := c.T != 0
		for _, v := range [][]T{c.Before, c.After} {
			if v != nil && len(v) != dim {
				panic("adjoint: length of an event's cotangent is not the field's Dim")
			}
			for j, x := range v {
				live = live || x != 0
				if x-x != 0 {
					return &CotangentError{Event: true, Row: k, Component: j, Value: float64(x)}
				}
			}
		}
		if c.T-c.T != 0 {
			return &CotangentError{Event: true, Row: k, Component: -1, Value: c.T}
		}
		if !live {
			continue
		}
		e.last = k
		i := sol.Events[k].Event
		if e.list[i].Condition != nil && e.cond[i] == nil {
			return &odeint.OptionError{Faults: []string{fmt.Sprintf("Events: the condition of event %d has no vector-Jacobian products; implement odeint.DifferentiableMap, or use a graph.Function", i)}}
		}
	}
	return nil
}

// live reports whether occurrence k has a cotangent.
func (e *events[T]) live(k int) bool {
	if e.cots == nil {
		return false
	}
	c := &e.cots[k]
	return c.T != 0 || nonZero(c.Before) || nonZero(c.After)
}

func nonZero[T odeint.Float](v []T) bool {
	for _, x := range v {
		if x != 0 {
			return true
		}
	}
	return false
}

// acts reports whether occurrence k ended a step.
func (e *events[T]) acts(k int) bool {
	ev := &e.list[e.sol.Events[k].Event]
	return ev.Effect != nil || ev.Terminal
}

// moves reports whether the time of occurrence k depends on the state, such that it counts.
func (e *events[T]) moves(k int) bool { return e.cond[e.sol.Events[k].Event] != nil }

// through makes of lambda, ∂L/∂y after occurrence k along the solve, that of the state before it at
// a fixed time, and returns the explicit part of dL/dτ.
func (e *events[T]) through(k int, lambda []T, h float64) (dt float64) {
	o := &e.sol.Events[k]
	var cot EventCotangent[T]
	if e.cots != nil {
		cot = e.cots[k]
	}
	add(lambda, cot.After)
	if p := e.effect[o.Event]; p != nil {
		copy(e.w, lambda)
		p.m.VJP(nil, lambda, p.theta(e.grad), o.T, o.Before, e.w)
		if e.moves(k) {
			dt = p.alongTime(o.T, h, o.Before, e.w)
		}
	}
	add(lambda, cot.Before)
	return dt + cot.T
}

// slope stores the gradient g_y of the condition of occurrence k in e.gy and returns its derivative
// with respect to time.
func (e *events[T]) slope(k int, h float64) (dt float64) {
	o := &e.sol.Events[k]
	p := e.cond[o.Event]
	e.one[0] = 1
	p.m.VJP(nil, e.gy, nil, o.T, o.Before, e.one[:])
	return p.alongTime(o.T, h, o.Before, e.one[:])
}

// apply adds what the time of occurrence k makes of dL/dτ = rate: −rate/slope times the derivatives
// of the condition, of which e.gy is one. along is how fast the condition could change, were g_y
// parallel to the slope of the state.
func (e *events[T]) apply(k int, lambda []T, rate, slope, along float64) error {
	o := &e.sol.Events[k]
	if !(math.Abs(slope) > math.Sqrt(vec.Epsilon[T]())/16*along) {
		return &odeint.EventError{Event: o.Event, Name: fmt.Sprintf("event %d", o.Event), T: o.T, Err: odeint.ErrGrazing}
	}
	c := rate / slope
	for j, g := range e.gy {
		lambda[j] -= T(c) * g
	}
	p := e.cond[o.Event]
	if theta := p.theta(e.grad); theta != nil && c != 0 {
		e.one[0] = T(-c)
		p.m.VJP(nil, e.moved, theta, o.T, o.Before, e.one[:])
	}
	return nil
}

// theta is where the gradient of the part's parameters is; nil: it has none.
func (p *part[T]) theta(grad []T) []T {
	if p.params == 0 {
		return nil
	}
	return grad[p.offset:][:p.params]
}

// alongTime returns λᵀ∂w/∂t; h is a time over which w is smooth.
func (p *part[T]) alongTime(t, h float64, y, lambda []T) float64 {
	if p.timed != nil {
		return p.timed.TimeVJP(t, y, lambda)
	}
	d := differenceSize[T](h)
	if !(t+d != t) {
		return 0
	}
	at := func(t float64) float64 {
		p.m.Eval(p.y, t, y)
		return dot(p.y, lambda)
	}
	up, down := at(t+d), at(t-d)
	if up == down {
		return 0
	}
	return fourth(up, down, at(t+2*d), at(t-2*d), d)
}

// differenceSize is the distance of differences of fourth order for what is smooth over h.
func differenceSize[T odeint.Float](h float64) float64 {
	return math.Abs(h) * math.Pow(vec.Epsilon[T](), 0.2)
}

// fourth is the difference of fourth order of values at ±d and ±2d.
func fourth(up, down, up2, down2, d float64) float64 {
	return (8*(up-down) - (up2 - down2)) / (12 * d)
}

// dot is the inner product, summed up in float64.
func dot[T odeint.Float](a, b []T) float64 {
	var sum float64
	for i, x := range a {
		sum += float64(x) * float64(b[i])
	}
	return sum
}

// size2 is the Euclidean norm.
func size2[T odeint.Float](a []T) float64 { return math.Sqrt(dot(a, a)) }

// anyMoves reports whether there are events that end steps and whose time moves.
func (e *events[T]) anyMoves() bool {
	for i := range e.list {
		if e.cond[i] != nil && (e.list[i].Effect != nil || e.list[i].Terminal) {
			return true
		}
	}
	return false
}
