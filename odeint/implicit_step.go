package odeint

import (
	"github.com/neuralode/neuralode/internal/vec"
)

// implicitStepper is the stepper of implicit Runge–Kutta methods. It works with the
// increments L_i = h B_i k_i and the weights μ_ij = A_ij/B_j:
//
//	Y_i = y_n + Σ_j μ_ij L_j,   y_{n+1} = y_n + Σ_i L_i.
//
// For symplectic methods μ_ij + μ_ji = 1 holds to the last bit, so that the
// rounding of the coefficients does not make the energy drift (Antoñana,
// Makazaga & Murua 2017, §3).
type implicitStepper[T Float] struct {
	ev     *evaluator[T]
	m      *ImplicitRK
	s, dim int
	mu     []coefficients[T] // a row for each stage, over the rows of l
	sum    coefficients[T]
	hb     []T
	interp denseOutput[T]
	ends   endSlopes[T]
	newton *newton[T] // nil: fixed point
	solver string     // its name
	tol    float64
	maxIt  int

	l     []T // the increments, and the compensation of Y0 as one more row
	y     []T // a stage's state
	least []T // the smallest change of each component so far
	k     []T // slopes of an output's partial step

	predictor               stagePredictor[T]
	comp, compNext, compOut []T // compensation of Y0, of Y1 and of an output; nil: none
	swapPending             bool
}

// coefficients is a row of coefficients with the rows they belong to.
type coefficients[T Float] struct {
	w    []T
	rows []int
}

func newImplicitStepper[T Float](m *ImplicitRK, ev *evaluator[T], compensated bool) *implicitStepper[T] {
	s, n := len(m.B), ev.field.Dim()
	solver := m.Solver
	if solver == nil {
		solver = FixedPoint{}
	}
	r := &implicitStepper[T]{
		ev: ev, m: m, s: s, dim: n, mu: make([]coefficients[T], s), hb: make([]T, s),
		interp: newDenseOutput[T](hermite(s)), ends: endSlopes[T]{ev: ev},
		l: make([]T, (s+1)*n), y: make([]T, n), least: make([]T, s*n), k: make([]T, s*n),
		predictor: newStagePredictor[T](m.C, n),
	}
	r.tol, r.maxIt = solver.limits()
	if compensated {
		r.comp, r.compNext, r.compOut = make([]T, n), make([]T, n), make([]T, n)
	}
	rows := s
	if compensated {
		rows++
	}
	row := func() coefficients[T] {
		v := coefficients[T]{make([]T, rows), make([]int, rows)}
		for j := range v.rows {
			v.w[j], v.rows[j] = 1, j
		}
		return v
	}
	r.sum = row()
	for i := range s {
		r.mu[i] = row()
		for j := range s {
			r.mu[i].w[j] = T(m.A[i][j] / m.B[j])
		}
	}
	if m.Symplectic() {
		pairUp(r.mu)
	}
	r.solver = "FixedPoint"
	if _, ok := solver.(Newton); ok {
		r.newton, r.solver = newNewton(ev, s), "Newton"
	}
	return r
}

// pairUp makes μ_ij + μ_ji = 1 exact: the larger of the two is at least 1/2, and 1 minus
// such a number is exact up to 2.
func pairUp[T Float](mu []coefficients[T]) {
	for i := range mu {
		mu[i].w[i] = 0.5
		for j := range i {
			if a, b := &mu[i].w[j], &mu[j].w[i]; *a >= *b {
				*b = 1 - *a
			} else {
				*a = 1 - *b
			}
		}
	}
}

func (r *implicitStepper[T]) stages() (step, all int) { return r.s, r.s + hermiteStages }

func (r *implicitStepper[T]) restart([]T) {
	r.swapPending = false
	r.predictor.restart()
	r.ends.restart()
	clear(r.comp)
	clear(r.compNext)
}

func (r *implicitStepper[T]) attempt(s *Step[T]) (scaled float64, err error) {
	if r.swapPending {
		r.comp, r.compNext, r.swapPending = r.compNext, r.comp, false
	}
	s.K = s.K[:r.s*r.dim]
	if !r.predictor.predict(s.K, s.H) {
		k := s.K[:r.dim]
		if err := r.ev.at(k, s.StageTime(0), s.Y0); err != nil {
			return 0, err
		}
		for i := 1; i < r.s; i++ {
			copy(s.K[i*r.dim:], k)
		}
	}
	if r.newton != nil {
		if err := r.newton.jac.at(s.StageTime(0), s.Y0); err != nil {
			return 0, err
		}
	}
	if err := r.solveStages(s, 1, s.K); err != nil {
		return 0, err
	}
	r.addIncrements(s.Y1, r.compNext, s)
	return 0, r.ev.check("the new state", s.Y1, s.T1)
}

// addIncrements stores Y0 + Σ L_i in dst, and its compensation in e.
func (r *implicitStepper[T]) addIncrements(dst, e []T, s *Step[T]) {
	if e == nil {
		vec.Combine(dst, s.Y0, r.sum.w, r.sum.rows, r.l)
		return
	}
	clear(r.y)
	vec.Combine(r.y, r.y, r.sum.w, r.sum.rows, r.l)
	for i, d := range r.y {
		dst[i], e[i] = twoSum(s.Y0[i], d)
	}
}

// setWeights sets hb to h B_i, such that their sum is h: the largest takes the rounding.
func (r *implicitStepper[T]) setWeights(h float64) {
	largest := 0
	rest := T(h)
	for i, b := range r.m.B {
		r.hb[i] = T(h * b)
		if b > r.m.B[largest] {
			largest = i
		}
	}
	for i, w := range r.hb {
		if i != largest {
			rest -= w
		}
	}
	r.hb[largest] = rest
}

func (r *implicitStepper[T]) accept(s *Step[T]) {
	r.swapPending = true
	r.ends.accept()
	r.predictor.keep(s.K, s.H)
}

func (r *implicitStepper[T]) reject() { r.ends.reject() }

func (r *implicitStepper[T]) retake(s *Step[T], _, dense bool) error { return takeAgain(r, s, dense) }

func (r *implicitStepper[T]) dense(s *Step[T]) error { return r.ends.store(s, r.s) }

func (r *implicitStepper[T]) interpolates() bool { return false }

func (r *implicitStepper[T]) interpolant() interpolant[T] { return &r.interp }

func (r *implicitStepper[T]) inside(dst []T, s *Step[T], theta float64) error {
	r.predictor.inside(r.k, s.K, theta)
	if err := r.solveStages(s, theta, r.k); err != nil {
		return err
	}
	r.addIncrements(dst, r.compOut, s)
	return r.ev.check("the new state", dst, s.T0+theta*s.H)
}
