package adjoint

import (
	"slices"

	"github.com/neuralode/neuralode/odeint"
)

// eventSteps takes Discrete back through events. A step that ends at an event ends where its own end
// fulfils the condition, so the implicit function theorem gives the exact derivative of
// its size; the step after it begins there and ends where it did, so its size changes by
// the opposite. The ends of all other steps are constants, as everywhere in Discrete. With Fixed this is
// the derivative of the computed numbers; with steps that adapt it is that but for the choice of
// the ends.
type eventSteps[T odeint.Float] struct {
	*events[T]
	next     int     // occurrences from here on are done
	start    float64 // ∂L/∂T0 of the step after the one in turn, with its end held
	lambda   []T     // kept while others are tried
	y1, k    []T     // of a step taken again
	acted    []int   // the occurrences at the end of the step
	inside   []int
	slope    []T
	dT0, dT1 float64
}

func newEventSteps[T odeint.Float](e *events[T], n int) *eventSteps[T] {
	return &eventSteps[T]{events: e, lambda: make([]T, n), y1: make([]T, n), slope: make([]T, n)}
}

// lastStep returns the last step, at least n, that a cotangent of an event belongs to.
func (e *eventSteps[T]) lastStep(n int) int {
	e.next = len(e.sol.Events)
	e.start = 0
	if e.last >= 0 {
		n = max(n, e.sol.Events[e.last].Step)
	}
	return n
}

// at collects the occurrences of step n; steps are asked for from the last to the first.
func (e *eventSteps[T]) at(n int) {
	e.acted, e.inside = e.acted[:0], e.inside[:0]
	for ; e.next > 0 && e.sol.Events[e.next-1].Step >= n; e.next-- {
		k := e.next - 1
		switch {
		case e.sol.Events[k].Step > n:
		case e.acts(k):
			e.acted = append(e.acted, k)
		case e.live(k):
			e.inside = append(e.inside, k)
		}
	}
}

// end returns the state at the end of the step that e.at was called for, before its events;
// nil: it has none.
func (e *eventSteps[T]) end() []T {
	if len(e.acted) == 0 {
		return nil
	}
	return e.sol.Events[e.acted[len(e.acted)-1]].Before
}

// after returns the state after the events at the end of step n, or nil if there are none.
func (e *events[T]) after(n int) []T {
	next, _ := slices.BinarySearchFunc(e.sol.Events, n+1, func(o odeint.Occurrence[T], n int) int { return o.Step - n })
	for k := next - 1; k >= 0 && e.sol.Events[k].Step == n; k-- {
		if e.acts(k) {
			return e.sol.Events[k].After
		}
	}
	return nil
}

// touch finds the start of the step with Inverse, where it is needed before the step is reversed: by
// a reverse of nothing.
func (e *eventSteps[T]) touch(d *discrete[T], p *pass[T], s *odeint.Step[T], n int) error {
	if len(e.acted)+len(e.inside) == 0 && !e.beginsMoving(n) {
		return nil
	}
	ours, theta := p.lambda, p.grad.Theta
	clear(e.lambda)
	p.lambda, p.grad.Theta = e.lambda, nil
	err := d.rev.back(p, s, nil)
	p.lambda, p.grad.Theta = ours, theta
	return err
}

// beginsMoving reports whether step n begins at an event whose time moves.
func (e *eventSteps[T]) beginsMoving(n int) bool {
	for k := e.next - 1; k >= 0 && e.sol.Events[k].Step == n-1; k-- {
		if e.acts(k) && e.moves(k) {
			return true
		}
	}
	return false
}

// back takes p.lambda over the events at the end of the step, and adds to outs those inside it.
func (e *eventSteps[T]) back(d *discrete[T], p *pass[T], s *odeint.Step[T]) error {
	for i, k := range e.inside {
		if err := e.output(d, p, s, i, k); err != nil {
			return err
		}
	}
	for i, k := range e.acted { // the last first
		if err := e.act(d, p, s, i, k); err != nil {
			return err
		}
	}
	return nil
}

// act takes p.lambda over occurrence k at the end of the step, the i-th from behind.
func (e *eventSteps[T]) act(d *discrete[T], p *pass[T], s *odeint.Step[T], i, k int) error {
	o := &e.sol.Events[k]
	if i == 0 && d.stateful != nil {
		d.stateful.end(p.lambda)
		d.stateful.begin()
	}
	rate := e.through(k, p.lambda, s.H) + e.start
	e.start = 0
	if !e.moves(k) {
		return nil
	}
	dg := e.events.slope(k, s.H)
	first := i == len(e.acted)-1
	var along float64
	if first {
		copy(e.lambda, p.lambda)
		if err := e.ends(d, p, s, e.lambda, d.outs, 0, 1); err != nil {
			return err
		}
		rate += e.dT1
		if err := e.ends(d, p, s, e.gy, nil, 0, 1); err != nil {
			return err
		}
		for j, y := range s.Y1 {
			e.slope[j] = (y - s.Y0[j]) / T(s.H)
		}
		along = e.dT1
	} else {
		p.f.Eval(e.slope, o.T, o.Before)
		p.stats.NFE++
		rate += dot(p.lambda, e.slope)
		along = dot(e.gy, e.slope)
	}
	bound := max(-dg, dg) + size2(e.gy)*size2(e.slope)
	if err := e.apply(k, p.lambda, rate, dg+along, bound); err != nil {
		return err
	}
	if !first { // the event before it is at the same time, and nothing in between but its slope
		e.start = -dot(p.lambda, e.slope)
	}
	return nil
}

// output makes an output inside the step of occurrence k, which does not act.
func (e *eventSteps[T]) output(d *discrete[T], p *pass[T], s *odeint.Step[T], i, k int) error {
	o := &e.sol.Events[k]
	for len(e.out) <= i {
		e.out = append(e.out, make([]T, p.n))
	}
	dy := e.out[i]
	clear(dy)
	rate := e.through(k, dy, s.H)
	if e.moves(k) {
		dg := e.events.slope(k, s.H)
		if err := d.slopeInside(p, s, e, o.Theta); err != nil {
			return err
		}
		rate += dot(dy, e.slope)
		bound := max(-dg, dg) + size2(e.gy)*size2(e.slope)
		if err := e.apply(k, dy, rate, dg+dot(e.gy, e.slope), bound); err != nil {
			return err
		}
	}
	d.outs = append(d.outs, outputCotangent[T]{theta: o.Theta, dy: dy})
	return nil
}

// begins notes how L depends on the start of the step, with its end held, if that is an event
// whose time moves; lambda is the cotangent of the step's end.
func (e *eventSteps[T]) begins(d *discrete[T], p *pass[T], s *odeint.Step[T], n int, lambda []T) error {
	e.start = 0
	if !e.beginsMoving(n) {
		return nil
	}
	if err := e.ends(d, p, s, lambda, d.outs, 1, 0); err != nil {
		return err
	}
	e.start = e.dT0
	return nil
}

// ends stores the derivatives of λᵀY1 + Σ ȳᵀy(t_o) with respect to the ends of the step, of which from
// and to say that they are wanted, in e.dT0 and e.dT1. The times of outputs inside stay what they are.
func (e *eventSteps[T]) ends(d *discrete[T], p *pass[T], s *odeint.Step[T], lambda []T, outs []outputCotangent[T], from, to float64) error {
	rk, ok := d.rev.(*rkReverser[T])
	if auto, is := d.rev.(*autoReverser[T]); is && !s.Stiff {
		rk, ok = auto.rk, true
	}
	if ok {
		e.dT0, e.dT1 = rk.ends(p, s, lambda, outs)
		return nil
	}
	size := differenceSize[T](s.H)
	var v [4]float64
	for i, x := range [4]float64{1, -1, 2, -2} {
		var err error
		if v[i], err = e.value(p, s, lambda, outs, from*x*size, to*x*size); err != nil {
			return err
		}
	}
	slope := fourth(v[0], v[1], v[2], v[3], size)
	e.dT0, e.dT1 = from*slope, to*slope
	return nil
}

// value takes the step again with its ends moved, and returns λᵀY1 + Σ ȳᵀy(t_o).
func (e *eventSteps[T]) value(p *pass[T], s *odeint.Step[T], lambda []T, outs []outputCotangent[T], from, to float64) (float64, error) {
	sum := 0.0
	take := func(end float64, lambda []T) error {
		again := odeint.Step[T]{T0: s.T0 + from, T1: end, H: end - s.T0 - from, Lo: s.Lo, Hi: s.Hi, Stiff: s.Stiff, Y0: s.Y0, Y1: e.y1}
		if s.Lo == s.T0 {
			again.Lo = again.T0
		}
		if s.Hi == s.T1 {
			again.Hi = again.T1
		}
		again.K = append(e.k[:0], s.K[:min(len(s.K), p.n)]...) // the second copy of Tao's method
		err := p.retake(&again, false)
		e.k = again.K
		if err == nil {
			sum += dot(lambda, e.y1)
		}
		return err
	}
	if nonZero(lambda) {
		if err := take(s.T1+to, lambda); err != nil {
			return 0, err
		}
	}
	for _, o := range outs {
		if err := take(s.T0+o.theta*s.H, o.dy); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// atStart takes p.lambda over the events at the start of the solve.
func (e *eventSteps[T]) atStart(p *pass[T]) {
	e.at(-1)
	for _, k := range e.inside {
		e.through(k, p.lambda, 0)
	}
	for _, k := range e.acted {
		e.through(k, p.lambda, 0)
	}
}
