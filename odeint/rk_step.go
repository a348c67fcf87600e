package odeint

import (
	"github.com/neuralode/neuralode/internal/butcher"
	"github.com/neuralode/neuralode/internal/vec"
)

// rkStepper is the stepper of explicit tableaus.
type rkStepper[T Float] struct {
	ev     *evaluator[T]
	tol    *tolerance[T] // nil: fixed steps, no error wanted
	interp denseOutput[T]

	s, all int           // stages without and with the dense ones
	c, b   []float64     // nodes of all stages; weights of the solution
	a      []butcher.Row // stage by stage
	sum    butcher.Row   // b
	e, e2  butcher.Row   // error estimates; empty: none
	fsal   bool
	inner  int // the first stages, on which the states of the stages in Y1 depend
	end    int // the dense stage whose state is Y1, or -1

	nextFirst []T // f at the start of the next step; nil: not known
	y         []T // a stage's state
	err       []T
	coef      []T
}

func newRKStepper[T Float](m *Tableau, ev *evaluator[T], tol *tolerance[T]) *rkStepper[T] {
	d := m.WithDense()
	n := ev.field.Dim()
	r := &rkStepper[T]{
		ev: ev, tol: tol, interp: newDenseOutput[T](d),
		s: len(d.B), all: len(d.A), c: d.C, b: d.B,
		sum: butcher.NewRow(d.B), e: butcher.NewRow(d.E), e2: butcher.NewRow(d.E2), fsal: d.FSAL(), inner: innerStages(d.A, d.B), end: -1,
		y: make([]T, n), err: make([]T, n), coef: make([]T, len(d.A)),
	}
	for i, row := range d.A {
		r.a = append(r.a, butcher.NewRow(row))
		if i >= r.s && d.C[i] == 1 && sameWeights(row, d.B) {
			r.end = i
		}
	}
	return r
}

// innerStages is how many stages it takes to find the states of all stages that Y1
// depends on.
func innerStages(a [][]float64, b []float64) (n int) {
	live := make([]bool, len(b))
	for i := len(b) - 1; i >= 0; i-- {
		live[i] = live[i] || b[i] != 0
		for j, w := range a[i] {
			if live[i] && w != 0 {
				live[j], n = true, max(n, j+1)
			}
		}
	}
	return n
}

// sameWeights reports whether the row of a dense stage makes its state Y1.
func sameWeights(row, b []float64) bool {
	for j, a := range row {
		if j < len(b) && a != b[j] || j >= len(b) && a != 0 {
			return false
		}
	}
	return true
}

func (r *rkStepper[T]) stages() (step, all int) { return r.s, r.all }

func (r *rkStepper[T]) restart(f0 []T) { r.nextFirst = f0 }

func (r *rkStepper[T]) attempt(s *Step[T]) (scaled float64, err error) {
	if err := r.evaluate(s, r.s, true); err != nil {
		return 0, err
	}
	return r.scaled(s), nil
}

// scaled returns the scaled error of a step, 0 if it is not wanted.
func (r *rkStepper[T]) scaled(s *Step[T]) float64 {
	if r.tol == nil || len(r.e.W) == 0 {
		return 0
	}
	scaled := r.estimate(s, &r.e)
	if len(r.e2.W) > 0 {
		scaled = both(scaled, r.estimate(s, &r.e2))
	}
	return scaled
}

// evaluate computes the first stages of a step, and its end unless that is not wanted.
func (r *rkStepper[T]) evaluate(s *Step[T], stages int, end bool) error {
	n := len(s.Y0)
	s.K = s.K[:stages*n]
	if stages == 0 {
		return nil
	}
	if err := r.first(s); err != nil {
		return err
	}
	for i := 1; i < stages; i++ {
		y := r.y
		if r.endsIn(i) {
			y = s.Y1
		}
		r.combine(y, s.Y0, s, &r.a[i])
		if err := r.ev.weighted(s.K[i*n:(i+1)*n], s.StageTime(r.c[i]), y, s.H*r.b[i]); err != nil {
			return err
		}
	}
	if !end {
		return nil
	}
	return r.complete(s, stages)
}

// endsIn reports whether the state of stage i of a step is its end.
func (r *rkStepper[T]) endsIn(i int) bool { return r.fsal && i == r.s-1 }

// complete computes the end of a step with the given stages.
func (r *rkStepper[T]) complete(s *Step[T], stages int) error {
	if !r.fsal || stages < r.s {
		r.combine(s.Y1, s.Y0, s, &r.sum)
	}
	return nonFinite("the new state", s.T1, s.Y1)
}

// retake leaves out the stages that serve nothing that is wanted.
func (r *rkStepper[T]) retake(s *Step[T], end, dense bool) error {
	r.restart(nil)
	switch {
	case dense:
		if err := r.evaluate(s, r.s, true); err != nil {
			return err
		}
		return r.dense(s)
	case !end:
		return r.evaluate(s, r.inner, false)
	case r.fsal:
		return r.evaluate(s, r.s-1, true)
	}
	return r.evaluate(s, r.s, true)
}

// first provides the first stage: known already, or evaluated.
func (r *rkStepper[T]) first(s *Step[T]) error {
	k := s.K[:len(s.Y0)]
	if r.ev.quad != nil {
		return r.ev.weighted(k, s.StageTime(r.c[0]), s.Y0, s.H*r.b[0])
	}
	if r.nextFirst != nil {
		copy(k, r.nextFirst)
	} else if err := r.ev.at(k, s.StageTime(r.c[0]), s.Y0); err != nil {
		return err
	}
	r.nextFirst = k
	return nil
}

func (r *rkStepper[T]) combine(dst, base []T, s *Step[T], w *butcher.Row) {
	combine(dst, base, s.K, s.H, w, r.coef)
}

// combine stores base + h Σ w_i k_i in dst; coef is its workspace.
func combine[T Float](dst, base, k []T, h float64, w *butcher.Row, coef []T) {
	coef = coef[:len(w.W)]
	for j, a := range w.W {
		coef[j] = T(h * a)
	}
	if n := len(dst); n > fewComponents || len(coef) == 0 {
		vec.Combine(dst, base, coef, w.Stages, k)
	} else {
		combineFew(dst, base, coef, w.Stages, k)
	}
}

// fewComponents are so few that a call of a kernel costs more than the work.
const fewComponents = 4

// combineFew is vec.Combine, with the same bits.
func combineFew[T Float](dst, base, coef []T, stages []int, k []T) {
	n := len(dst)
	stages = stages[:len(coef)]
	for i := range dst {
		sum := T(coef[0] * k[stages[0]*n+i])
		for j := 1; j < len(coef); j++ {
			sum += T(coef[j] * k[stages[j]*n+i])
		}
		dst[i] = base[i] + sum
	}
}

// estimate returns the scaled norm of H Σ w_i k_i.
func (r *rkStepper[T]) estimate(s *Step[T], w *butcher.Row) float64 {
	clear(r.err)
	r.combine(r.err, r.err, s, w)
	return r.tol.measure(r.err, s.Y0, s.Y1)
}

func (r *rkStepper[T]) accept(s *Step[T]) {
	if r.ev.quad != nil {
		r.ev.quad.Commit()
	}
	n := len(s.Y0)
	switch {
	case r.fsal:
		r.nextFirst = s.K[(r.s-1)*n : r.s*n]
	case r.end >= 0 && len(s.K) == r.all*n:
		r.nextFirst = s.K[r.end*n : (r.end+1)*n]
	default:
		r.nextFirst = nil
	}
}

func (r *rkStepper[T]) reject() {
	if r.ev.quad != nil {
		r.ev.quad.Discard()
	}
}

func (r *rkStepper[T]) dense(s *Step[T]) error {
	n := len(s.Y0)
	if len(s.K) == r.all*n {
		return nil
	}
	s.K = s.K[:r.all*n]
	for i := r.s; i < r.all; i++ {
		y := r.y
		if i == r.end {
			y = s.Y1
		} else {
			r.combine(y, s.Y0, s, &r.a[i])
		}
		k := s.K[i*n : (i+1)*n]
		if err := r.ev.at(k, s.StageTime(r.c[i]), y); err != nil {
			s.K = s.K[:r.s*n]
			return err
		}
	}
	return nil
}

func (r *rkStepper[T]) interpolates() bool { return true }

func (r *rkStepper[T]) interpolant() interpolant[T] { return &r.interp }

func (r *rkStepper[T]) inside(dst []T, s *Step[T], theta float64) error {
	r.interp.state(dst, s, theta)
	return nil
}
