package adjoint

import (
	"errors"

	"github.com/neuralode/neuralode/odeint"
)

// batchWorker goes back through blocks of samples on one goroutine.
type batchWorker[T odeint.Float] struct {
	field   odeint.Differentiable[T] // of one sample
	sampled odeint.Sampled           // field, or nil
	solver  *Solver[T]               // goes back through one sample
	tile    *reverseTile[T]          // goes back through several; nil until it is needed

	grad           Gradient[T]
	stats          odeint.Stats
	reconstruction float64
}

// errFork is a field whose forks are of another kind.
var errFork = errors.New("adjoint: Fork did not return a field of one sample with the vector-Jacobian products of the field")

func newBatchWorker[T odeint.Float](b *Batch[T]) (*batchWorker[T], error) {
	w := &batchWorker[T]{field: b.f}
	if b.forks != nil {
		f, err := b.forks.Fork()
		if err != nil {
			return nil, err
		}
		var ok bool
		if w.field, ok = f.(odeint.Differentiable[T]); !ok || f.Dim() != b.dim {
			return nil, errFork
		}
	}
	w.sampled, _ = w.field.(odeint.Sampled)
	opt := b.opt.Options
	if len(b.workers) > 0 && b.opt.NewEvents != nil {
		opt.Events = b.opt.NewEvents()
	}
	var err error
	w.solver, err = New(w.field, opt, b.method)
	return w, err
}

// run goes back through blocks as long as there are any.
func (w *batchWorker[T]) run(work *batchWork[T]) {
	w.stats, w.reconstruction = odeint.Stats{}, 0
	if work.b.tiled && w.tile == nil {
		w.tile = newReverseTile(w)
	}
	for block, theta := work.take(); block != nil; block, theta = work.take() {
		if work.b.tiled {
			w.tile.run(work, block, theta)
			continue
		}
		for _, i := range block {
			if err := w.back(work, i, theta); err != nil {
				work.fail(i, err)
			}
		}
	}
	w.grad = Gradient[T]{}
}

// back goes back through sample i.
func (w *batchWorker[T]) back(work *batchWork[T], i int, theta []T) error {
	if w.sampled != nil {
		w.sampled.SetSample(i)
	}
	s := w.solver
	s.sol = work.b.sols[i] // where Interpolating looks for it
	p := &s.p
	work.gradient(&w.grad, i, theta)
	if err := p.look(work.ctx, &s.sol, &w.grad, work.dys[i], nil); err != nil {
		return err
	}
	var err error
	if p.depends() {
		err = s.back.run(work.ctx, p)
	}
	if err == nil {
		err = p.complete()
	}
	p.ctx, p.sol, p.grad, p.dys = nil, nil, nil, nil
	w.stats.Add(&p.stats)
	w.reconstruction = max(w.reconstruction, p.reconstruction)
	return err
}

// gradient makes g that of sample i, with the block's θ.
func (work *batchWork[T]) gradient(g *Gradient[T], i int, theta []T) {
	n := work.b.dim
	*g = Gradient[T]{Y0: work.g.Y0[i*n : (i+1)*n : (i+1)*n], Theta: theta[:work.params:work.params], Events: theta[work.params:], WantTimes: work.g.WantTimes}
	if g.WantTimes {
		g.Times = work.g.Times[i]
	}
}
