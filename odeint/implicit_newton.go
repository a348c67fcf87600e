package odeint

import "github.com/neuralode/neuralode/internal/lu"

// newton is the linear algebra of the simplified Newton iteration, in float64.
// With J = ∂f/∂y at the start of the step, the changes of the increments solve
//
//	(I − (h B_i μ_ij) ⊗ J) δ = h B_i f(Y_i) − L_i
type newton[T Float] struct {
	jac jacobian[T]
	s   int // stages
	lu  *lu.System
}

func newNewton[T Float](ev *evaluator[T], s int) *newton[T] {
	n := ev.field.Dim()
	return &newton[T]{jac: newJacobian(ev, n, make([]float64, n*n), false), s: s, lu: lu.New(s * n)}
}

// factorise prepares for steps of a size: row i of mu times hb_i. It reports whether
// the matrix is regular.
func (w *newton[T]) factorise(mu []coefficients[T], hb []T) bool {
	n := w.jac.n
	for i := range w.s {
		for j := range w.s {
			f := float64(hb[i]) * float64(mu[i].w[j])
			for r := range n {
				row := w.lu.Row(i*n + r)[j*n:][:n]
				for c, v := range w.jac.a[r*n : (r+1)*n] {
					row[c] = -f * v
				}
				if i == j {
					row[r]++
				}
			}
		}
	}
	return w.lu.Factorise()
}

// newtonSweep corrects all increments at once.
func (r *implicitStepper[T]) newtonSweep(s *Step[T], theta float64, k []T, stop *stageConvergence[T]) error {
	n, rhs := r.dim, r.newton.lu.RHS()
	for i := range r.s {
		ki := k[i*n : (i+1)*n]
		if err := r.stage(ki, s, theta, i); err != nil {
			return err
		}
		for c, v := range ki {
			rhs[i*n+c] = float64(r.hb[i]*v) - float64(r.l[i*n+c])
		}
	}
	r.newton.lu.Solve()
	for i, d := range rhs {
		next := r.l[i] + T(d)
		stop.observe(&r.least[i], r.l[i], next)
		r.l[i] = next
	}
	return nil
}
