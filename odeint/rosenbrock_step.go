package odeint

import (
	"errors"

	"github.com/neuralode/neuralode/internal/butcher"
	"github.com/neuralode/neuralode/internal/lu"
	"github.com/neuralode/neuralode/internal/vec"
)

// rosenbrockStepper is the stepper of Rosenbrock methods. The stages of a step are its k_i.
type rosenbrockStepper[T Float] struct {
	ev         *evaluator[T]
	tol        *tolerance[T] // nil: fixed steps
	m          *Rosenbrock
	s, dim     int
	a, c       []butcher.Row // the weights of the stages before each
	b, e       butcher.Row
	fsal       bool // the last f belongs to the end
	autonomous bool
	interp     denseOutput[T]

	blocks   *lu.Blocks
	jac      jacobian[T]
	current  bool    // the Jacobian is that of the start of the step being tried
	factored float64 // the factors are those of I − factored·J; 0: of none

	f0    []T // f at the start
	known bool
	ft    []T // ∂f/∂t at the start
	f, y  []T
	rhs   []float64
	coef  []T
}

func newRosenbrockStepper[T Float](m *Rosenbrock, ev *evaluator[T], tol *tolerance[T]) *rosenbrockStepper[T] {
	n, s, sample := ev.field.Dim(), len(m.B), SampleDim(ev.field)
	r := &rosenbrockStepper[T]{
		ev: ev, tol: tol, m: m, s: s, dim: n, b: butcher.NewRow(m.B), e: butcher.NewRow(m.E),
		interp: newDenseOutput[T](&Tableau{Name: m.Name, P: m.P}), blocks: lu.NewBlocks(sample, n/sample),
		f0: make([]T, n), ft: make([]T, n), f: make([]T, n), y: make([]T, n), rhs: make([]float64, n), coef: make([]T, s),
	}
	r.jac = newJacobian(ev, sample, r.blocks.J(), true)
	for i := range s {
		r.a = append(r.a, butcher.NewRow(m.A[i]))
		r.c = append(r.c, butcher.NewRow(m.C[i]))
	}
	r.fsal = m.Alpha[s-1] == 1 && sameWeights(m.B, m.A[s-1])
	if f, ok := ev.field.(Autonomous); ok {
		r.autonomous = f.Autonomous()
	}
	return r
}

func (r *rosenbrockStepper[T]) stages() (step, all int) { return r.s, r.s }

func (r *rosenbrockStepper[T]) restart(f0 []T) {
	r.current, r.known = false, f0 != nil
	if r.known {
		copy(r.f0, f0)
	}
}

func (r *rosenbrockStepper[T]) attempt(s *Step[T]) (scaled float64, err error) {
	if err := r.prepare(s); err != nil {
		return 0, err
	}
	n := r.dim
	s.K = s.K[:r.s*n]
	for i := range r.s {
		f := r.f
		if i == 0 {
			f = r.f0
		} else {
			r.combine(r.y, s.Y0, s, &r.a[i])
			if err := r.ev.at(f, s.StageTime(r.m.Alpha[i]), r.y); err != nil {
				return 0, shorter(err)
			}
		}
		r.solve(s, i, f)
	}
	r.combine(s.Y1, s.Y0, s, &r.b)
	if err := nonFinite("the new state", s.T1, s.Y1); err != nil {
		return 0, unsolved{err}
	}
	if r.tol == nil || len(r.e.W) == 0 {
		return 0, nil
	}
	clear(r.y)
	r.combine(r.y, r.y, s, &r.e)
	return r.tol.measure(r.y, s.Y0, s.Y1), nil
}

// shorter makes of an error of f, unless it is the field's own, one that a shorter step may mend.
func shorter(err error) error {
	var nf *NonFiniteError
	if errors.As(err, &nf) && nf.Cause == nil {
		return unsolved{err}
	}
	return err
}

// prepare provides f and its derivatives at the start, and the factors.
func (r *rosenbrockStepper[T]) prepare(s *Step[T]) error {
	if !r.known {
		if err := r.ev.at(r.f0, s.StageTime(0), s.Y0); err != nil {
			return err
		}
		r.known = true
	}
	if !r.current {
		if err := r.jac.at(s.StageTime(0), s.Y0); err != nil {
			return err
		}
		r.current, r.factored = true, 0
	}
	if c := s.H * r.m.Gamma; c != r.factored {
		r.ev.stats.LUs++
		r.factored = c
		if !r.blocks.Factorise(c) {
			r.factored = 0
			return unsolved{&SingularError{Method: r.m.Name, T: s.T0, H: s.H}}
		}
	}
	if r.autonomous {
		return nil
	}
	return r.timeSlope(s)
}

// timeSlope stores ∂f/∂t at the start in ft.
func (r *rosenbrockStepper[T]) timeSlope(s *Step[T]) error {
	t, w := butcher.TimeSlope(s.StageTime(0), s.H, s.Lo, s.Hi, vec.Epsilon[T]())
	clear(r.ft)
	for i := 1; i < len(t); i++ {
		if w[i] == 0 {
			return nil
		}
		if err := r.ev.at(r.f, t[i], s.Y0); err != nil {
			return shorter(err)
		}
		moved := false
		for c, v := range r.f {
			moved = moved || v != r.f0[c]
			r.ft[c] += T(w[i] * (float64(v) - float64(r.f0[c])))
		}
		if !moved && i == 1 {
			return nil
		}
	}
	return nil
}

// solve finds stage i, where f is known.
func (r *rosenbrockStepper[T]) solve(s *Step[T], i int, f []T) {
	n := r.dim
	for c, v := range f {
		r.rhs[c] = float64(v)
	}
	for j, stage := range r.c[i].Stages {
		w := r.c[i].W[j]
		for c, v := range s.K[stage*n : (stage+1)*n] {
			r.rhs[c] += w * float64(v)
		}
	}
	if d := r.m.D[i] * s.H; d != 0 && !r.autonomous {
		for c, v := range r.ft {
			r.rhs[c] += d * float64(v)
		}
	}
	r.blocks.Solve(r.rhs, false)
	for c, k := 0, s.K[i*n:(i+1)*n]; c < n; c++ {
		k[c] = T(r.m.Gamma * r.rhs[c])
	}
}

func (r *rosenbrockStepper[T]) combine(dst, base []T, s *Step[T], w *butcher.Row) {
	combine(dst, base, s.K, s.H, w, r.coef)
}

func (r *rosenbrockStepper[T]) accept(*Step[T]) {
	r.current, r.known = false, r.fsal
	if r.fsal {
		copy(r.f0, r.f)
	}
}

func (r *rosenbrockStepper[T]) reject() {}

func (r *rosenbrockStepper[T]) norm() float64 { return r.jac.norm() }

func (r *rosenbrockStepper[T]) slope() []T {
	if r.known {
		return r.f0
	}
	return nil
}

func (r *rosenbrockStepper[T]) retake(s *Step[T], _, _ bool) error {
	return final(takeAgain(stepper[T](r), s, false))
}

func (r *rosenbrockStepper[T]) dense(*Step[T]) error { return nil }

func (r *rosenbrockStepper[T]) interpolates() bool { return false }

func (r *rosenbrockStepper[T]) interpolant() interpolant[T] { return &r.interp }

func (r *rosenbrockStepper[T]) inside(dst []T, s *Step[T], theta float64) error {
	r.interp.state(dst, s, theta)
	return nil
}
