package adjoint

import (
	"github.com/neuralode/neuralode/internal/butcher"
	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// rkReverser reverses the steps of an explicit Runge–Kutta method:
//
//	w_i = h B_i λ_{n+1} + h Σ_{j>i} A_ji v_j + h Σ_o b_i(θ_o) ȳ_o,   v_i = J_iᵀ w_i,
//	λ_n = λ_{n+1} + Σ_i v_i + Σ_o ȳ_o
//
// with the sums over o for outputs inside the step, θ_o where and ȳ_o their
// cotangents. Dense stages take part where there are such outputs. A stage on
// which nothing depends costs nothing.
type rkReverser[T odeint.Float] struct {
	f odeint.Differentiable[T]
	m *odeint.Tableau // with its dense stages
	n int

	forward []butcher.Row // of the stages: row i of A
	reverse []butcher.Row // of w_i: column i of A, then B_i with λ in row len(A) of v

	y      []T // state of a stage
	w      []T // w_i
	v      []T // v_i in rows, then λ
	live   []bool
	out    []T       // Σ_o h b_i(θ_o) ȳ_o in rows
	weight []float64 // b_i(θ_o)
	coef   []T       // h times the coefficients of one sum
	moving movingEnds[T]
}

func newRKReverser[T odeint.Float](f odeint.Differentiable[T], m *odeint.Tableau) *rkReverser[T] {
	m = m.WithDense()
	n, rows := f.Dim(), len(m.A)
	r := &rkReverser[T]{
		f: f, m: m, n: n,
		forward: make([]butcher.Row, rows),
		reverse: make([]butcher.Row, rows),
		y:       make([]T, n),
		w:       make([]T, n),
		v:       make([]T, (rows+1)*n),
		live:    make([]bool, rows),
		out:     make([]T, rows*n),
		weight:  make([]float64, rows),
		coef:    make([]T, rows+1),
	}
	for i := range rows {
		for j, a := range m.A[i] {
			r.forward[i].Add(j, a)
		}
		for j := i + 1; j < rows; j++ {
			r.reverse[i].Add(j, m.A[j][i])
		}
		if i < len(m.B) {
			r.reverse[i].Add(rows, m.B[i])
		}
	}
	return r
}

func (r *rkReverser[T]) needs() needs { return needs{stages: true, dense: true} }

func (r *rkReverser[T]) back(p *pass[T], s *odeint.Step[T], outs []outputCotangent[T]) error {
	lambda, dtheta := p.lambda, p.grad.Theta
	for i := r.begin(s, lambda, outs); i >= 0; i-- {
		if !r.live[i] {
			continue
		}
		v := r.slope(i)
		r.stage(s, i, r.y, r.w)
		r.f.VJP(nil, v, dtheta, s.StageTime(r.m.C[i]), r.y, r.w)
		p.stats.VJPs++
		add(lambda, v)
	}
	r.end(lambda, outs)
	return nil
}

// begin prepares for going back through a step from λ at its end, and returns the last stage
// to be undone.
func (r *rkReverser[T]) begin(s *odeint.Step[T], lambda []T, outs []outputCotangent[T]) (last int) {
	clear(r.live)
	clear(r.out)
	for _, o := range outs {
		r.collect(s.H, o)
	}
	last = r.depends()
	copy(r.v[len(r.m.A)*r.n:], lambda)
	return last
}

// slope is v_i.
func (r *rkReverser[T]) slope(i int) []T { return r.v[i*r.n:][:r.n] }

// stage stores the state of stage i in y and w_i in w.
func (r *rkReverser[T]) stage(s *odeint.Step[T], i int, y, w []T) {
	combine(w, r.out[i*r.n:][:r.n], r.v, s.H, &r.reverse[i], r.coef)
	combine(y, s.Y0, s.K, s.H, &r.forward[i], r.coef)
}

// end makes λ that at the start of the step, all stages having been undone.
func (r *rkReverser[T]) end(lambda []T, outs []outputCotangent[T]) {
	for _, o := range outs {
		add(lambda, o.dy)
	}
}

// collect adds an output's share to every stage it was formed from.
func (r *rkReverser[T]) collect(h float64, o outputCotangent[T]) {
	r.m.DenseWeights(r.weight, o.theta)
	for i, b := range r.weight {
		if b == 0 {
			continue
		}
		r.live[i] = true
		c := T(h * b)
		out := r.out[i*r.n:][:r.n]
		for j, x := range o.dy {
			out[j] += c * x
		}
	}
}

// depends completes live, the stages that the step's end or an output depends
// on, and returns the last of them. v of the others is zero.
func (r *rkReverser[T]) depends() (last int) {
	n, rows := r.n, len(r.m.A)
	last = -1
	for i := rows - 1; i >= 0; i-- {
		for _, j := range r.reverse[i].Stages {
			if j == rows || r.live[j] {
				r.live[i] = true
				break
			}
		}
		if r.live[i] {
			last = max(last, i)
		} else {
			clear(r.v[i*n:][:n])
		}
	}
	return last
}

// combine stores base + h Σ w_i k_i in dst; coef is its workspace.
func combine[T odeint.Float](dst, base, k []T, h float64, w *butcher.Row, coef []T) {
	coef = coef[:len(w.W)]
	for i, c := range w.W {
		coef[i] = T(h * c)
	}
	vec.Combine(dst, base, coef, w.Stages, k)
}

func (r *rkReverser[T]) bytes() int {
	return sizeOf[T](len(r.y)+len(r.w)+len(r.v)+len(r.out)+len(r.coef)) + 8*len(r.weight)
}
