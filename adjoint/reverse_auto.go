package adjoint

import "github.com/neuralode/neuralode/odeint"

// autoReverser reverses the steps of Auto: each by its own method.
type autoReverser[T odeint.Float] struct {
	rk    *rkReverser[T]
	stiff reverser[T]
}

func (r *autoReverser[T]) needs() needs { return r.rk.needs() }

func (r *autoReverser[T]) back(p *pass[T], s *odeint.Step[T], outs []outputCotangent[T]) error {
	if s.Stiff {
		return r.stiff.back(p, s, outs)
	}
	return r.rk.back(p, s, outs)
}

func (r *autoReverser[T]) bytes() int { return r.rk.bytes() + r.stiff.bytes() }

func (r *autoReverser[T]) forget() {
	if f, ok := r.stiff.(forgetful); ok {
		f.forget()
	}
}
