package train

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/odeint/control"
	"github.com/neuralode/neuralode/train/dist"
)

// objective is the loss of a model on a set of trajectories, as a function of θ and,
// if they are learned, of the initial states after it.
type objective[T Float] struct {
	m           *Model[T]
	data        Dataset[T] // scaled
	starts      [][]T      // scaled
	weights     [][]float64
	grid        []int // trajectories with the same number have the same times
	lossOf      Loss[T]
	l2          float64
	penalty     func(grad, theta []float64) float64
	learnStarts bool
	chunk       int
	own         bool // trajectories can be solved each with its own times and steps
	params      int
	scaler      Scaler
	controls    Controls[T] // of the first trajectory, as they were given

	theta  []T // of the evaluation on its way
	work   Work
	blocks []block[T] // of this rank
	losses []float64  // of all blocks
	sum    dist.Reducer
	grads  [][]float64
	ranks  *ranks
	user   context.Context // of this rank alone, which cuts its solves short
}

// task is a group of trajectories that are solved as one batch.
type task[T Float] struct {
	of  []int
	in  *control.Path[T] // their inputs; nil without
	own bool             // each has its own times and steps
}

// block is a run of tasks that one goroutine works on, and what it has found.
type block[T Float] struct {
	loss    float64
	grad    []float64 // by θ
	work    Work
	err     error
	y0      []T
	rows, g []T // predicted states of one trajectory, and the gradient by them
}

// defaultBlocks is the number of blocks of an evaluation: more than most machines have
// cores, and always the same, so that sums are.
const defaultBlocks = 16

func newObjective[T Float](m *Model[T], data Dataset[T], opt *Options[T]) (*objective[T], error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: no trajectories", ErrData)
	}
	dim := m.dim
	if err := data.check(dim); err != nil {
		return nil, err
	}
	o := &objective[T]{
		m: m, lossOf: opt.Loss, l2: opt.L2, penalty: opt.Penalty, learnStarts: opt.LearnStarts, chunk: opt.Chunk,
		params: len(m.theta), scaler: m.Scaler(), theta: make([]T, len(m.theta)),
		starts: make([][]T, len(data)), weights: make([][]float64, len(data)), grid: make([]int, len(data)),
	}
	if o.lossOf == nil {
		o.lossOf = MSE[T]
	}
	if o.chunk == 0 {
		o.chunk = 64
	}
	if opt.Blocks < 0 {
		return nil, &OptionError{Faults: []string{fmt.Sprintf("Blocks is %d", opt.Blocks)}}
	}
	o.losses = make([]float64, min(cmp.Or(opt.Blocks, defaultBlocks), len(data)))
	var err error
	if o.data, err = scaled(data, &o.scaler, dim); err != nil {
		return nil, err
	}
	var grids [][]float64
	total := 0.0
	o.controls = data[0].Controls
	for i := range o.data {
		tr := &o.data[i]
		if tr.Controls, err = data[i].Controls.scaled(m.cfg.Input, &o.scaler); err != nil {
			return nil, fmt.Errorf("trajectory %d: %w", i, err)
		}
		if o.starts[i], err = tr.start(dim, o.learnStarts); err != nil {
			return nil, fmt.Errorf("trajectory %d: %w", i, err)
		}
		w := make([]float64, len(tr.States))
		for k, v := range tr.States {
			if v == v {
				w[k] = tr.weight(k/dim, k%dim, dim)
				total += w[k]
			}
		}
		o.weights[i] = w
		if o.grid[i] = slices.IndexFunc(grids, func(g []float64) bool { return slices.Equal(g, tr.Times) }); o.grid[i] < 0 {
			o.grid[i] = len(grids)
			grids = append(grids, tr.Times)
		}
	}
	o.own = m.solvesApart()
	if total == 0 {
		return nil, fmt.Errorf("%w: all values are missing or have weight 0", ErrData)
	}
	return o, nil
}

// initial returns the point where training begins.
func (o *objective[T]) initial() []float64 {
	var x []float64
	for _, v := range o.m.Params() {
		x = append(x, float64(v))
	}
	if o.learnStarts {
		for _, y := range o.starts {
			for _, v := range y {
				x = append(x, float64(v))
			}
		}
	}
	return x
}

// unscaledStarts returns the initial states that x stands for.
func (o *objective[T]) unscaledStarts(x []float64) [][]T {
	all := make([][]T, len(o.starts))
	for i := range all {
		all[i] = make([]T, o.m.dim)
		o.start(all[i], i, x)
		unscaleStates(all[i], all[i], &o.m.cfg.Scaler, o.m.dim)
	}
	return all
}

// start stores the initial state of trajectory i in y.
func (o *objective[T]) start(y []T, i int, x []float64) {
	copy(y, o.starts[i])
	if o.learnStarts {
		for j, v := range x[o.params+i*o.m.dim:][:o.m.dim] {
			y[j] = T(v)
		}
	}
}

// everything returns the tasks of all trajectories.
func (o *objective[T]) everything() []task[T] {
	all := make([]int, len(o.data))
	for i := range all {
		all[i] = i
	}
	return o.tasks(all)
}

// tasks groups trajectories by their times. Those that share theirs with few others, if at all,
// make up groups in which each is solved with its own times.
func (o *objective[T]) tasks(of []int) []task[T] {
	tasks, of := o.apart(of)
	open := map[int]int{} // the unfinished task of a grid
	for _, i := range of {
		k, ok := open[o.grid[i]]
		if !ok || len(tasks[k].of) == o.chunk {
			k = len(tasks)
			open[o.grid[i]] = k
			tasks = append(tasks, task[T]{})
		}
		tasks[k].of = append(tasks[k].of, i)
	}
	for k := range tasks {
		t := &tasks[k]
		if t.own {
			continue
		}
		all := make([]Controls[T], len(t.of))
		for n, i := range t.of {
			all[n] = o.data[i].Controls
		}
		var err error
		if t.in, err = path(o.m.cfg.Input, all); err != nil {
			panic("train: controls that were good are faulty together")
		}
	}
	return tasks
}

// objective is loss for fixed tasks and horizon.
func (o *objective[T]) objective(tasks []task[T], horizon int) Objective {
	return func(ctx context.Context, grad, x []float64) (float64, error) {
		return o.loss(ctx, grad, x, tasks, horizon)
	}
}

// loss returns the loss over the first intervals of the tasks' trajectories, horizon of
// them, or all if that is negative.
func (o *objective[T]) loss(ctx context.Context, grad, x []float64, tasks []task[T], horizon int) (float64, error) {
	for i := range o.theta {
		o.theta[i] = T(x[i])
	}
	weight := 0.0
	for _, t := range tasks {
		for _, i := range t.of {
			for _, w := range o.weights[i][:o.rows(i, horizon)*o.m.dim] {
				weight += w
			}
		}
	}
	clear(grad)
	if weight == 0 {
		weight = 1 // nothing to compare: a loss of 0
	}
	n := min(len(o.losses), len(tasks))
	lo, hi := o.ranks.own(n)
	o.blocks = slices.Grow(o.blocks[:0], hi-lo)[:hi-lo]
	if o.ranks != nil {
		ctx = o.user
	}
	var next atomic.Int64
	run := func() {
		for b := lo + int(next.Add(1)) - 1; b < hi; b = lo + int(next.Add(1)) - 1 {
			o.block(ctx, &o.blocks[b-lo], grad, x, tasks[b*len(tasks)/n:(b+1)*len(tasks)/n], horizon, weight)
		}
	}
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), hi-lo) - 1 {
		group.Go(run)
	}
	run()
	group.Wait()
	losses, grads := o.losses[:n], o.grads[:0]
	var work Work
	var err error
	for i := range o.blocks {
		b := &o.blocks[i]
		work.add(b.work)
		if err == nil {
			err = b.err
		}
		losses[lo+i] = b.loss
		grads = append(grads, b.grad)
	}
	o.grads = grads
	if o.ranks != nil {
		err = o.ranks.collect(ctx, x, losses, &work, err)
	}
	o.work.add(work)
	if err != nil {
		return 0, err
	}
	if grad != nil {
		if err := o.reduce(grad, n, grads); err != nil {
			return 0, err
		}
	}
	loss := 0.0
	for _, v := range losses {
		loss += v
	}
	return loss + o.penalties(grad, x), nil
}

// reduce stores the sum of the blocks' gradients, along a tree over all n of them.
func (o *objective[T]) reduce(grad []float64, n int, own [][]float64) error {
	if o.ranks != nil {
		return o.ranks.reduce(grad, o.params, n, own, o.learnStarts)
	}
	return o.sum.Sum(grad[:o.params], n, own)
}

// penalties returns the terms of the loss that depend on θ alone.
func (o *objective[T]) penalties(grad, x []float64) float64 {
	theta, sum := x[:o.params], 0.0
	if o.l2 > 0 {
		for i, v := range theta {
			sum += o.l2 / 2 * v * v
			if grad != nil {
				grad[i] += o.l2 * v
			}
		}
	}
	if o.penalty != nil {
		if grad != nil {
			grad = grad[:o.params]
		}
		sum += o.penalty(grad, theta)
	}
	return sum
}

// rows returns how many rows of trajectory i a horizon sees.
func (o *objective[T]) rows(i, horizon int) int {
	n := len(o.data[i].Times)
	if horizon >= 0 {
		n = min(n, horizon+1)
	}
	return n
}

// block works on tasks one after the other. It writes the gradients by the starts of
// its own trajectories to grad.
func (o *objective[T]) block(ctx context.Context, b *block[T], grad, x []float64, tasks []task[T], horizon int, weight float64) {
	b.loss, b.work, b.err = 0, Work{}, nil
	if grad != nil {
		b.grad = grown(b.grad, o.params)
		clear(b.grad)
	}
	for _, t := range tasks {
		if b.err = o.task(ctx, b, grad, x, t, horizon, weight); b.err != nil {
			return
		}
	}
}

func (o *objective[T]) task(ctx context.Context, b *block[T], grad, x []float64, t task[T], horizon int, weight float64) error {
	if t.own {
		return o.taskApart(ctx, b, grad, x, t, horizon, weight)
	}
	dim, n := o.m.dim, len(t.of)
	p, err := o.m.proto(n)
	if err != nil {
		return err
	}
	w, err := p.take(o.m)
	if err != nil {
		return err
	}
	defer p.give(w)
	copy(w.field.Params(), o.theta)
	if err := w.set(t.in); err != nil {
		return err
	}
	b.y0 = grown(b.y0, n*dim)
	for k, i := range t.of {
		o.start(b.y0[k*dim:(k+1)*dim], i, x)
	}
	rows := o.rows(t.of[0], horizon)
	times := o.data[t.of[0]].Times[:rows]
	sol, err := w.solver.Forward(ctx, times, b.y0)
	b.work.Solves++
	b.work.NFEForward += sol.Stats.NFE
	if err != nil {
		return o.failed(err, t)
	}
	if grad != nil {
		w.dys = grown(w.dys, len(sol.Y))
		b.g = grown(b.g, rows*dim)
	}
	b.rows = grown(b.rows, rows*dim)
	for k, i := range t.of {
		at := func(row int) int { return (row*n + k) * dim }
		for r := range rows {
			copy(b.rows[r*dim:(r+1)*dim], sol.Y[at(r):at(r)+dim])
		}
		s := Saved[T]{Times: times, Dim: dim, Pred: b.rows, Target: o.data[i].States[:rows*dim], Weight: o.weights[i][:rows*dim]}
		if grad != nil {
			s.Grad = b.g
		}
		b.loss += o.lossOf(s) / weight
		if grad != nil {
			for r := range rows {
				for j := range dim {
					w.dys[at(r)+j] = T(float64(b.g[r*dim+j]) / weight)
				}
			}
		}
	}
	if grad == nil {
		return nil
	}
	for _, v := range w.dys {
		if v-v != 0 {
			return ErrNotFinite
		}
	}
	if err := w.solver.Backward(ctx, &w.grad, w.dys); err != nil {
		return o.failed(err, t)
	}
	_, back := w.solver.Stats()
	o.collect(b, t, grad, back, w.grad.Theta, w.grad.Y0)
	return nil
}

// collect adds the gradient of a task to that of its block, stores those of its starts, and counts
// the work.
func (o *objective[T]) collect(b *block[T], t task[T], grad []float64, back adjoint.Stats, theta, y0 []T) {
	b.work.NFEBackward += back.NFE + back.VJPs
	for i, v := range theta {
		b.grad[i] += float64(v)
	}
	if !o.learnStarts {
		return
	}
	dim := o.m.dim
	for k, i := range t.of {
		for j, v := range y0[k*dim : (k+1)*dim] {
			grad[o.params+i*dim+j] = float64(v) + 0 // of −0, 0: as a sum over ranks has it
		}
	}
}

// failed says which trajectories could not be solved.
func (o *objective[T]) failed(err error, t task[T]) error {
	if len(t.of) == 1 {
		return fmt.Errorf("trajectory %d: %w", t.of[0], err)
	}
	return fmt.Errorf("batch of %d trajectories from number %d: %w", len(t.of), t.of[0], err)
}

// grown returns a slice of length n, s if it is large enough.
func grown[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}
