package odeint

import (
	"errors"
	"math"

	"github.com/neuralode/neuralode/internal/butcher"
	"github.com/neuralode/neuralode/internal/lu"
	"github.com/neuralode/neuralode/internal/vec"
)

// esdirkStepper is the stepper of ESDIRK methods.
type esdirkStepper[T Float] struct {
	ev        *evaluator[T]
	tol       *tolerance[T] // nil: fixed steps, stages to rounding
	m         *ESDIRK
	s, dim    int
	gamma     float64
	a         []butcher.Row // the weights of the stages before each
	predictor []butcher.Row
	e         butcher.Row
	interp    denseOutput[T]

	kappa     float64
	maxIter   int
	blocks    *lu.Blocks
	jac       jacobian[T]
	current   bool    // the Jacobian is that of the start of the step being tried
	usable    bool    // there is a Jacobian, and it serves
	factored  float64 // the factors are those of I − factored·J; 0: of none
	predicted float64 // η of the last stage: how much of a change is left
	slow      bool    // a stage of the step took long

	nextFirst []T // the slope at the start of the next step; nil: not known
	base, y   []T // of a stage
	f, d      []T
	rhs       []float64
	coef      []T
	k         []T // slopes of a partial step
}

// unsolved is the error of an attempt whose stages were not found: the step is tried again,
// shorter, if steps are adaptive.
type unsolved struct{ error }

func (u unsolved) Unwrap() error { return u.error }

// final is err where nothing shorter is tried.
func final(err error) error {
	if u, failed := err.(unsolved); failed {
		return u.error
	}
	return err
}

func newESDIRKStepper[T Float](m *ESDIRK, ev *evaluator[T], tol *tolerance[T]) *esdirkStepper[T] {
	n, s, sample := ev.field.Dim(), len(m.A), SampleDim(ev.field)
	r := &esdirkStepper[T]{
		ev: ev, tol: tol, m: m, s: s, dim: n, gamma: m.gamma(), predictor: make([]butcher.Row, s),
		e: butcher.NewRow(m.E), interp: newDenseOutput[T](m.tableau()), kappa: m.Kappa, maxIter: m.MaxIter,
		blocks: lu.NewBlocks(sample, n/sample),
		base:   make([]T, n), y: make([]T, n), f: make([]T, n), d: make([]T, n), rhs: make([]float64, n),
		coef: make([]T, s), k: make([]T, s*n),
	}
	r.jac = newJacobian(ev, sample, r.blocks.J(), false)
	for i, row := range m.A {
		r.a = append(r.a, butcher.NewRow(row[:i]))
		if i < len(m.Predictor) {
			r.predictor[i] = butcher.NewRow(m.Predictor[i])
		}
		if len(r.predictor[i].W) == 0 && i > 0 {
			r.predictor[i].Add(i-1, 1)
		}
	}
	if r.kappa == 0 {
		r.kappa = 1e-4
	}
	if r.maxIter == 0 {
		r.maxIter = 10
		if tol == nil {
			r.maxIter = 50
		}
	}
	return r
}

func (r *esdirkStepper[T]) stages() (step, all int) { return r.s, r.s }

func (r *esdirkStepper[T]) restart(f0 []T) {
	r.nextFirst, r.usable, r.current, r.factored, r.predicted = f0, false, false, 0, 1
}

func (r *esdirkStepper[T]) attempt(s *Step[T]) (scaled float64, err error) {
	s.K = s.K[:r.s*r.dim]
	k := s.K[:r.dim]
	if r.nextFirst != nil {
		copy(k, r.nextFirst)
	} else if err := r.ev.at(k, s.StageTime(0), s.Y0); err != nil {
		return 0, err
	}
	r.nextFirst = k
	if err := r.solve(s, false); err != nil {
		return 0, err
	}
	if r.tol == nil || len(r.e.W) == 0 {
		return 0, nil
	}
	return r.filtered(s, &r.e), nil
}

// filtered returns the scaled error that the weights e give, multiplied by (I − hγJ)⁻¹: without
// that, stiff components would make it too large.
func (r *esdirkStepper[T]) filtered(s *Step[T], e *butcher.Row) float64 {
	clear(r.d)
	r.combine(r.d, r.d, s, e)
	for i, v := range r.d {
		r.rhs[i] = float64(v)
	}
	r.blocks.Solve(r.rhs, false)
	for i, v := range r.rhs {
		r.d[i] = T(v)
	}
	return r.tol.measure(r.d, s.Y0, s.Y1)
}

// solve finds all stages but the first, and Y1. With guessed the slopes are guessed already.
func (r *esdirkStepper[T]) solve(s *Step[T], guessed bool) error {
	n := r.dim
	if err := r.begin(s); err != nil {
		return err
	}
	for i := 1; i < r.s; i++ {
		ki := s.K[i*n : (i+1)*n]
		r.combine(r.base, s.Y0, s, &r.a[i])
		if !guessed {
			r.guess(ki, s.K, &r.predictor[i])
		}
		if err := r.stage(s, i, ki); err != nil {
			return err
		}
	}
	copy(s.Y1, r.y)
	return nil
}

// begin prepares for the stages of a step.
func (r *esdirkStepper[T]) begin(s *Step[T]) error {
	r.slow = false
	if r.tol == nil && !r.current {
		r.usable = false
	}
	return r.prepare(s)
}

// stage finds the slope ki of stage i from a guess, if need be with a new Jacobian.
func (r *esdirkStepper[T]) stage(s *Step[T], i int, ki []T) error {
	err := r.newton(s, i, ki)
	if _, failed := err.(unsolved); failed && !r.current {
		r.usable = false
		if err := r.prepare(s); err != nil {
			return err
		}
		r.guess(ki, s.K, &r.predictor[i])
		err = r.newton(s, i, ki)
	}
	return err
}

// prepare provides a Jacobian and the factors for steps of the size of s, as far as those
// there do not serve.
func (r *esdirkStepper[T]) prepare(s *Step[T]) error {
	if !r.usable {
		if err := r.jac.at(s.StageTime(0), s.Y0); err != nil {
			return err
		}
		r.usable, r.current, r.factored = true, true, 0
	}
	c := s.H * r.gamma
	if r.factored != 0 && math.Abs(c/r.factored-1) <= 0.2 && r.tol != nil {
		return nil
	}
	return r.factorise(s)
}

// factorise computes the factors for steps of the size of s.
func (r *esdirkStepper[T]) factorise(s *Step[T]) error {
	c := s.H * r.gamma
	r.ev.stats.LUs++
	if !r.blocks.Factorise(c) {
		r.factored = 0
		return unsolved{&ConvergenceError{Method: r.m.Name, Solver: "Newton", T: s.T0, H: s.H, Change: math.Inf(1)}}
	}
	r.factored = c
	return nil
}

// guess stores the sum of slopes in ki.
func (r *esdirkStepper[T]) guess(ki, k []T, w *butcher.Row) {
	clear(ki)
	combine(ki, ki, k, 1, w, r.coef)
}

func (r *esdirkStepper[T]) combine(dst, base []T, s *Step[T], w *butcher.Row) {
	combine(dst, base, s.K, s.H, w, r.coef)
}

// stagnant is a change, in units of the tolerances, at which an iteration that does not
// converge any more with the Jacobian of the step is taken to be stopped by the rounding of f.
const stagnant = 0.01

// newton solves for the slope k of stage i, from a guess. Its state is left in y.
//
// The iteration ends when what is left of the error, η times the last change with
// η = θ/(1−θ) and θ the ratio of the last two changes, is below κ times the tolerance; in the
// first iteration η is that of the stage before (Hairer & Wanner, Solving ODEs II, IV.8).
func (r *esdirkStepper[T]) newton(s *Step[T], i int, k []T) error {
	t, hg := s.StageTime(r.m.C[i]), T(s.H*r.gamma)
	var first float64
	last := math.Inf(1)
	eta := math.Pow(max(r.predicted, vec.Epsilon[float64]()), 0.8)
	for it := 1; ; it++ {
		r.ev.stats.Iterations++
		r.state(k, hg)
		if err := r.ev.at(r.f, t, r.y); err != nil {
			var nf *NonFiniteError
			if errors.As(err, &nf) && nf.Cause == nil {
				return unsolved{err}
			}
			return err
		}
		for c, v := range r.f {
			r.rhs[c] = float64(v) - float64(k[c])
		}
		r.blocks.Solve(r.rhs, false)
		for c, v := range r.rhs {
			d := T(v)
			k[c] += d
			r.d[c] = hg * d
		}
		change, rounding := r.measure(s)
		if it == 1 {
			first = change
		}
		theta := change / last
		if it > 1 && change > 0 {
			eta = theta / (1 - theta)
		}
		if r.tol != nil {
			switch {
			case change == 0, it == 1 && (change < 1e-5*min(1, 100*r.kappa) || eta*change < r.kappa), it > 1 && theta < 1 && eta*change < r.kappa:
				r.finish(s, it, eta, k, hg)
				return nil
			case it > 1 && theta > 0.3 && change <= rounding, it > 2 && theta > 0.5 && change <= stagnant && r.current:
				r.finish(s, it, 1, k, hg)
				return nil
			}
		} else if change == 0 || it > 1 && theta >= 0.9 && change <= rounding {
			r.finish(s, it, 1, k, hg)
			return nil
		}
		if r.tol == nil && theta > 0.5 && change > rounding && change < math.Inf(1) && it < r.maxIter {
			// No shorter step is allowed: the Jacobian at the iterate.
			r.state(k, hg)
			if err := r.jac.at(t, r.y); err != nil {
				return unsolved{err}
			}
			if err := r.factorise(s); err != nil {
				return err
			}
			last = change
			continue
		}
		rest := float64(r.maxIter - it)
		hopeless := it > 1 && r.tol != nil && theta < 1 && (change > stagnant || it > 3) && change*math.Pow(theta, rest)/(1-theta) > max(r.kappa, rounding)
		if it >= r.maxIter || !(change <= 1e6*max(first, 1)) || it > 1 && theta > 2 && change > rounding || hopeless {
			return unsolved{&ConvergenceError{Method: r.m.Name, Solver: "Newton", T: s.T0, H: s.H, Iterations: it, Change: change}}
		}
		last = change
	}
}

// finish ends the iteration of a stage.
func (r *esdirkStepper[T]) finish(s *Step[T], it int, eta float64, k []T, hg T) {
	r.predicted = eta
	r.slow = r.slow || it > 6
	r.state(k, hg)
}

// state stores the state of a stage with slope k in y.
func (r *esdirkStepper[T]) state(k []T, hg T) {
	for c, v := range k {
		r.y[c] = r.base[c] + hg*v
	}
}

// measure returns the size of the last change of a state, and that of changes which can be
// rounding: in units of the tolerances or, without, of the largest component.
func (r *esdirkStepper[T]) measure(s *Step[T]) (change, rounding float64) {
	eps := vec.Epsilon[T]()
	if r.tol != nil {
		return r.tol.measure(r.d, s.Y0, r.y), 16 * eps * r.tol.measure(r.y, s.Y0, r.y)
	}
	scale := 0.0
	for c, v := range r.y {
		scale = max(scale, math.Abs(float64(v)))
		change = max(change, math.Abs(float64(r.d[c])))
	}
	if scale == 0 {
		return change, 0
	}
	return change / scale, math.Pow(eps, 0.75)
}

func (r *esdirkStepper[T]) accept(s *Step[T]) {
	r.nextFirst = s.K[(r.s-1)*r.dim : r.s*r.dim]
	r.current = false
	if r.slow {
		r.usable = false
	}
}

func (r *esdirkStepper[T]) norm() float64 { return r.jac.norm() }

func (r *esdirkStepper[T]) slope() []T { return r.nextFirst }

func (r *esdirkStepper[T]) reject() {
	r.factored = 0
	r.predicted = 1
}

func (r *esdirkStepper[T]) retake(s *Step[T], _, _ bool) error {
	r.restart(nil)
	_, err := r.attempt(s)
	return final(err)
}

func (r *esdirkStepper[T]) dense(*Step[T]) error { return nil }

func (r *esdirkStepper[T]) interpolates() bool { return false }

func (r *esdirkStepper[T]) interpolant() interpolant[T] { return &r.interp }

// inside takes a partial step. Its guess of the slopes is that of the continuous extension.
func (r *esdirkStepper[T]) inside(dst []T, s *Step[T], theta float64) error {
	p := s.Part(theta)
	p.Y1, p.K = dst, r.k
	copy(r.k, s.K[:r.dim])
	for i := 1; i < r.s; i++ {
		r.interp.slope(r.k[i*r.dim:(i+1)*r.dim], s, theta*min(r.m.C[i], 1))
	}
	err := r.solve(&p, true)
	r.current = false // it is that of a step before
	return final(err)
}
