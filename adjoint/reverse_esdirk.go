package adjoint

import (
	"math"

	"github.com/neuralode/neuralode/internal/butcher"
	"github.com/neuralode/neuralode/internal/lu"
	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// esdirkReverser reverses the steps of an ESDIRK method by the implicit function theorem,
// stage by stage from the last:
//
//	(I − hγ J_iᵀ) w_i = h A_si λ_{n+1} + h Σ_{j>i} A_ji v_j,   v_i = J_iᵀ w_i,
//	λ_n = λ_{n+1} + Σ_i v_i,   dθ += Σ_i (∂f/∂θ)_iᵀ w_i,
//
// with J_i = ∂f/∂y at stage i; the first stage is explicit. The systems are solved with LU factors
// of I − hγJ for a Jacobian J of the neighbourhood, and corrected with the defect, a
// vector-Jacobian product with J_i, until rounding: the solution is that for J_i. Where that is
// slow J becomes J_i. J is kept from stage to stage and from step to step.
type esdirkReverser[T odeint.Float] struct {
	f       odeint.Differentiable[T]
	m       *odeint.ESDIRK
	n, s    int
	sample  int
	gamma   float64
	forward []butcher.Row // of the stages' states: row i of A
	reverse []butcher.Row // of w_i: column i of A below the diagonal, then the last row's weight of λ

	blocks    *lu.Blocks
	usable    bool    // there is a Jacobian
	factored  float64 // the factors are those of I − factored·J; 0: of none
	unit, row []T

	part odeint.Step[T] // a partial step to an output inside
	end  []T            // its end

	y, w, out []T
	rhs       []T
	v         []T // v_i in rows, then λ
	coef      []T
	x         []float64
}

func newESDIRKReverser[T odeint.Float](f odeint.Differentiable[T], m *odeint.ESDIRK) *esdirkReverser[T] {
	n, s, sample := f.Dim(), len(m.A), odeint.SampleDim[T](f)
	r := &esdirkReverser[T]{
		f: f, m: m, n: n, s: s, sample: sample, gamma: m.A[1][1],
		forward: make([]butcher.Row, s), reverse: make([]butcher.Row, s),
		blocks: lu.NewBlocks(sample, n/sample), unit: make([]T, n), row: make([]T, n), end: make([]T, n),
		y: make([]T, n), w: make([]T, n), out: make([]T, n), rhs: make([]T, n), v: make([]T, (s+1)*n),
		coef: make([]T, s+1), x: make([]float64, n),
	}
	for i := range s {
		r.forward[i] = butcher.NewRow(m.A[i])
		for j := i + 1; j < s; j++ {
			r.reverse[i].Add(j, m.A[j][i])
		}
		r.reverse[i].Add(s, m.A[s-1][i])
	}
	return r
}

func (r *esdirkReverser[T]) needs() needs { return needs{stages: true} }

func (r *esdirkReverser[T]) back(p *pass[T], s *odeint.Step[T], outs []outputCotangent[T]) error {
	return r.through(p, s, outs, r.pull)
}

// through is back with a pull.
func (r *esdirkReverser[T]) through(p *pass[T], s *odeint.Step[T], outs []outputCotangent[T], pull func(*pass[T], []T, *odeint.Step[T]) error) error {
	if err := pull(p, p.lambda, s); err != nil {
		return err
	}
	for _, o := range outs {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		k := r.part.K[:0]
		r.part = s.Part(o.theta)
		r.part.Y1, r.part.K = r.end, k
		if err := p.retake(&r.part, false); err != nil {
			return err
		}
		copy(r.out, o.dy)
		if err := pull(p, r.out, &r.part); err != nil {
			return err
		}
		add(p.lambda, r.out)
	}
	return nil
}

// pull takes lambda from the end of a step to its start.
func (r *esdirkReverser[T]) pull(p *pass[T], lambda []T, s *odeint.Step[T]) error {
	n := r.n
	copy(r.v[r.s*n:], lambda)
	for i := r.s - 1; i >= 0; i-- {
		clear(r.rhs)
		combine(r.rhs, r.rhs, r.v, s.H, &r.reverse[i], r.coef)
		combine(r.y, s.Y0, s.K, s.H, &r.forward[i], r.coef)
		v, t := r.v[i*n:][:n], s.StageTime(r.m.C[i])
		if i == 0 {
			copy(r.w, r.rhs)
		} else if err := r.solve(p, s, t, v); err != nil {
			return err
		}
		r.f.VJP(nil, v, p.grad.Theta, t, r.y, r.w)
		p.stats.VJPs++
		add(lambda, v)
	}
	return nil
}

func (r *esdirkReverser[T]) forget() { r.usable, r.factored = false, 0 }

// refinements is how often a solution with J_i itself is corrected.
const refinements = 3

// solve finds w for the stage with state y at t. It uses v.
func (r *esdirkReverser[T]) solve(p *pass[T], s *odeint.Step[T], t float64, v []T) error {
	c := s.H * r.gamma
	fresh := false // J is J_i
	if !r.usable {
		if err := r.jacobian(p, t); err != nil {
			return err
		}
		fresh = true
	}
	for {
		if !r.factorise(p, c) {
			if !fresh {
				if err := r.jacobian(p, t); err != nil {
					return err
				}
				fresh = true
				continue
			}
			return &odeint.ConvergenceError{Method: "the reverse of " + r.m.Name, Solver: "Newton", T: s.T0, H: s.H, Change: math.Inf(1)}
		}
		for i, x := range r.rhs {
			r.x[i] = float64(x)
		}
		r.blocks.Solve(r.x, true)
		for i, x := range r.x {
			r.w[i] = T(x)
		}
		if r.correct(p, t, c, v, fresh) {
			return nil
		}
		if fresh {
			if !vec.Finite(v) {
				return p.nonFinite("the adjoint state", t, v)
			}
			return &odeint.ConvergenceError{Method: "the reverse of " + r.m.Name, Solver: "Newton", T: s.T0, H: s.H, Iterations: refinements, Change: math.NaN()}
		}
		if err := r.jacobian(p, t); err != nil {
			return err
		}
		fresh = true
	}
}

// correct improves w until rounding and reports whether it came that far.
func (r *esdirkReverser[T]) correct(p *pass[T], t, c float64, v []T, fresh bool) bool {
	last := math.Inf(1)
	for it := 1; ; it++ {
		p.stats.Iterations++
		p.stats.VJPs++
		r.f.VJP(nil, v, nil, t, r.y, r.w)
		for i, x := range r.w {
			r.x[i] = float64(r.rhs[i]) - float64(x) + c*float64(v[i])
		}
		r.blocks.Solve(r.x, true)
		change, size := 0.0, 0.0
		for i, d := range r.x {
			r.w[i] += T(d)
			change = max(change, math.Abs(d))
			size = max(size, math.Abs(float64(r.w[i])))
			if d != d {
				return false
			}
		}
		eps := vec.Epsilon[T]()
		switch {
		case change <= eps*size, size < tiny[T](), change >= 0.5*last && change <= 1e3*eps*size:
			return true
		case fresh && (it == refinements || change >= 0.5*last):
			return change <= math.Sqrt(eps)*size
		case !fresh && (change > 0.3*last || it == 10):
			return false
		}
		last = change
	}
}

// tiny is a number so small that smaller ones have no digits: an adjoint state that has died
// out.
func tiny[T odeint.Float]() float64 {
	if vec.Epsilon[T]() < 1e-10 {
		return 1e-290
	}
	return 1e-30
}

// factorise provides the factors of I − c·J.
func (r *esdirkReverser[T]) factorise(p *pass[T], c float64) bool {
	if r.factored != 0 && math.Abs(c/r.factored-1) <= 0.1 {
		return true
	}
	p.stats.LUs++
	r.factored = c
	if !r.blocks.Factorise(c) {
		r.factored = 0
	}
	return r.factored != 0
}

// jacobian stores ∂f/∂y at the stage with state y at t, for all samples at once.
func (r *esdirkReverser[T]) jacobian(p *pass[T], t float64) error {
	r.usable, r.factored = false, 0
	if err := jacobianBlocks(p, r.f, t, r.y, r.blocks.J(), r.sample, r.unit, r.row); err != nil {
		return err
	}
	r.usable = true
	return nil
}

func (r *esdirkReverser[T]) bytes() int {
	return sizeOf[T](7*r.n+len(r.v)+len(r.coef)+cap(r.part.K)) + 8*len(r.x) + r.blocks.Bytes()
}
