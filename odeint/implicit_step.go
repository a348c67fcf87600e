package odeint

import (
	"math"

	"github.com/neuralode/neuralode/internal/vec"
)

// implicitRK is the stepper of implicit Runge–Kutta methods. It works with the
// increments L_i = h B_i k_i and the weights μ_ij = A_ij/B_j:
//
//	Y_i = y_n + Σ_j μ_ij L_j,   y_{n+1} = y_n + Σ_i L_i.
//
// For symplectic methods μ_ij + μ_ji = 1 holds to the last bit, so that the
// rounding of the coefficients does not make the energy drift (Antoñana,
// Makazaga & Murua 2017, §3).
type implicitRK[T Float] struct {
	ev     *evaluator[T]
	m      *ImplicitRK
	s, dim int
	mu     []coefficients[T] // a row for each stage, over the rows of l
	sum    coefficients[T]
	hb     []T
	interp denseOutput[T]
	ends   endSlopes[T]
	newton *newton[T] // nil: fixed point
	tol    float64
	maxIt  int

	l     []T // the increments, and the compensation of Y0 as one more row
	y     []T // a stage's state
	least []T // the smallest change of each component so far
	k     []T // slopes of an output's partial step

	guess       guess[T]
	e, e1, eOut []T // compensation of Y0, of Y1 and of an output; nil: none
	next        bool
}

// coefficients is a row of coefficients with the rows they belong to.
type coefficients[T Float] struct {
	w    []T
	rows []int
}

func newImplicitRK[T Float](m *ImplicitRK, ev *evaluator[T], compensated bool) *implicitRK[T] {
	s, n := len(m.B), ev.field.Dim()
	solver := m.Solver
	if solver == nil {
		solver = FixedPoint{}
	}
	r := &implicitRK[T]{
		ev: ev, m: m, s: s, dim: n, mu: make([]coefficients[T], s), hb: make([]T, s),
		interp: newDenseOutput[T](hermite(s)), ends: endSlopes[T]{ev: ev},
		l: make([]T, (s+1)*n), y: make([]T, n), least: make([]T, s*n), k: make([]T, s*n),
		guess: newGuess[T](m.C, n),
	}
	r.tol, r.maxIt = solver.limits()
	if compensated {
		r.e, r.e1, r.eOut = make([]T, n), make([]T, n), make([]T, n)
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
	if _, ok := solver.(Newton); ok {
		r.newton = newNewton(ev, s)
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

func (r *implicitRK[T]) rows() (step, all int) { return r.s, r.s + hermiteRows }

func (r *implicitRK[T]) restart([]T) {
	r.next = false
	r.guess.restart()
	r.ends.restart()
	clear(r.e)
	clear(r.e1)
}

func (r *implicitRK[T]) attempt(s *Step[T]) (scaled float64, err error) {
	if r.next {
		r.e, r.e1, r.next = r.e1, r.e, false
	}
	s.K = s.K[:r.s*r.dim]
	if !r.guess.predict(s.K, s.H) {
		k := s.K[:r.dim]
		if err := r.ev.at(k, s.StageTime(0), s.Y0); err != nil {
			return 0, err
		}
		for i := 1; i < r.s; i++ {
			copy(s.K[i*r.dim:], k)
		}
	}
	if r.newton != nil {
		if err := r.newton.linearise(s); err != nil {
			return 0, err
		}
	}
	if err := r.solve(s, 1, s.K); err != nil {
		return 0, err
	}
	r.finish(s.Y1, r.e1, s)
	return 0, r.ev.check("the new state", s.Y1, s.T1)
}

// finish stores Y0 + Σ L_i in dst, and its compensation in e.
func (r *implicitRK[T]) finish(dst, e []T, s *Step[T]) {
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

// solve finds the stages of a step from T0 to T0 + theta·H. On entry k has
// a guess of their slopes, on return the slopes; the increments are left in l.
func (r *implicitRK[T]) solve(s *Step[T], theta float64, k []T) error {
	h := theta * s.H
	r.weigh(h)
	n := r.dim
	for i := range r.s {
		for c, v := range k[i*n : (i+1)*n] {
			r.l[i*n+c] = r.hb[i] * v
		}
	}
	if r.e != nil {
		copy(r.l[r.s*n:], r.e)
	}
	if r.newton != nil {
		if !r.newton.factorise(r.mu, r.hb) {
			return &ConvergenceError{Method: r.m.Name, T: s.T0, H: h, Change: math.Inf(1)}
		}
	}
	stop := r.newProgress(s.Y0)
	for it := 1; ; it++ {
		r.ev.stats.Iterations++
		stop.begin()
		var err error
		if r.newton != nil {
			err = r.newtonSweep(s, theta, k, &stop)
		} else {
			err = r.fixedPointSweep(s, theta, k, &stop)
		}
		if err != nil || stop.done() {
			return err
		}
		if it >= r.maxIt && stop.enough() {
			return nil
		}
		if it >= r.maxIt || stop.hopeless() {
			return &ConvergenceError{Method: r.m.Name, T: s.T0, H: h, Iterations: it, Change: stop.largest / stop.scale}
		}
	}
}

// fixedPointSweep replaces each L_i by h B_i f(Y_i), one after the other.
func (r *implicitRK[T]) fixedPointSweep(s *Step[T], theta float64, k []T, stop *progress[T]) error {
	n := r.dim
	for i := range r.s {
		ki, li := k[i*n:(i+1)*n], r.l[i*n:(i+1)*n]
		if err := r.stage(ki, s, theta, i); err != nil {
			return err
		}
		hb, least := r.hb[i], r.least[i*n:(i+1)*n]
		for c, v := range ki {
			next := hb * v
			stop.see(&least[c], li[c], next)
			li[c] = next
		}
	}
	return nil
}

// stage stores the slope of stage i, from the increments so far, in dst.
func (r *implicitRK[T]) stage(dst []T, s *Step[T], theta float64, i int) error {
	vec.Combine(r.y, s.Y0, r.mu[i].w, r.mu[i].rows, r.l)
	t := s.T0 + r.m.C[i]*theta*s.H
	if theta == 1 {
		t = s.StageTime(r.m.C[i])
	}
	return r.ev.at(dst, s.bound(t), r.y)
}

// weigh sets hb to h B_i, such that their sum is h: the largest takes the rounding.
func (r *implicitRK[T]) weigh(h float64) {
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

func (r *implicitRK[T]) accept(s *Step[T]) {
	r.next = true
	r.guess.keep(s.K, s.H)
}

func (r *implicitRK[T]) reject() {}

func (r *implicitRK[T]) dense(s *Step[T]) error { return r.ends.store(s, r.s) }

func (r *implicitRK[T]) interpolates() bool { return false }

func (r *implicitRK[T]) interpolant() interpolant[T] { return &r.interp }

func (r *implicitRK[T]) output(dst []T, s *Step[T], theta float64) error {
	r.guess.inside(r.k, s.K, theta)
	if err := r.solve(s, theta, r.k); err != nil {
		return err
	}
	r.finish(dst, r.eOut, s)
	return r.ev.check("the new state", dst, s.T0+theta*s.H)
}
