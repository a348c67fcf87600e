package adjoint

import (
	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// splittingReverser reverses the steps of a splitting. Each flow x += w·h·g(z) leaves z
// as it is, so that it can be undone, and its reverse is
//
//	λ_z += (∂g/∂z)ᵀ (w h λ_x),   dθ += (∂g/∂θ)ᵀ (w h λ_x),   x −= w·h·g(z),
//
// with g(z) met on the way to the vector-Jacobian product: the states inside a step
// cost neither memory nor evaluations.
type splittingReverser[T odeint.Float] struct {
	f       Separable[T]
	n       int // pairs of a sample
	flows   []odeint.Flow
	inverse bool // the states at the ends of steps come from undoing too

	z      []T // (q | p)
	lambda []T // (λ_q | λ_p)
	slope  []T
	w, v   []T // cotangents of the slope and of what it depends on
	out    []T // the cotangent of an output at the start of the step
}

func newSplittingReverser[T odeint.Float](f Separable[T], m *odeint.Splitting, inverse bool) *splittingReverser[T] {
	n := f.Dim()
	return &splittingReverser[T]{
		f: f, n: f.SampleDim() / 2, flows: m.Flows(), inverse: inverse,
		z: make([]T, n), lambda: make([]T, n), out: make([]T, n),
		slope: make([]T, n/2), w: make([]T, n/2), v: make([]T, n/2),
	}
}

func (r *splittingReverser[T]) needs() needs { return needs{} }

func (r *splittingReverser[T]) back(p *pass[T], s *odeint.Step[T], outs []outputCotangent[T]) error {
	lambda, dtheta, st := p.lambda, p.grad.Theta, &p.stats
	vec.Unpair(r.z, s.Y1, r.n)
	r.undo(lambda, dtheta, s, 1, st)
	if r.inverse {
		vec.Pair(s.Y0, r.z, r.n)
	}
	for _, o := range outs {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		r.redo(s, o.theta, st)
		copy(r.out, o.dy)
		r.undo(r.out, dtheta, s, o.theta, st)
		add(lambda, r.out)
	}
	return nil
}

// undo takes z back from T0 + theta·H to T0 and lambda with it.
func (r *splittingReverser[T]) undo(lambda, dtheta []T, s *odeint.Step[T], theta float64, st *odeint.Stats) {
	vec.Unpair(r.lambda, lambda, r.n)
	half := len(r.z) / 2
	q, p := r.z[:half], r.z[half:]
	lq, lp := r.lambda[:half], r.lambda[half:]
	for i := len(r.flows) - 1; i >= 0; i-- {
		f := r.flows[i]
		h, t := T(f.Weight*theta*s.H), s.StageTime(f.At*theta)
		moved, from, lmoved, lfrom, vjp := q, p, lq, lp, r.f.DriftVJP
		if f.Kick {
			moved, from, lmoved, lfrom, vjp = p, q, lp, lq, r.f.KickVJP
		}
		for j, l := range lmoved {
			r.w[j] = h * l
		}
		vjp(r.slope, r.v, dtheta, t, from, r.w)
		st.VJPs++
		for j, k := range r.slope {
			moved[j] -= h * k
			lfrom[j] += r.v[j]
		}
	}
	vec.Pair(lambda, r.lambda, r.n)
}

// redo takes z from the start of the step to T0 + theta·H.
func (r *splittingReverser[T]) redo(s *odeint.Step[T], theta float64, st *odeint.Stats) {
	vec.Unpair(r.z, s.Y0, r.n)
	half := len(r.z) / 2
	q, p := r.z[:half], r.z[half:]
	for _, f := range r.flows {
		h, t := T(f.Weight*theta*s.H), s.StageTime(f.At*theta)
		x := q
		if f.Kick {
			x = p
			r.f.Kick(r.slope, t, q)
			st.Kicks++
		} else {
			r.f.Drift(r.slope, t, p)
			st.Drifts++
		}
		for j, k := range r.slope {
			x[j] += h * k
		}
	}
}

func (r *splittingReverser[T]) bytes() int {
	return sizeOf[T](len(r.z) + len(r.lambda) + len(r.out) + len(r.slope) + len(r.w) + len(r.v))
}
