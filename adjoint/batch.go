package adjoint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// Batch is a Solver for many samples of one system at a time, each with its own times, step
// sizes and errors: an odeint.Batch with gradients. The gradient with respect to a sample's
// y0 is that of a Solver for it alone, bit for bit.
//
// With Discrete{}, an explicit Runge–Kutta method and a field that evaluates rows, such as a
// graph.Field, samples are evaluated together in both passes, those with about as many steps
// together on the way back. Other methods go back sample by sample. Both passes are shared by
// goroutines, as odeint.Batch says.
//
// ∂L/∂θ is summed over the samples in blocks that depend on their numbers of steps alone, and over
// the blocks in a fixed order, so that it does not depend on the number of goroutines nor on Rows.
type Batch[T odeint.Float] struct {
	f       odeint.Differentiable[T]
	forks   odeint.Forker[T] // nil: none
	opt     odeint.BatchOptions
	method  Method
	tiled   bool
	dim     int
	forward *odeint.Batch[T]
	sols    []odeint.Solution[T]
	solved  []error // of the last Forward
	ready   bool
	work    batchWork[T]
	workers []*batchWorker[T]
	stats   Stats
}

// BatchGradient receives what Batch.Backward computes. A slice that is nil or too short is
// allocated; others are resliced and overwritten.
type BatchGradient[T odeint.Float] struct {
	Y0    []T   // ∂L/∂y0 of the samples, one after the other; 0 for those without a cotangent
	Theta []T   // ∂L/∂θ, summed over the samples
	Times [][]T // ∂L/∂t_i of each sample, with WantTimes

	// Events is Gradient.Events, summed over the samples.
	Events []T

	// WantTimes asks for Times. Without it Times is left alone.
	WantTimes bool
}

// NewBatch returns a Batch of f, whose samples have length odeint.SampleDim(f), whatever batch f itself is of. The
// options are those of odeint.NewBatch and New, with which a nil method means Discrete{}.
// Checkpoints are not for batches. Copies of events (NewEvents) have to have the same parameters. A field that is no odeint.Forker has to be that of one sample.
func NewBatch[T odeint.Float](f odeint.Differentiable[T], opt odeint.BatchOptions, m Method) (*Batch[T], error) {
	if f == nil {
		panic("adjoint: NewBatch of a nil field")
	}
	b := &Batch[T]{f: f, method: m, dim: odeint.SampleDim[T](f)}
	b.forks, _ = f.(odeint.Forker[T])
	if b.forks == nil && b.dim != f.Dim() {
		return nil, &odeint.OptionError{Faults: []string{fmt.Sprintf("field: it has %d components and samples of %d, and is no odeint.Forker; give the field of one sample", f.Dim(), b.dim)}}
	}
	b.opt = opt
	w, err := b.worker(0)
	if err != nil {
		return nil, err
	}
	if w.solver.checkpoints != nil {
		return nil, &odeint.OptionError{Faults: []string{"Memory: a Batch has no Checkpoints; use Stages, States or Inverse"}}
	}
	opt.Options = w.solver.forward.Options()
	if b.forward, err = odeint.NewBatch[T](f, opt); err != nil {
		return nil, err
	}
	b.opt.Workers = b.forward.Options().Workers
	_, explicit := opt.Method.(*odeint.Tableau)
	_, rows := any(w.field).(rowVJP[T])
	b.tiled = explicit && rows && keepsStages(m) && opt.Events == nil
	return b, nil
}

// keepsStages reports whether m is Discrete with all stages kept.
func keepsStages(m Method) bool {
	switch m := m.(type) {
	case nil:
		return true
	case Discrete:
		switch m.Memory.(type) {
		case nil, Stages:
			return true
		}
	}
	return false
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
	b.workers = append(b.workers, w)
	return w, nil
}

// Observe calls fn after every accepted step of Forward, with the contract of odeint.Batch.Observe.
func (b *Batch[T]) Observe(fn func(sample int, s *odeint.Step[T], st *odeint.Stats) error) {
	b.forward.Observe(fn)
}

// Forward solves all samples, which need Times, and saves their states at these. The solutions, one for each sample,
// belong to the Batch and are valid until the next Forward.
//
// The error is nil or an *odeint.BatchError with those of the samples that could not be
// solved; Backward can go back through the others.
func (b *Batch[T]) Forward(ctx context.Context, samples []odeint.Sample[T]) ([]odeint.Solution[T], error) {
	b.ready = false
	n := len(samples)
	for len(b.sols) < n {
		b.sols = append(b.sols, odeint.Solution[T]{})
	}
	sols := b.sols[:n]
	b.solved = sized(b.solved, n)
	clear(b.solved)
	err := timesMissing(samples)
	if err == nil {
		err = b.forward.Solve(ctx, sols, samples)
		b.ready = true
	}
	if err != nil {
		var failed *odeint.BatchError
		if errors.As(err, &failed) {
			copy(b.solved, failed.Errs)
		}
	}
	return sols, err
}

// timesMissing is the error of samples without Times.
func timesMissing[T odeint.Float](samples []odeint.Sample[T]) error {
	bad := func(s odeint.Sample[T]) bool { return s.Times == nil }
	if !slices.ContainsFunc(samples, bad) {
		return nil
	}
	errs := make([]error, len(samples))
	for i, s := range samples {
		if bad(s) {
			errs[i] = &odeint.OptionError{Faults: []string{"Times: there are none; gradients need them, the first where Y0 holds"}}
		}
	}
	return &odeint.BatchError{Errs: errs}
}

// Backward stores in g the gradient of a loss L, given dys[i], of the shape of the Y of
// sample i's solution: ∂L/∂y at each of its times. A sample whose dys[i] is nil does not matter to L,
// and costs nothing; those that Forward could not solve have to be among them. Backward may be
// called several times after one Forward. It panics unless there is one dys[i] for each sample.
//
// It returns ErrNoForward, or an *odeint.BatchError with the samples that failed, as
// Solver.Backward says. The contents of g are then undefined.
func (b *Batch[T]) Backward(ctx context.Context, g *BatchGradient[T], dys [][]T) error {
	if g == nil {
		panic("adjoint: Backward into a nil Gradient")
	}
	if !b.ready {
		return ErrNoForward
	}
	n := len(b.solved)
	if len(dys) != n {
		panic("adjoint: numbers of cotangents and samples differ")
	}
	for i, dy := range dys {
		if dy != nil && b.solved[i] == nil && len(dy) != len(b.sols[i].Y) {
			panic("adjoint: length of dys is not that of the sample's states")
		}
	}
	w := &b.work
	w.begin(ctx, b, g, dys)
	workers := 1
	if b.forks != nil {
		workers = max(1, min(cmp.Or(b.opt.Workers, runtime.GOMAXPROCS(0)), len(w.blocks)))
	}
	for i := range workers {
		if _, err := b.worker(i); err != nil {
			workers = max(1, i) // a fork that cannot be made does not stop the others
			break
		}
	}
	if workers == 1 {
		b.workers[0].run(w)
	} else {
		b.shared(workers)
	}
	w.reduce()
	b.stats = Stats{}
	for _, k := range b.workers[:workers] {
		b.stats.Stats.Add(&k.stats)
		b.stats.Reconstruction = max(b.stats.Reconstruction, k.reconstruction)
	}
	return w.end()
}

// shared runs the first workers.
func (b *Batch[T]) shared(workers int) {
	var group sync.WaitGroup
	for _, k := range b.workers[1:workers] {
		group.Go(func() { k.run(&b.work) })
	}
	b.workers[0].run(&b.work)
	group.Wait()
}

// Stats returns the statistics of the last forward and the last backward pass, of all samples
// together. Bytes is what the solutions take, and the gradients of the blocks.
func (b *Batch[T]) Stats() (forward, backward Stats) {
	forward = Stats{Stats: b.forward.Stats().Stats}
	for i := range b.solved {
		forward.Bytes += b.sols[i].Bytes()
	}
	backward = b.stats
	for _, g := range b.work.theta {
		backward.Bytes += sizeOf[T](len(g))
	}
	return forward, backward
}

// Blocks of samples that are gone back through together.
const (
	blockSamples = 32 // at least, where there are so many
	maxBlocks    = 32 // each keeps a gradient of θ's length
	maxTogether  = 64 // samples of a block that are evaluated together
)

// batchWork is a backward pass and its blocks.
type batchWork[T odeint.Float] struct {
	ctx    context.Context
	b      *Batch[T]
	g      *BatchGradient[T]
	dys    [][]T
	order  []int   // the samples that matter, by their numbers of steps, most first
	blocks [][]int // of order
	theta  [][]T   // a gradient for each block, then that of the parameters of events
	params int     // the length of the first
	next   atomic.Int64
	errs   []error
	failed atomic.Bool
}

func (w *batchWork[T]) begin(ctx context.Context, b *Batch[T], g *BatchGradient[T], dys [][]T) {
	n := len(dys)
	w.ctx, w.b, w.g, w.dys = ctx, b, g, dys
	g.Y0, g.Theta = sized(g.Y0, n*b.dim), sized(g.Theta, b.f.NumParams())
	clear(g.Y0)
	clear(g.Theta)
	w.params = len(g.Theta)
	if ev := b.workers[0].solver.p.ev; ev != nil {
		g.Events = sized(g.Events, ev.params)
		clear(g.Events)
	}
	if g.WantTimes {
		g.Times = sized(g.Times, n)
		for i := range g.Times {
			g.Times[i] = sized(g.Times[i], b.sols[i].Len())
			clear(g.Times[i])
		}
	}
	w.errs = sized(w.errs, n)
	clear(w.errs)
	w.failed.Store(false)
	w.order = w.order[:0]
	for i, dy := range dys {
		switch {
		case dy == nil:
		case b.solved[i] != nil:
			w.fail(i, fmt.Errorf("%w: %w", ErrNoForward, b.solved[i]))
		default:
			w.order = append(w.order, i)
		}
	}
	slices.SortStableFunc(w.order, func(i, j int) int {
		return cmp.Compare(b.sols[j].Stats.Accepted, b.sols[i].Stats.Accepted)
	})
	m := len(w.order)
	count := min(maxBlocks, (m+blockSamples-1)/blockSamples)
	w.blocks = w.blocks[:0]
	for i := range count {
		w.blocks = append(w.blocks, w.order[i*m/count:(i+1)*m/count])
	}
	for len(w.theta) < count {
		w.theta = append(w.theta, make([]T, len(g.Theta)+len(g.Events)))
	}
	w.next.Store(0)
}

func (w *batchWork[T]) fail(sample int, err error) {
	w.errs[sample] = err
	w.failed.Store(true)
}

// take returns the next block and its gradient, or nils.
func (w *batchWork[T]) take() (block []int, theta []T) {
	i := int(w.next.Add(1)) - 1
	if i >= len(w.blocks) {
		return nil, nil
	}
	clear(w.theta[i])
	return w.blocks[i], w.theta[i]
}

// reduce adds the blocks' gradients, pair by pair.
func (w *batchWork[T]) reduce() {
	n := len(w.blocks)
	for step := 1; step < n; step *= 2 {
		for i := 0; i+step < n; i += 2 * step {
			add(w.theta[i], w.theta[i+step])
		}
	}
	if n > 0 {
		copy(w.g.Theta, w.theta[0])
		if len(w.theta[0]) > w.params {
			copy(w.g.Events, w.theta[0][w.params:])
		}
	}
}

// end forgets the caller's memory and returns the error of the pass.
func (w *batchWork[T]) end() error {
	theta := w.g.Theta
	w.ctx, w.g, w.dys = nil, nil, nil
	if w.failed.Load() {
		return fmt.Errorf("adjoint: backward pass: %w", &odeint.BatchError{Errs: slices.Clone(w.errs)})
	}
	if !vec.Finite(theta) {
		i := vec.NonFinite(theta)
		return fmt.Errorf("adjoint: backward pass: %w", &odeint.NonFiniteError{What: "the gradient summed over the samples", Component: i, Value: float64(theta[i])})
	}
	return nil
}
