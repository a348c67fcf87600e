package adjoint

import (
	"github.com/neuralode/neuralode/internal/butcher"
	"github.com/neuralode/neuralode/internal/lu"
	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// rosenbrockReverser reverses the steps of a Rosenbrock method (odeint.Rosenbrock has its
// formula). With the cotangents κ_i of the stages k_i, from the last to the first,
//
//	κ_i = h B_i λ_{n+1} + Σ_{j>i} (γ C_ji w_j + h A_ji v_j),   (I − hγJ)ᵀ w_i = κ_i,   v_i = γ J_iᵀ w_i,
//	λ_n = λ_{n+1} + Σ_i v_i + hγ ∇_y Σ_i w_iᵀ J k_i + hγ ∇_y Σ_i D_i w_iᵀ f_t,
//
// and the same for θ, with J_i = ∂f/∂y at the state of stage i. The gradient of w_iᵀ J k_i is
// what TwiceDifferentiable has: J is part of the method, and without that term the gradient would be
// that of another one. f_t is the difference of two or three f that the step takes, and its
// gradient that of their vector-Jacobian products.
type rosenbrockReverser[T odeint.Float] struct {
	f          odeint.TwiceDifferentiable[T]
	m          *odeint.Rosenbrock
	n, s       int
	autonomous bool
	forward    []butcher.Row // of the stages' states: row i of A
	states     []butcher.Row // of κ_i: column i of A below the diagonal, then B
	couplings  []butcher.Row // of κ_i: column i of C below the diagonal
	dense      *odeint.Tableau

	blocks    *lu.Blocks
	unit, row []T

	y, q  []T
	kappa []float64
	w     []T // w_i in rows
	v     []T // v_i in rows, then λ
	coef  []T
	theta []float64 // the weights of the continuous extension
}

func newRosenbrockReverser[T odeint.Float](f odeint.TwiceDifferentiable[T], m *odeint.Rosenbrock) *rosenbrockReverser[T] {
	n, s, sample := f.Dim(), len(m.B), odeint.SampleDim[T](f)
	r := &rosenbrockReverser[T]{
		f: f, m: m, n: n, s: s, forward: make([]butcher.Row, s), states: make([]butcher.Row, s), couplings: make([]butcher.Row, s),
		dense: &odeint.Tableau{Name: m.Name, P: m.P}, blocks: lu.NewBlocks(sample, n/sample), unit: make([]T, n), row: make([]T, n),
		y: make([]T, n), q: make([]T, n), kappa: make([]float64, n), w: make([]T, s*n), v: make([]T, (s+1)*n), coef: make([]T, s+1), theta: make([]float64, s),
	}
	if a, ok := any(f).(odeint.Autonomous); ok {
		r.autonomous = a.Autonomous()
	}
	for i := range s {
		r.forward[i] = butcher.NewRow(m.A[i])
		for j := i + 1; j < s; j++ {
			r.states[i].Add(j, m.A[j][i])
			r.couplings[i].Add(j, m.C[j][i])
		}
		r.states[i].Add(s, m.B[i])
	}
	return r
}

func (r *rosenbrockReverser[T]) needs() needs { return needs{stages: true} }

func (r *rosenbrockReverser[T]) back(p *pass[T], s *odeint.Step[T], outs []outputCotangent[T]) error {
	n, g := r.n, r.m.Gamma
	start := s.StageTime(0)
	copy(r.y, s.Y0)
	if err := jacobianBlocks(p, r.f, start, r.y, r.blocks.J(), odeint.SampleDim[T](r.f), r.unit, r.row); err != nil {
		return err
	}
	p.stats.LUs++
	if !r.blocks.Factorise(s.H * g) {
		return &odeint.SingularError{Method: "the reverse of " + r.m.Name, T: s.T0, H: s.H}
	}
	copy(r.v[r.s*n:], p.lambda)
	for _, o := range outs {
		add(p.lambda, o.dy)
	}
	clear(r.q)
	for i := r.s - 1; i >= 0; i-- {
		w, v := r.w[i*n:][:n], r.v[i*n:][:n]
		r.cotangent(s, i, outs)
		r.blocks.Solve(r.kappa, true)
		for c, x := range r.kappa {
			w[c] = T(x)
			r.row[c] = T(g * x)
			r.q[c] += T(g * s.H * r.m.D[i] * x)
		}
		combine(r.y, s.Y0, s.K, s.H, &r.forward[i], r.coef)
		r.f.VJP(nil, v, p.grad.Theta, s.StageTime(r.m.Alpha[i]), r.y, r.row)
		add(p.lambda, v)
		for c, x := range r.kappa {
			r.row[c] = T(s.H * g * x)
		}
		r.f.TangentVJP(r.unit, p.grad.Theta, start, s.Y0, s.K[i*n:(i+1)*n], r.row)
		add(p.lambda, r.unit)
		p.stats.VJPs += 2
	}
	if !r.autonomous {
		r.timeSlope(p, s)
	}
	clear(r.unit)
	return nil
}

// cotangent stores κ_i.
func (r *rosenbrockReverser[T]) cotangent(s *odeint.Step[T], i int, outs []outputCotangent[T]) {
	clear(r.kappa)
	sum := func(c float64, x []T) {
		for k, v := range x {
			r.kappa[k] += c * float64(v)
		}
	}
	for j, stage := range r.states[i].Stages {
		sum(s.H*r.states[i].W[j], r.v[stage*r.n:][:r.n])
	}
	for j, stage := range r.couplings[i].Stages {
		sum(r.m.Gamma*r.couplings[i].W[j], r.w[stage*r.n:][:r.n])
	}
	for _, o := range outs {
		r.dense.DenseWeights(r.theta, o.theta)
		sum(s.H*r.theta[i], o.dy)
	}
}

// timeSlope adds the gradient of qᵀ f_t.
func (r *rosenbrockReverser[T]) timeSlope(p *pass[T], s *odeint.Step[T]) {
	t, w := butcher.TimeSlope(s.StageTime(0), s.H, s.Lo, s.Hi, vec.Epsilon[T]())
	for i, weight := range w {
		if weight == 0 {
			continue
		}
		for c, x := range r.q {
			r.row[c] = T(weight * float64(x))
		}
		r.f.VJP(nil, r.unit, p.grad.Theta, t[i], s.Y0, r.row)
		p.stats.VJPs++
		add(p.lambda, r.unit)
	}
}

func (r *rosenbrockReverser[T]) bytes() int {
	return sizeOf[T](4*r.n+len(r.w)+len(r.v)+len(r.coef)) + 8*(len(r.kappa)+len(r.theta)) + r.blocks.Bytes()
}

// jacobianBlocks stores ∂f/∂y at (t, y) in j, a block of m × m for each sample, all samples at
// once. unit is zero before and after.
func jacobianBlocks[T odeint.Float](p *pass[T], f odeint.Differentiable[T], t float64, y []T, j []float64, m int, unit, row []T) error {
	p.stats.Jacobians++
	for i := range m {
		for k := i; k < len(y); k += m {
			unit[k] = 1
		}
		f.VJP(nil, row, nil, t, y, unit)
		p.stats.VJPs++
		clear(unit)
		if !vec.Finite(row) {
			return p.nonFinite("the Jacobian", t, row)
		}
		for k, x := range row { // row i of each block
			j[(k-k%m+i)*m+k%m] = float64(x)
		}
	}
	return nil
}
