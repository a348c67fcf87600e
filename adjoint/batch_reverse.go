package adjoint

import (
	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// rowVJP is implemented by fields whose vector-Jacobian products of several samples, each at a
// time of its own, are computed at once: VJP for rows, as odeint.RowField has Eval for rows.
type rowVJP[T odeint.Float] interface {
	odeint.RowField[T]

	// VJPRows stores λᵀ∂f/∂y in the rows of dy and adds the sum over the rows of λᵀ∂f/∂θ to
	// dtheta; dydt and dtheta may be nil. Rows of dy do not depend on each other, to the
	// last bit.
	VJPRows(dydt, dy, dtheta []T, samples []int, ts []float64, y, lambda []T)
}

// reverseTile goes back through the steps of several samples at a time. In each round every
// sample goes back one step, stage by stage in step with the others.
type reverseTile[T odeint.Float] struct {
	w     *batchWorker[T]
	f     rowVJP[T]
	m     *odeint.Tableau
	n     int
	slots []*reverseSlot[T] // the first live of them are in use
	live  int

	samples      []int
	ts           []float64
	y, lambda, v []T
	waiting      []*reverseSlot[T]
}

// reverseSlot is the place of one sample in a tile.
type reverseSlot[T odeint.Float] struct {
	p      pass[T]
	rk     *rkReverser[T]
	d      discrete[T] // its outs
	grad   Gradient[T]
	sample int
	step   int // the step that is being undone
	row    int // the last saved row that is not taken up yet
	err    error
}

func newReverseTile[T odeint.Float](w *batchWorker[T]) *reverseTile[T] {
	f := w.field.(rowVJP[T])
	t := &reverseTile[T]{w: w, f: f, n: w.solver.dim, m: w.solver.forward.Options().Method.(*odeint.Tableau).WithDense()}
	size := maxTogether * t.n
	t.samples, t.ts = make([]int, maxTogether), make([]float64, maxTogether)
	t.y, t.lambda, t.v = make([]T, size), make([]T, size), make([]T, size)
	return t
}

// slot returns the next free slot.
func (t *reverseTile[T]) slot() *reverseSlot[T] {
	if t.live == len(t.slots) {
		s := &reverseSlot[T]{rk: newRKReverser[T](t.w.field, t.m)}
		s.p.init(t.w.field, t.w.solver.forward)
		t.slots = append(t.slots, s)
	}
	return t.slots[t.live]
}

// run goes back through a block, whose θ-gradient theta is.
func (t *reverseTile[T]) run(work *batchWork[T], block []int, theta []T) {
	for len(block) > 0 || t.live > 0 {
		for len(block) > 0 && t.live < maxTogether {
			t.begin(work, block[0], theta)
			block = block[1:]
		}
		t.round(work, theta)
	}
}

// begin gives sample i a slot.
func (t *reverseTile[T]) begin(work *batchWork[T], i int, theta []T) {
	s := t.slot()
	s.sample, s.err = i, nil
	work.gradient(&s.grad, i, theta)
	if err := s.p.look(work.ctx, &work.b.sols[i], &s.grad, work.dys[i], nil); err != nil {
		work.fail(i, err)
		return
	}
	if s.row = s.p.last; s.row > 0 {
		s.step, _ = s.p.sol.Origin(s.row)
		t.live++
		return
	}
	t.end(work, s)
}

// end completes the gradient of a slot's sample.
func (t *reverseTile[T]) end(work *batchWork[T], s *reverseSlot[T]) {
	if s.err == nil {
		if t.w.sampled != nil {
			t.w.sampled.SetSample(s.sample)
		}
		s.err = s.p.complete()
	}
	if s.err != nil {
		work.fail(s.sample, s.err)
	}
	t.w.stats.Add(&s.p.stats)
	s.p.ctx, s.p.sol, s.p.grad, s.p.dys = nil, nil, nil, nil
}

// round undoes one step of every sample.
func (t *reverseTile[T]) round(work *batchWork[T], theta []T) {
	cancelled := work.ctx.Err()
	for _, s := range t.slots[:t.live] {
		s.d.step = s.p.sol.Step(s.step)
		var end int
		if s.row, end = s.d.collect(&s.p, s.step, s.row); end > 0 {
			add(s.p.lambda, s.p.row(end))
		}
		s.rk.begin(&s.d.step, s.p.lambda, s.d.outs)
		s.err = cancelled
	}
	for i := len(t.m.A) - 1; i >= 0; i-- {
		t.stage(i, theta)
	}
	for k := 0; k < t.live; {
		s := t.slots[k]
		step := &s.d.step
		s.rk.end(s.p.lambda, s.d.outs)
		if s.err == nil && !vec.Finite(s.p.lambda) {
			s.err = s.p.nonFinite("the adjoint state", step.T0, s.p.lambda)
		}
		if s.err != nil {
			s.err = &odeint.StepError{T: step.T1, H: -step.H, Steps: s.p.stats.Accepted, Err: s.err}
		} else {
			s.p.count(step.H)
			if s.step--; s.step >= 0 {
				k++
				continue
			}
		}
		t.end(work, s)
		t.live--
		t.slots[k], t.slots[t.live] = t.slots[t.live], s
	}
}

// stage undoes stage i of the samples that depend on it.
func (t *reverseTile[T]) stage(i int, theta []T) {
	n := t.n
	t.waiting = t.waiting[:0]
	for _, s := range t.slots[:t.live] {
		if s.err != nil || !s.rk.live[i] {
			continue
		}
		k := len(t.waiting)
		t.samples[k], t.ts[k] = s.sample, s.d.step.StageTime(s.rk.m.C[i])
		s.rk.stage(&s.d.step, i, t.y[k*n:(k+1)*n], t.lambda[k*n:(k+1)*n])
		t.waiting = append(t.waiting, s)
	}
	m := len(t.waiting)
	if m == 0 {
		return
	}
	t.f.VJPRows(nil, t.v[:m*n], theta, t.samples[:m], t.ts[:m], t.y[:m*n], t.lambda[:m*n])
	for k, s := range t.waiting {
		v := s.rk.slope(i)
		copy(v, t.v[k*n:])
		add(s.p.lambda, v)
		s.p.stats.VJPs++
	}
}
