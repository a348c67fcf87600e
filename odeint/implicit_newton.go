package odeint

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// newton is the linear algebra of the simplified Newton iteration, in float64.
// With J = ∂f/∂y at the start of the step, the changes of the increments solve
//
//	(I − (h B_i μ_ij) ⊗ J) δ = h B_i f(Y_i) − L_i
type newton[T Float] struct {
	ev    *evaluator[T]
	s, n  int
	jac   []float64 // n × n
	lu    blas64.General
	pivot []int
	rhs   blas64.General // s·n × 1

	y, f0, f1 []T // differences
	row, unit []T // VJPs
}

func newNewton[T Float](ev *evaluator[T], s int) *newton[T] {
	n := ev.field.Dim()
	size := s * n
	w := &newton[T]{
		ev: ev, s: s, n: n, jac: make([]float64, n*n), pivot: make([]int, size),
		lu:  blas64.General{Rows: size, Cols: size, Stride: size, Data: make([]float64, size*size)},
		rhs: blas64.General{Rows: size, Cols: 1, Stride: 1, Data: make([]float64, size)},
	}
	if _, ok := ev.field.(Differentiable[T]); ok {
		w.row, w.unit = make([]T, n), make([]T, n)
	} else {
		w.y, w.f0, w.f1 = make([]T, n), make([]T, n), make([]T, n)
	}
	return w
}

// linearise finds the Jacobian at the start of s.
func (w *newton[T]) linearise(s *Step[T]) error {
	t := s.StageTime(0)
	if f, ok := w.ev.field.(Differentiable[T]); ok {
		return w.byVJP(f, t, s.Y0)
	}
	return w.byDifferences(t, s.Y0)
}

func (w *newton[T]) byVJP(f Differentiable[T], t float64, y []T) error {
	for i := range w.n {
		w.unit[i] = 1
		f.VJP(nil, w.row, nil, t, y, w.unit)
		w.unit[i] = 0
		w.ev.stats.VJPs++
		if err := w.ev.check("the Jacobian", w.row, t); err != nil {
			return err
		}
		for j, v := range w.row {
			w.jac[i*w.n+j] = float64(v)
		}
	}
	return nil
}

// byDifferences moves one component at a time by √ε of its size or, for small ones,
// of the state's.
func (w *newton[T]) byDifferences(t float64, y []T) error {
	if err := w.ev.at(w.f0, t, y); err != nil {
		return err
	}
	size := 0.0
	for _, v := range y {
		size = max(size, math.Abs(float64(v)))
	}
	if size == 0 {
		size = 1
	}
	copy(w.y, y)
	for j := range w.n {
		w.y[j] = y[j] + T(math.Sqrt(unit[T]())*max(math.Abs(float64(y[j])), 1e-3*size))
		d := float64(w.y[j] - y[j])
		if err := w.ev.at(w.f1, t, w.y); err != nil {
			return err
		}
		w.y[j] = y[j]
		for i := range w.n {
			w.jac[i*w.n+j] = float64(w.f1[i]-w.f0[i]) / d
		}
	}
	return nil
}

// factorise prepares for steps of a size: row i of mu times hb_i. It reports whether
// the matrix is regular.
func (w *newton[T]) factorise(mu []coefficients[T], hb []T) bool {
	n, a := w.n, w.lu
	for i := range w.s {
		for j := range w.s {
			f := float64(hb[i]) * float64(mu[i].w[j])
			for r := range n {
				row := a.Data[(i*n+r)*a.Stride+j*n:][:n]
				for c, v := range w.jac[r*n : (r+1)*n] {
					row[c] = -f * v
				}
				if i == j {
					row[r]++
				}
			}
		}
	}
	return lapack64.Getrf(w.lu, w.pivot)
}

// solve replaces rhs by the solution.
func (w *newton[T]) solve() { lapack64.Getrs(blas.NoTrans, w.lu, w.rhs, w.pivot) }

// newtonSweep corrects all increments at once.
func (r *implicitRK[T]) newtonSweep(s *Step[T], theta float64, k []T, stop *progress[T]) error {
	n, rhs := r.dim, r.newton.rhs.Data
	for i := range r.s {
		ki := k[i*n : (i+1)*n]
		if err := r.stage(ki, s, theta, i); err != nil {
			return err
		}
		for c, v := range ki {
			rhs[i*n+c] = float64(r.hb[i]*v) - float64(r.l[i*n+c])
		}
	}
	r.newton.solve()
	for i, d := range rhs {
		next := r.l[i] + T(d)
		stop.see(&r.least[i], r.l[i], next)
		r.l[i] = next
	}
	return nil
}
