package odeint

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Sample is one initial value problem of a Batch.
type Sample[T Float] struct {
	// Y0 is the initial state, of the length of a sample. It is not kept.
	Y0 []T

	// Times are the saved times, strictly monotone in either direction: the solve goes from
	// the first, where Y0 holds, to the last, as in Integrator.SolveAt. A single time gives Y0.
	// They are not kept.
	Times []float64

	// T0 and T1 are the ends of the solve if Times is nil; what is saved is then what
	// Options.SaveAt says, as in Integrator.Solve. They may be in either order, or equal.
	T0, T1 float64
}

// span returns the times at which the solve begins and ends.
func (s *Sample[T]) span() (t0, t1 float64) {
	if n := len(s.Times); n > 0 {
		return s.Times[0], s.Times[n-1]
	}
	return s.T0, s.T1
}

// BatchOptions says how a Batch solves.
type BatchOptions struct {
	// Options are those of every sample; RTols, ATols and ErrDim are about the components of
	// one. Norm and the Controller are used by several goroutines at a time, and so are Events,
	// see NewEvents.
	Options

	// NewEvents returns Options.Events once more, for another goroutine. It is for events with
	// maps that have a workspace, such as a graph.Function, which without it are
	// watched by one goroutine, that solves all samples. Maps that are all a MapFunc are shared.
	NewEvents func() EventList

	// Rows is how many samples a goroutine evaluates together at most. 0: 64. No result
	// depends on it.
	Rows int

	// Workers is how many goroutines solve, the caller's included. 0: GOMAXPROCS, of the time
	// of the solve. A field that is no Forker is solved by one. No result depends on it.
	Workers int
}

// defaultRows is where evaluations of networks stop gaining by more rows, and the states of the
// rows still fit into the second cache.
const defaultRows = 64

// Batch solves many samples of one system, each with its own times, step sizes, rejections and
// errors. A sample's solution is that of an Integrator for it alone, bit for bit, whatever
// the other samples are, in whatever order, and however many goroutines there are.
//
// With an explicit Runge–Kutta method and a RowField, such as a graph.Field, samples are
// evaluated together: a tile of rows goes through the stages of a step in step, each row at its own
// time, with its own step size and in its own direction. A row whose step is rejected tries
// a shorter one in the next round, and a sample that is done makes room for the next that
// waits, the longest solves first. So no evaluation is wasted on samples that are done, and
// nobody waits for the slowest. Other methods and fields solve sample by sample. In both cases the
// samples are shared by goroutines.
//
// A Batch belongs to one goroutine at a time, like its field.
type Batch[T Float] struct {
	opt     BatchOptions // resolved
	field   VectorField[T]
	dim     int // of a sample
	tiled   bool
	forks   Forker[T] // nil: none
	observe func(sample int, s *Step[T], st *Stats) error
	workers []*batchWorker[T]
	queue   batchQueue[T]
	stats   BatchStats
}

// BatchStats counts the work of a Batch.
type BatchStats struct {
	Stats     // of all samples together; HMin and HMax are over all steps
	Calls int // of EvalRows
	Rows  int // in these calls
}

// NewBatch returns a Batch of f, whose samples have length SampleDim(f), whatever batch f itself is of. A field
// that is no Forker and no RowField has to be that of one sample. The error is an OptionError
// with every fault of the options, or what Fork says.
func NewBatch[T Float](f VectorField[T], opt BatchOptions) (*Batch[T], error) {
	if f == nil {
		panic("odeint: nil vector field")
	}
	b := &Batch[T]{opt: opt, field: f, dim: SampleDim(f)}
	b.forks, _ = f.(Forker[T])
	_, rows := f.(RowField[T])
	_, quadrature := f.(Quadrature[T])
	var bad faults
	if opt.Rows < 0 {
		bad.add("Rows: %d is negative", opt.Rows)
	}
	if opt.Workers < 0 {
		bad.add("Workers: %d is negative", opt.Workers)
	}
	if b.dim != f.Dim() && b.forks == nil && !rows {
		bad.add("field: it has %d samples of %d components and is neither a RowField nor a Forker; give the field of one sample", f.Dim()/max(b.dim, 1), b.dim)
	}
	resolved, err := opt.Options.Resolve(b.dim)
	if e, ok := err.(*OptionError); ok {
		bad = append(bad, e.Faults...)
	}
	if bad != nil {
		return nil, bad.err()
	}
	b.opt.Options = resolved
	_, explicit := resolved.Method.(*Tableau)
	b.tiled = explicit && rows && !quadrature
	b.opt.Rows = cmp.Or(opt.Rows, defaultRows)
	if opt.NewEvents == nil && resolved.Events != nil && !resolved.Events.shared() {
		b.opt.Workers = 1
	}
	_, err = b.worker(0) // which also checks the options
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Options returns the options with all defaults filled in, except Workers.
func (b *Batch[T]) Options() BatchOptions {
	opt := b.opt
	opt.Options = b.workers[0].integrator().Options()
	return opt
}

// Observe calls fn after every accepted step of every sample, with the contract of
// Integrator.Observe; an error stops that sample. With several workers it is called by several
// goroutines at a time. Nil: no calls.
func (b *Batch[T]) Observe(fn func(sample int, s *Step[T], st *Stats) error) {
	b.observe = fn
	for _, w := range b.workers {
		w.watch(fn)
	}
}

// Stats returns the statistics of the last solve.
func (b *Batch[T]) Stats() BatchStats { return b.stats }

// options returns those of the samples of a new worker.
func (b *Batch[T]) options() Options {
	opt := b.opt.Options
	if len(b.workers) > 0 && b.opt.NewEvents != nil {
		opt.Events = b.opt.NewEvents()
	}
	return opt
}

// worker returns worker i, of those there are or one more.
func (b *Batch[T]) worker(i int) (*batchWorker[T], error) {
	if i < len(b.workers) {
		return b.workers[i], nil
	}
	w, err := newBatchWorker(b)
	if err != nil {
		return nil, err
	}
	w.watch(b.observe)
	b.workers = append(b.workers, w)
	return w, nil
}

// Solve solves all samples, each into the solution of its number, whose memory is used again:
// from the second solve on nothing is allocated, unless more has to be kept, but for the
// goroutines of workers beside the caller. It panics unless there are as many solutions as samples.
//
// The error is nil or a *BatchError: samples that cannot be solved do not stop the others. Their solutions
// have what was reached; those whose times or y0 make no sense are empty.
func (b *Batch[T]) Solve(ctx context.Context, sols []Solution[T], samples []Sample[T]) error {
	if len(sols) != len(samples) {
		panic("odeint: numbers of solutions and samples differ")
	}
	q := &b.queue
	q.begin(ctx, sols, samples)
	n := 1
	if b.forks != nil {
		n = max(1, min(cmp.Or(b.opt.Workers, runtime.GOMAXPROCS(0)), len(samples)))
	}
	for i := range n {
		if _, err := b.worker(i); err != nil {
			n = max(1, i) // a fork that cannot be made does not stop the others
			break
		}
	}
	share := (len(samples) + n - 1) / n
	if n == 1 {
		b.workers[0].run(q, share)
	} else {
		b.shared(q, n, share)
	}
	b.stats = BatchStats{}
	for i := range sols {
		b.stats.Add(&sols[i].Stats)
	}
	for _, w := range b.workers[:n] {
		b.stats.Calls += w.calls
		b.stats.Rows += w.rows
	}
	return q.end()
}

// shared runs the first n workers.
func (b *Batch[T]) shared(q *batchQueue[T], n, share int) {
	var group sync.WaitGroup
	for _, w := range b.workers[1:n] {
		group.Go(func() { w.run(q, share) })
	}
	b.workers[0].run(q, share)
	group.Wait()
}

// batchQueue has the samples that wait.
type batchQueue[T Float] struct {
	ctx     context.Context
	sols    []Solution[T]
	samples []Sample[T]
	order   []int
	length  []float64 // of the solves
	next    atomic.Int64
	errs    []error
	failed  atomic.Bool
}

// begin queues the samples, the longest solves first, so that the last ones to be solved are
// short.
func (q *batchQueue[T]) begin(ctx context.Context, sols []Solution[T], samples []Sample[T]) {
	q.ctx, q.sols, q.samples = ctx, sols, samples
	q.order, q.errs = q.order[:0], slices.Grow(q.errs[:0], len(samples))[:len(samples)]
	clear(q.errs)
	for i := range samples {
		q.order = append(q.order, i)
	}
	q.length = q.length[:0]
	for i := range samples {
		t0, t1 := samples[i].span()
		q.length = append(q.length, math.Abs(t1-t0))
	}
	slices.SortFunc(q.order, func(i, j int) int {
		if a, b := q.length[i], q.length[j]; a != b {
			return cmp.Compare(b, a)
		}
		return i - j
	})
	q.next.Store(0)
	q.failed.Store(false)
}

// take returns the next sample, or -1.
func (q *batchQueue[T]) take() int {
	if i := int(q.next.Add(1)) - 1; i < len(q.order) {
		return q.order[i]
	}
	return -1
}

// done records the result of a sample.
func (q *batchQueue[T]) done(i int, err error) {
	if err != nil {
		q.errs[i] = err
		q.failed.Store(true)
	}
}

// start begins the solve of sample i.
func (q *batchQueue[T]) start(in *Integrator[T], i int) error {
	s, sol := &q.samples[i], &q.sols[i]
	sol.reset(in.ev.field.Dim(), s.T0)
	var f faults
	if len(s.Y0) != in.ev.field.Dim() {
		f.add("Y0: it has %d components; those of a sample are %d", len(s.Y0), in.ev.field.Dim())
	}
	if s.Times != nil && len(s.Times) == 0 {
		f.add("Times: there are none; the first is where Y0 holds")
	}
	if f != nil {
		return f.err()
	}
	save := saver{times: s.Times}
	if s.Times == nil {
		at := &in.opt.SaveAt
		save = saver{times: at.Times, every: at.Every, start: at.Start, end: at.End}
	}
	t0, t1 := s.span()
	return in.begin(sol, t0, t1, s.Y0, save)
}

// end forgets the samples and returns the error of the solve.
func (q *batchQueue[T]) end() error {
	q.ctx, q.sols, q.samples = nil, nil, nil
	if !q.failed.Load() {
		return nil
	}
	return &BatchError{Errs: slices.Clone(q.errs)}
}
