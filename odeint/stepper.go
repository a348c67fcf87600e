package odeint

// stepper takes the steps of one method. It owns the method's workspace; what a
// step needs to be remembered is in the Step.
type stepper[T Float] interface {
	// stages is how many stages Step.K has: after attempt, and after dense.
	stages() (step, all int)

	// restart begins anew at a state: nothing is carried over from a step before.
	// f0, if not nil, is the slope there.
	restart(f0 []T)

	// attempt takes the step from s.T0 and s.Y0 to s.T1: it stores Y1 and K and
	// returns the scaled error, 0 if there is no estimate. The error is a
	// NonFiniteError or what else makes it impossible to go on; unsolved if a shorter
	// step may help.
	attempt(s *Step[T]) (scaled float64, err error)

	// retake is Integrator.Retake; s.Y1 is there even if the end is not wanted.
	retake(s *Step[T], end, dense bool) error

	// dense evaluates what inside needs, unless the step has it already.
	dense(s *Step[T]) error

	// accept and reject follow an attempt; accept comes after dense.
	accept(s *Step[T])
	reject()

	// interpolates reports whether inside needs dense first.
	interpolates() bool

	// interpolant is how a Solution finds states inside a step; nil: it cannot.
	interpolant() interpolant[T]

	// inside stores the state at s.T0 + theta·s.H, after accept.
	inside(dst []T, s *Step[T], theta float64) error
}

// interpolant finds states and slopes inside an accepted step after dense. It is
// used by several goroutines at a time.
type interpolant[T Float] interface {
	state(dst []T, s *Step[T], theta float64)
	slope(dst []T, s *Step[T], theta float64)
}

// takeAgain is the retake of methods whose steps depend on nothing but the state.
func takeAgain[T Float](r stepper[T], s *Step[T], dense bool) error {
	r.restart(nil)
	if _, err := r.attempt(s); err != nil || !dense {
		return err
	}
	return r.dense(s)
}

// newStepper returns the stepper of a method. It is a switch because a Method, which is
// not generic, cannot make a stepper of type T itself; the other such switch is the one
// that chooses a method's reverser, in package adjoint.
func newStepper[T Float](m Method, ev *evaluator[T], tol *tolerance[T], compensated bool) stepper[T] {
	switch m := m.(type) {
	case *Tableau:
		return newRKStepper(m, ev, tol)
	case *ESDIRK:
		if f, ok := ev.field.(Split[T]); ok && m.Explicit != nil {
			return newIMEXStepper(m, f, ev, tol)
		}
		return newESDIRKStepper(m, ev, tol)
	case *Rosenbrock:
		return newRosenbrockStepper(m, ev, tol)
	case Auto:
		return newAutoStepper(m, ev, tol)
	case *Splitting:
		return newSplittingStepper(m, ev, compensated)
	case *ImplicitRK:
		return newImplicitStepper(m, ev, compensated)
	case *Tao:
		return newTaoStepper(m, ev, compensated)
	}
	panic("odeint: method without a stepper")
}
