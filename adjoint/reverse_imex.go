package adjoint

import (
	"github.com/neuralode/neuralode/internal/butcher"
	"github.com/neuralode/neuralode/odeint"
)

// imexReverser reverses the steps of an ESDIRK method and its explicit companion on a
// Split field, stage by stage from the last. With the cotangents w of the stiff slopes and u of the
// others,
//
//	u_i = h A_si λ_{n+1} + h Σ_{j>i} Explicit_ji v_j
//	(I − hγ J_iᵀ) w_i = h A_si λ_{n+1} + h Σ_{j>i} A_ji v_j + hγ x_i,   x_i = (∂nonStiff/∂y)_iᵀ u_i,
//	v_i = J_iᵀ w_i + x_i,   λ_n = λ_{n+1} + Σ_i v_i,
//
// with J the Jacobian of the stiff part; the first stage is explicit.
type imexReverser[T odeint.Float] struct {
	*esdirkReverser[T] // of the stiff part; its reverse has the w_i
	other              odeint.Differentiable[T]
	params             int           // of the stiff part
	states             []butcher.Row // of the stages' states
	explicit           []butcher.Row // of u_i
	u, x               []T
}

func newIMEXReverser[T odeint.Float](stiff, other odeint.Differentiable[T], m *odeint.ESDIRK) *imexReverser[T] {
	r := &imexReverser[T]{
		esdirkReverser: newESDIRKReverser(stiff, m), other: other, params: stiff.NumParams(),
		u: make([]T, stiff.Dim()), x: make([]T, stiff.Dim()),
	}
	s := r.s
	r.states, r.explicit = make([]butcher.Row, s), make([]butcher.Row, s)
	for i := range s {
		r.states[i] = butcher.NewRow(m.A[i])
		for j, a := range m.Explicit[i] {
			r.states[i].Add(s+j, a)
		}
		for j := i + 1; j < s; j++ {
			r.explicit[i].Add(j, m.Explicit[j][i])
		}
		r.explicit[i].Add(s, m.A[s-1][i])
	}
	r.reverse[s-1] = butcher.Row{} // y_{n+1} is not the state of the last stage
	r.reverse[s-1].Add(s, m.A[s-1][s-1])
	r.coef = make([]T, 2*s)
	return r
}

func (r *imexReverser[T]) back(p *pass[T], s *odeint.Step[T], outs []outputCotangent[T]) error {
	return r.through(p, s, outs, r.pull)
}

// pull takes lambda from the end of a step to its start.
func (r *imexReverser[T]) pull(p *pass[T], lambda []T, s *odeint.Step[T]) error {
	n, theta := r.n, p.grad.Theta
	copy(r.v[r.s*n:], lambda)
	for i := r.s - 1; i >= 0; i-- {
		v, t := r.v[i*n:][:n], s.StageTime(r.m.C[i])
		combine(r.y, s.Y0, s.K, s.H, &r.states[i], r.coef)
		clear(r.u)
		combine(r.u, r.u, r.v, s.H, &r.explicit[i], r.coef)
		r.other.VJP(nil, r.x, theta[r.params:], t, r.y, r.u)
		clear(r.rhs)
		combine(r.rhs, r.rhs, r.v, s.H, &r.reverse[i], r.coef)
		if i == 0 {
			copy(r.w, r.rhs)
		} else {
			for c, x := range r.x {
				r.rhs[c] += T(s.H*r.gamma) * x
			}
			if err := r.solve(p, s, t, v); err != nil {
				return err
			}
		}
		r.f.VJP(nil, v, theta[:r.params], t, r.y, r.w)
		p.stats.VJPs += 2
		add(v, r.x)
		add(lambda, v)
	}
	return nil
}

func (r *imexReverser[T]) bytes() int { return r.esdirkReverser.bytes() + sizeOf[T](2*r.n) }
