package train

import (
	"context"
	"errors"
	"slices"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/odeint"
)

// fewAlike is how many trajectories with the same times it takes to solve them with common
// steps, where there are others with times of their own.
const fewAlike = 8

// apart solves trajectories each with its own times and steps, on one goroutine: several of
// them evaluate a network together.
type apart[T Float] struct {
	batch   *adjoint.Batch[T]
	samples []odeint.Sample[T]
	dys     [][]T
	grad    adjoint.BatchGradient[T]
}

// trajectoriesApart returns the apart of a worker for one sample.
func (w *worker[T]) trajectoriesApart(m *Model[T]) (*apart[T], error) {
	if w.apart == nil {
		batch, err := adjoint.NewBatch[T](w.field, odeint.BatchOptions{Options: m.cfg.Solve, Workers: 1}, m.cfg.Adjoint)
		if err != nil {
			return nil, err
		}
		w.apart = &apart[T]{batch: batch}
	}
	return w.apart, nil
}

// solvesApart reports whether trajectories can be solved with their own times and steps: not
// with inputs, events, or what else an adjoint.Batch refuses.
func (m *Model[T]) solvesApart() bool {
	if m.cfg.Input != nil || m.cfg.Solve.Events != nil {
		return false
	}
	p, err := m.proto(1)
	if err != nil {
		return false
	}
	w, err := p.take(m)
	if err != nil {
		return false
	}
	defer p.give(w)
	_, err = w.trajectoriesApart(m)
	return err == nil
}

// apart returns tasks of the trajectories that are to be solved apart, and the others.
func (o *objective[T]) apart(of []int) (tasks []task[T], rest []int) {
	if !o.own {
		return nil, of
	}
	alike := map[int]int{}
	for _, i := range of {
		alike[o.grid[i]]++
	}
	var own []int
	grids := 0
	for _, n := range alike {
		if n < fewAlike {
			grids++
		}
	}
	if grids < 2 {
		return nil, of
	}
	for _, i := range of {
		if alike[o.grid[i]] < fewAlike {
			own = append(own, i)
		} else {
			rest = append(rest, i)
		}
	}
	for part := range slices.Chunk(own, o.chunk) {
		tasks = append(tasks, task[T]{of: part, own: true})
	}
	return tasks, rest
}

// taskApart is task for trajectories with their own times and steps.
func (o *objective[T]) taskApart(ctx context.Context, b *block[T], grad, x []float64, t task[T], horizon int, weight float64) error {
	dim, n := o.m.dim, len(t.of)
	p, err := o.m.proto(1)
	if err != nil {
		return err
	}
	w, err := p.take(o.m)
	if err != nil {
		return err
	}
	defer p.give(w)
	a, err := w.trajectoriesApart(o.m)
	if err != nil {
		return err
	}
	copy(w.field.Params(), o.theta)
	b.y0 = grown(b.y0, n*dim)
	a.samples = a.samples[:0]
	for k, i := range t.of {
		y0 := b.y0[k*dim : (k+1)*dim]
		o.start(y0, i, x)
		a.samples = append(a.samples, odeint.Sample[T]{Y0: y0, Times: o.data[i].Times[:o.rows(i, horizon)]})
	}
	sols, err := a.batch.Forward(ctx, a.samples)
	forward, _ := a.batch.Stats()
	b.work.Solves += n
	b.work.NFEForward += forward.NFE
	if err != nil {
		return o.failedApart(err, t)
	}
	a.dys = grown(a.dys, n)
	for k, i := range t.of {
		times := a.samples[k].Times
		s := Saved[T]{Times: times, Dim: dim, Pred: sols[k].Y, Target: o.data[i].States[:len(times)*dim], Weight: o.weights[i][:len(times)*dim]}
		if grad != nil {
			b.g = grown(b.g, len(sols[k].Y))
			s.Grad = b.g
		}
		b.loss += o.lossOf(s) / weight
		if grad == nil {
			continue
		}
		a.dys[k] = grown(a.dys[k], len(s.Grad))
		for j, v := range s.Grad {
			d := T(float64(v) / weight)
			if d-d != 0 {
				return ErrNotFinite
			}
			a.dys[k][j] = d
		}
	}
	if grad == nil {
		return nil
	}
	if err := a.batch.Backward(ctx, &a.grad, a.dys); err != nil {
		return o.failedApart(err, t)
	}
	_, back := a.batch.Stats()
	o.collect(b, t, grad, back, a.grad.Theta, a.grad.Y0)
	return nil
}

// failedApart says which trajectory could not be solved.
func (o *objective[T]) failedApart(err error, t task[T]) error {
	var failed *odeint.BatchError
	if errors.As(err, &failed) {
		if k := failed.Failed()[0]; k < len(t.of) {
			return o.failed(failed.Errs[k], task[T]{of: t.of[k : k+1]})
		}
	}
	return o.failed(err, t)
}
