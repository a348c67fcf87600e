package odeint

// batchWorker solves samples on one goroutine: all of them in a tile, or one after the other.
type batchWorker[T Float] struct {
	field   VectorField[T] // of one sample
	sampled Sampled        // field, or nil
	tile    *tile[T]       // nil: one sample after the other, with in
	in      *Integrator[T]
	current int // the sample that in solves

	calls, rows int // of EvalRows
}

func newBatchWorker[T Float](b *Batch[T]) (*batchWorker[T], error) {
	w := &batchWorker[T]{field: b.field}
	if b.forks != nil {
		f, err := b.forks.Fork()
		if err != nil {
			return nil, err
		}
		w.field = f
	}
	w.sampled, _ = w.field.(Sampled)
	rows, ok := w.field.(RowField[T])
	if b.tiled && !ok || !b.tiled && w.field.Dim() != b.dim {
		return nil, errFork
	}
	var err error
	if b.tiled {
		w.tile, err = newTile(w, rows, b)
	} else {
		w.in, err = New(w.field, b.options())
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

// integrator returns the one for all samples, or one of them.
func (w *batchWorker[T]) integrator() *Integrator[T] {
	if w.tile != nil {
		return w.tile.slots[0].in
	}
	return w.in
}

// watch has fn called after every step.
func (w *batchWorker[T]) watch(fn func(sample int, s *Step[T], st *Stats) error) {
	if w.tile != nil {
		w.tile.watch(fn)
		return
	}
	w.in.observe = nil
	if fn != nil {
		w.in.observe = func(s *Step[T], st *Stats) error { return fn(w.current, s, st) }
	}
}

// run solves samples as long as there are some that wait; a tile takes at most share at a
// time.
func (w *batchWorker[T]) run(q *batchQueue[T], share int) {
	w.calls, w.rows = 0, 0
	if w.tile != nil {
		w.tile.run(q, share)
		return
	}
	for i := q.take(); i >= 0; i = q.take() {
		w.begin(i)
		err := q.start(w.in, i)
		if err == nil {
			err = w.in.proceed(q.ctx)
		}
		w.in.saver.times = nil
		q.done(i, err)
	}
}

// begin makes the field that of sample i.
func (w *batchWorker[T]) begin(i int) {
	w.current = i
	if w.sampled != nil {
		w.sampled.SetSample(i)
	}
}
