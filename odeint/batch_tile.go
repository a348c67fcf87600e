package odeint

import "github.com/neuralode/neuralode/internal/vec"

// tile solves several samples at a time with an explicit Runge–Kutta method. Each has a slot with an
// integrator of its own, which does all that the loop in loop.go does, except that
// evaluations of f wait until those of all slots are known. One round of run is one attempt of
// a step in every slot.
type tile[T Float] struct {
	w       *batchWorker[T]
	field   RowField[T]
	opt     Options
	n       int // length of a sample
	rows    int
	slots   []*tileSlot[T] // the first live of them are in use
	live    int
	watcher func(sample int, s *Step[T], st *Stats) error

	// The evaluations that wait.
	waiting []*tileSlot[T]
	dst     [][]T
	samples []int
	ts      []float64
	y, dydt []T
}

// tileSlot is the place of one sample in a tile.
type tileSlot[T Float] struct {
	in     *Integrator[T]
	rk     *rkStepper[T] // of in
	row    rowOf[T]      // its field
	sample int
	probes bool    // the size of its first step is being chosen
	euler  float64 // the size of the Euler step that it is chosen with
	dense  bool    // the dense stages of its step are wanted
	missed error   // why the attempt of a step failed
	err    error   // why the solve ends
}

func newTile[T Float](w *batchWorker[T], f RowField[T], b *Batch[T]) (*tile[T], error) {
	t := &tile[T]{w: w, field: f, opt: b.options(), n: b.dim, rows: b.opt.Rows}
	if err := t.grow(); err != nil {
		return nil, err
	}
	return t, nil
}

// grow adds a slot.
func (t *tile[T]) grow() error {
	s := &tileSlot[T]{row: rowOf[T]{f: t.field, dim: t.n}}
	var err error
	if s.in, err = New[T](&s.row, t.opt); err != nil {
		return err
	}
	s.rk = s.in.stepper.(*rkStepper[T])
	t.slots = append(t.slots, s)
	t.observe(s)
	n := len(t.slots)
	if n > cap(t.samples) {
		size := min(t.rows, 2*n)
		t.samples, t.ts = make([]int, size), make([]float64, size)
		t.y, t.dydt = make([]T, size*t.n), make([]T, size*t.n)
		t.waiting, t.dst = make([]*tileSlot[T], 0, size), make([][]T, 0, size)
	}
	return nil
}

// watch is batchWorker.watch.
func (t *tile[T]) watch(fn func(sample int, s *Step[T], st *Stats) error) {
	t.watcher = fn
	for _, s := range t.slots {
		t.observe(s)
	}
}

func (t *tile[T]) observe(s *tileSlot[T]) {
	fn := t.watcher
	s.in.observe = nil
	if fn != nil {
		s.in.observe = func(step *Step[T], st *Stats) error { return fn(s.sample, step, st) }
	}
}

// run solves samples as long as there are some that wait, at most share at a time.
func (t *tile[T]) run(q *batchQueue[T], share int) {
	for {
		t.fill(q, min(t.rows, share))
		if t.live == 0 {
			return
		}
		cancelled := q.ctx.Err()
		for _, s := range t.slots[:t.live] {
			s.probes, s.missed, s.err = false, nil, cancelled
			if s.err == nil {
				s.probes, s.err = s.in.ready()
			}
		}
		t.launch()
		for _, s := range t.slots[:t.live] {
			if s.err == nil {
				s.err = s.in.target()
			}
		}
		t.attempt()
		t.settle(q)
		t.release(q)
	}
}

// fill gives waiting samples the free slots.
func (t *tile[T]) fill(q *batchQueue[T], rows int) {
	for t.live < rows {
		i := q.take()
		if i < 0 {
			return
		}
		if t.live == len(t.slots) {
			if err := t.grow(); err != nil { // as New said no before
				q.done(i, err)
				continue
			}
		}
		s := t.slots[t.live]
		s.sample, s.row.sample[0], s.row.err = i, i, nil
		t.w.begin(i)
		err := q.start(s.in, i)
		switch {
		case err != nil:
			q.done(i, err)
		case s.in.plan.done():
			q.done(i, s.in.finish())
		default:
			t.live++
		}
	}
}

// release frees the slots of samples that are done.
func (t *tile[T]) release(q *batchQueue[T]) {
	for k := 0; k < t.live; {
		s := t.slots[k]
		err := s.err
		switch {
		case err != nil:
			err = s.in.stop(err)
		case s.in.plan.done():
			err = s.in.finish()
		default:
			k++
			continue
		}
		s.in.saver.times = nil
		q.done(s.sample, err)
		t.live--
		t.slots[k], t.slots[t.live] = t.slots[t.live], s
	}
}

// launch chooses the step size where that takes evaluations.
func (t *tile[T]) launch() {
	for _, s := range t.slots[:t.live] {
		if s.err == nil && s.probes {
			step := &s.in.step
			copy(t.wait(s, s.in.start.f0, step.StageTime(0)), step.Y0)
		}
	}
	if len(t.waiting) == 0 {
		return
	}
	t.evaluate()
	for _, s := range t.slots[:t.live] {
		if s.err = s.fatal(); s.err != nil || !s.probes {
			continue
		}
		h, at, probing := s.in.start.guess(s.in)
		if s.euler = h; probing {
			copy(t.wait(s, s.in.start.f1, at), s.in.start.probe)
		} else {
			s.probes = false
			s.in.launch(h)
		}
	}
	t.evaluate()
	for _, s := range t.slots[:t.live] {
		if s.err = s.fatal(); s.err == nil && s.probes {
			s.in.launch(s.in.start.choose(s.in, s.euler))
		}
	}
}

// fatal is the error of a slot in which an evaluation was not part of a step.
func (s *tileSlot[T]) fatal() error {
	if s.err != nil {
		return s.err
	}
	return s.missed
}

// attempt is rkStepper.attempt, up to the scaled error.
func (t *tile[T]) attempt() {
	for _, s := range t.slots[:t.live] {
		if s.err != nil {
			continue
		}
		r, step := s.rk, &s.in.step
		step.K = step.K[:r.s*t.n]
		if first := step.K[:t.n]; r.nextFirst != nil {
			copy(first, r.nextFirst)
		} else {
			copy(t.wait(s, first, step.StageTime(r.c[0])), step.Y0)
		}
	}
	t.evaluate()
	for _, s := range t.slots[:t.live] {
		if s.tries() {
			s.rk.nextFirst = s.in.step.K[:t.n]
		}
	}
	for i := 1; i < t.slots[0].rk.s; i++ {
		for _, s := range t.slots[:t.live] {
			if !s.tries() {
				continue
			}
			r, step := s.rk, &s.in.step
			y := t.wait(s, step.K[i*t.n:(i+1)*t.n], step.StageTime(r.c[i]))
			if r.endsIn(i) {
				r.combine(step.Y1, step.Y0, step, &r.a[i])
				copy(y, step.Y1)
			} else {
				r.combine(y, step.Y0, step, &r.a[i])
			}
		}
		t.evaluate()
	}
}

// tries reports whether the attempt goes on.
func (s *tileSlot[T]) tries() bool { return s.err == nil && s.missed == nil }

// settle ends the attempts: those that are accepted get what is saved in them.
func (t *tile[T]) settle(q *batchQueue[T]) {
	for _, s := range t.slots[:t.live] {
		if s.dense = false; s.err != nil {
			continue
		}
		step, scaled := &s.in.step, 0.0
		if s.missed == nil {
			if s.missed = s.rk.complete(step, s.rk.s); s.missed == nil {
				scaled = s.rk.scaled(step)
			}
		}
		var accepted bool
		accepted, s.err = s.in.settle(scaled, s.missed)
		s.missed = nil
		switch {
		case s.err != nil || !accepted:
		case s.rk.all > s.rk.s && (s.in.wantsDense() || s.in.watch != nil):
			s.dense = true
		default:
			s.err = s.in.conclude(q.ctx)
		}
	}
	t.dense()
	for _, s := range t.slots[:t.live] {
		if s.dense {
			if s.err = s.missed; s.err == nil {
				s.err = s.in.conclude(q.ctx)
			}
		}
	}
}

// dense is rkStepper.dense in the slots that want it.
func (t *tile[T]) dense() {
	r := t.slots[0].rk
	for i := r.s; i < r.all; i++ {
		for _, s := range t.slots[:t.live] {
			if !s.dense || s.missed != nil {
				continue
			}
			step := &s.in.step
			step.K = step.K[:(i+1)*t.n]
			y := t.wait(s, step.K[i*t.n:], step.StageTime(s.rk.c[i]))
			if i == s.rk.end {
				copy(y, step.Y1)
			} else {
				s.rk.combine(y, step.Y0, step, &s.rk.a[i])
			}
		}
		t.evaluate()
	}
}

// wait has f evaluated for a slot, at a time and the state that the caller stores in the result,
// into dst.
func (t *tile[T]) wait(s *tileSlot[T], dst []T, at float64) (y []T) {
	i := len(t.waiting)
	t.waiting, t.dst = append(t.waiting, s), append(t.dst, dst)
	t.samples[i], t.ts[i] = s.sample, at
	return t.y[i*t.n : (i+1)*t.n]
}

// evaluate evaluates what waits. A slot whose value is not finite has missed its attempt.
func (t *tile[T]) evaluate() {
	m := len(t.waiting)
	if m == 0 {
		return
	}
	t.field.EvalRows(t.dydt[:m*t.n], t.samples[:m], t.ts[:m], t.y[:m*t.n])
	t.w.calls++
	t.w.rows += m
	err := fallen[T](t.field)
	for i, s := range t.waiting {
		dydt := t.dst[i]
		copy(dydt, t.dydt[i*t.n:])
		s.in.stats.NFE++
		if !vec.Finite(dydt) {
			s.row.err = err
			s.missed = s.in.ev.check("f", dydt, t.ts[i])
		}
	}
	t.waiting, t.dst = t.waiting[:0], t.dst[:0]
}
