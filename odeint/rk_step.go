package odeint

import "github.com/neuralode/neuralode/internal/vec"

// rungeKutta is the stepper of explicit tableaus.
type rungeKutta[T Float] struct {
	ev     *evaluator[T]
	tol    *tolerance[T] // nil: fixed steps, no error wanted
	interp denseOutput[T]

	stages, all int       // rows of K without and with the dense stages
	c, b        []float64 // nodes of all stages; weights of the solution
	a           []weights // stage by stage
	sum         weights   // b
	e, e2       weights   // error estimates; empty: none
	fsal        bool
	end         int // the dense stage whose state is Y1, or -1

	carry []T // f at the start of the next step if it is known
	y     []T // a stage's state
	err   []T
	coef  []T
}

// weights is a row of a tableau without its zeros.
type weights struct {
	rows []int
	w    []float64
}

func newWeights(row []float64) weights {
	var v weights
	for i, x := range row {
		if x != 0 {
			v.rows, v.w = append(v.rows, i), append(v.w, x)
		}
	}
	return v
}

func newRungeKutta[T Float](m *Tableau, ev *evaluator[T], tol *tolerance[T]) *rungeKutta[T] {
	d := m.WithDense()
	n := ev.field.Dim()
	r := &rungeKutta[T]{
		ev: ev, tol: tol, interp: newDenseOutput[T](d),
		stages: len(d.B), all: len(d.A), c: d.C, b: d.B,
		sum: newWeights(d.B), e: newWeights(d.E), e2: newWeights(d.E2), fsal: d.FSAL(), end: -1,
		y: make([]T, n), err: make([]T, n), coef: make([]T, len(d.A)),
	}
	for i, row := range d.A {
		r.a = append(r.a, newWeights(row))
		if i >= r.stages && d.C[i] == 1 && sameWeights(row, d.B) {
			r.end = i
		}
	}
	return r
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

func (r *rungeKutta[T]) rows() (step, all int) { return r.stages, r.all }

func (r *rungeKutta[T]) restart(f0 []T) { r.carry = f0 }

func (r *rungeKutta[T]) attempt(s *Step[T]) (scaled float64, err error) {
	n := len(s.Y0)
	s.K = s.K[:r.stages*n]
	if err := r.first(s); err != nil {
		return 0, err
	}
	for i := 1; i < r.stages; i++ {
		y := r.y
		if r.fsal && i == r.stages-1 {
			y = s.Y1
		}
		r.combine(y, s.Y0, s, &r.a[i])
		if err := r.ev.weighted(s.K[i*n:(i+1)*n], s.StageTime(r.c[i]), y, s.H*r.b[i]); err != nil {
			return 0, err
		}
	}
	if !r.fsal {
		r.combine(s.Y1, s.Y0, s, &r.sum)
	}
	if err := nonFinite("the new state", s.T1, s.Y1); err != nil {
		return 0, err
	}
	if r.tol == nil || len(r.e.w) == 0 {
		return 0, nil
	}
	scaled = r.estimate(s, &r.e)
	if len(r.e2.w) > 0 {
		scaled = both(scaled, r.estimate(s, &r.e2))
	}
	return scaled, nil
}

// first provides the first stage: known already, or evaluated.
func (r *rungeKutta[T]) first(s *Step[T]) error {
	k := s.K[:len(s.Y0)]
	if r.ev.quad != nil {
		return r.ev.weighted(k, s.StageTime(r.c[0]), s.Y0, s.H*r.b[0])
	}
	if r.carry != nil {
		copy(k, r.carry)
	} else if err := r.ev.at(k, s.StageTime(r.c[0]), s.Y0); err != nil {
		return err
	}
	r.carry = k
	return nil
}

// combine stores base + H Σ w_i k_i in dst.
func (r *rungeKutta[T]) combine(dst, base []T, s *Step[T], w *weights) {
	coef := r.coef[:len(w.w)]
	for j, a := range w.w {
		coef[j] = T(s.H * a)
	}
	vec.Combine(dst, base, coef, w.rows, s.K)
}

// estimate returns the scaled norm of H Σ w_i k_i.
func (r *rungeKutta[T]) estimate(s *Step[T], w *weights) float64 {
	clear(r.err)
	r.combine(r.err, r.err, s, w)
	return r.tol.measure(r.err, s.Y0, s.Y1)
}

func (r *rungeKutta[T]) accept(s *Step[T]) {
	if r.ev.quad != nil {
		r.ev.quad.Commit()
	}
	n := len(s.Y0)
	switch {
	case r.fsal:
		r.carry = s.K[(r.stages-1)*n : r.stages*n]
	case r.end >= 0 && len(s.K) == r.all*n:
		r.carry = s.K[r.end*n : (r.end+1)*n]
	default:
		r.carry = nil
	}
}

func (r *rungeKutta[T]) reject() {
	if r.ev.quad != nil {
		r.ev.quad.Discard()
	}
}

func (r *rungeKutta[T]) dense(s *Step[T]) error {
	n := len(s.Y0)
	if len(s.K) == r.all*n {
		return nil
	}
	s.K = s.K[:r.all*n]
	for i := r.stages; i < r.all; i++ {
		y := r.y
		if i == r.end {
			y = s.Y1
		} else {
			r.combine(y, s.Y0, s, &r.a[i])
		}
		k := s.K[i*n : (i+1)*n]
		if err := r.ev.at(k, s.StageTime(r.c[i]), y); err != nil {
			s.K = s.K[:r.stages*n]
			return err
		}
	}
	return nil
}

func (r *rungeKutta[T]) interpolates() bool { return true }

func (r *rungeKutta[T]) interpolant() interpolant[T] { return &r.interp }

func (r *rungeKutta[T]) output(dst []T, s *Step[T], theta float64) error {
	r.interp.state(dst, s, theta)
	return nil
}
