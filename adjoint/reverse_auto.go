package adjoint

import "github.com/neuralode/neuralode/odeint"

// autoReverser reverses the steps of Auto: each by its own method.
type autoReverser[T odeint.Float] struct {
	rk   *rkReverser[T]
	dirk *esdirkReverser[T]
}

func newAutoReverser[T odeint.Float](f odeint.Differentiable[T], m odeint.Auto) *autoReverser[T] {
	a, b := m.Methods()
	return &autoReverser[T]{newRKReverser(f, a), newESDIRKReverser(f, b)}
}

func (r *autoReverser[T]) needs() needs { return r.rk.needs() }

func (r *autoReverser[T]) back(p *pass[T], s *odeint.Step[T], outs []outputCotangent[T]) error {
	if s.Stiff {
		return r.dirk.back(p, s, outs)
	}
	return r.rk.back(p, s, outs)
}

func (r *autoReverser[T]) bytes() int { return r.rk.bytes() + r.dirk.bytes() }

func (r *autoReverser[T]) forget() { r.dirk.forget() }
