package adjoint

import (
	"math"

	"github.com/neuralode/neuralode/internal/lu"
	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// implicitReverser reverses the steps of an implicit Runge–Kutta method by the
// implicit function theorem. With J_i = ∂f/∂y at stage i, the cotangents w_i of the
// slopes solve one linear system, the transposed one of the stages,
//
//	w_i − h Σ_j A_ji J_jᵀ w_j = h B_i λ_{n+1},
//
// and λ_n = λ_{n+1} + Σ_i J_iᵀ w_i, dθ += Σ_i (∂f/∂θ)_iᵀ w_i. How the stages were found
// has no part in it, except that they were: the gradient is that of the exact step. The
// system is solved like the stages: by iteration to rounding for FixedPoint, by LU
// factors for Newton.
type implicitReverser[T odeint.Float] struct {
	f       odeint.Differentiable[T]
	m       *odeint.ImplicitRK
	n, s    int
	direct  *direct[T] // nil: iteration
	maxIter int

	inverse bool
	again   odeint.Step[T] // a step taken again: back from its end, or to an output inside
	end     []T            // its end
	k       []T            // the stages of the step that again goes back through

	y    []T // stages' states in rows
	w    []T // their cotangents
	v    []T // J_iᵀ w_i
	next []T
	out  []T
	coef []T
	rows []int
}

func newImplicitReverser[T odeint.Float](f odeint.Differentiable[T], m *odeint.ImplicitRK, inverse bool) *implicitReverser[T] {
	n, s := f.Dim(), len(m.B)
	r := &implicitReverser[T]{
		f: f, m: m, n: n, s: s, maxIter: 100, inverse: inverse,
		end: make([]T, n), k: make([]T, s*n), y: make([]T, s*n), w: make([]T, s*n), v: make([]T, s*n),
		next: make([]T, n), out: make([]T, n), coef: make([]T, s), rows: make([]int, s),
	}
	for i := range r.rows {
		r.rows[i] = i
	}
	switch solver := m.Solver.(type) {
	case odeint.Newton:
		r.direct = newDirect[T](n, s)
	case odeint.FixedPoint:
		r.maxIter = max(r.maxIter, solver.MaxIter)
	}
	return r
}

func (r *implicitReverser[T]) needs() needs { return needs{stages: true} }

func (r *implicitReverser[T]) back(p *pass[T], s *odeint.Step[T], outs []outputCotangent[T]) error {
	k := s.K
	if r.inverse {
		if err := r.step(p, odeint.Step[T]{T0: s.T1, T1: s.T0, H: -s.H, Lo: s.Hi, Hi: s.Lo, Y0: s.Y1}); err != nil {
			return err
		}
		copy(s.Y0, r.again.Y1)
		k = r.k
		for i := range r.s { // the stages come in the other order
			copy(k[i*r.n:][:r.n], r.again.K[(r.s-1-i)*r.n:])
		}
	}
	if err := r.pull(p, p.lambda, s, 1, k); err != nil {
		return err
	}
	for _, o := range outs {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		h := o.theta * s.H
		if err := r.step(p, odeint.Step[T]{T0: s.T0, T1: s.T0 + h, H: h, Lo: s.Lo, Hi: s.Hi, Y0: s.Y0}); err != nil {
			return err
		}
		copy(r.out, o.dy)
		if err := r.pull(p, r.out, s, o.theta, r.again.K); err != nil {
			return err
		}
		add(p.lambda, r.out)
	}
	return nil
}

// step takes a step into again.
func (r *implicitReverser[T]) step(p *pass[T], s odeint.Step[T]) error {
	s.Y1, s.K = r.end, r.again.K[:0]
	r.again = s
	return p.retake(&r.again, false)
}

// pull takes lambda back from T0 + theta·H to T0, by a step of that size with slopes k.
func (r *implicitReverser[T]) pull(p *pass[T], lambda []T, s *odeint.Step[T], theta float64, k []T) error {
	st := &p.stats
	h := theta * s.H
	for i, a := range r.m.A {
		for j := range r.coef {
			r.coef[j] = T(h * a[j])
		}
		vec.Combine(r.stage(r.y, i), s.Y0, r.coef, r.rows, k)
	}
	var err error
	if r.direct != nil {
		err = r.solve(p, lambda, s, theta)
	} else {
		err = r.iterate(lambda, s, theta, st)
	}
	if err != nil {
		return err
	}
	for i := range r.s {
		r.vjp(r.next, p.grad.Theta, s, theta, i, r.stage(r.w, i), st)
		add(lambda, r.next)
	}
	return nil
}

// stage returns row i of x.
func (r *implicitReverser[T]) stage(x []T, i int) []T { return x[i*r.n:][:r.n] }

// vjp stores J_iᵀ w in dst.
func (r *implicitReverser[T]) vjp(dst, dtheta []T, s *odeint.Step[T], theta float64, i int, w []T, st *odeint.Stats) {
	r.f.VJP(nil, dst, dtheta, s.StageTime(r.m.C[i]*theta), r.stage(r.y, i), w)
	st.VJPs++
}

// iterate finds w by w_i = h B_i λ + h Σ_j A_ji J_jᵀ w_j, until the largest change is
// rounding.
func (r *implicitReverser[T]) iterate(lambda []T, s *odeint.Step[T], theta float64, st *odeint.Stats) error {
	h := theta * s.H
	for i := range r.s {
		r.scale(h, i, lambda, r.stage(r.w, i))
		r.vjp(r.stage(r.v, i), nil, s, theta, i, r.stage(r.w, i), st)
	}
	last := math.Inf(1)
	for it := 1; ; it++ {
		st.Iterations++
		var size, change float64
		for i := r.s - 1; i >= 0; i-- {
			w := r.stage(r.w, i)
			r.scale(h, i, lambda, r.next)
			for j := range r.coef {
				r.coef[j] = T(h * r.m.A[j][i])
			}
			vec.Combine(r.next, r.next, r.coef, r.rows, r.v)
			for c, x := range r.next {
				size = max(size, math.Abs(float64(x)))
				change = max(change, math.Abs(float64(x-w[c])))
			}
			copy(w, r.next)
			r.vjp(r.stage(r.v, i), nil, s, theta, i, w, st)
		}
		if change == 0 || change >= last && change <= 1e3*vec.Epsilon[T]()*size {
			return nil
		}
		if it >= r.maxIter || !(change < math.Inf(1)) {
			return &odeint.ConvergenceError{
				Method: "the reverse of " + r.m.Name, Solver: "FixedPoint", T: s.T0, H: h, Iterations: it, Change: change / size,
			}
		}
		last = change
	}
}

// scale stores h B_i λ in dst.
func (r *implicitReverser[T]) scale(h float64, i int, lambda, dst []T) {
	b := T(h * r.m.B[i])
	for c, l := range lambda {
		dst[c] = b * l
	}
}

// direct is the memory for solving the transposed stage system at once, in float64.
type direct[T odeint.Float] struct {
	lu   *lu.System
	unit []T
	row  []T
}

func newDirect[T odeint.Float](n, s int) *direct[T] {
	return &direct[T]{lu: lu.New(n * s), unit: make([]T, n), row: make([]T, n)}
}

// solve finds w by LU factors of the matrix with the blocks δ_ij − h A_ji J_jᵀ.
func (r *implicitReverser[T]) solve(p *pass[T], lambda []T, s *odeint.Step[T], theta float64) error {
	d, h, n, st := r.direct, theta*s.H, r.n, &p.stats
	clear(d.lu.Matrix())
	for j := range r.s {
		for c := range n {
			d.unit[c] = 1
			r.vjp(d.row, nil, s, theta, j, d.unit, st) // row c of J_j, column c of its transpose
			d.unit[c] = 0
			if !vec.Finite(d.row) { // what LU makes of it can be finite, and wrong
				return p.nonFinite("the Jacobian", s.StageTime(r.m.C[j]*theta), d.row)
			}
			for i := range r.s {
				a := -h * r.m.A[j][i]
				for k, x := range d.row {
					d.lu.Row(i*n + k)[j*n+c] = a * float64(x)
				}
			}
		}
	}
	rhs := d.lu.RHS()
	for i := range rhs {
		d.lu.Row(i)[i]++
	}
	for i := range r.s {
		for c, l := range lambda {
			rhs[i*n+c] = h * r.m.B[i] * float64(l)
		}
	}
	st.Iterations++
	if !d.lu.Factorise() {
		return &odeint.ConvergenceError{Method: "the reverse of " + r.m.Name, Solver: "Newton", T: s.T0, H: h, Change: math.Inf(1)}
	}
	d.lu.Solve()
	for i, x := range rhs {
		r.w[i] = T(x)
	}
	return nil
}

func (r *implicitReverser[T]) bytes() int {
	b := sizeOf[T](len(r.k) + len(r.end) + cap(r.again.K) + len(r.y) + len(r.w) + len(r.v) + len(r.next) + len(r.out) + len(r.coef))
	if r.direct != nil {
		b += r.direct.lu.Bytes()
	}
	return b
}
