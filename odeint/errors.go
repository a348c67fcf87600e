package odeint

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/neuralode/neuralode/internal/vec"
)

var (
	// ErrMaxSteps ends a solve that tried Options.MaxSteps steps and was not done.
	ErrMaxSteps = errors.New("odeint: maximum number of steps reached")

	// ErrStepTooSmall ends a solve whose error tolerance demands a step that no
	// longer moves the time. It is a ScaleError where the tolerance is at fault.
	ErrStepTooSmall = errors.New("odeint: step size too small")

	// ErrNoConvergence ends a solve whose implicit stages were not found. The details
	// are in a ConvergenceError.
	ErrNoConvergence = errors.New("odeint: the implicit stages do not converge")

	// ErrNonFinite ends a solve that meets NaN or Inf. The details are in a
	// NonFiniteError.
	ErrNonFinite = errors.New("odeint: value is not finite")

	// ErrMaxEvents ends a solve in which more than Options.MaxEvents events happened. The details are
	// in an EventError.
	ErrMaxEvents = errors.New("odeint: maximum number of events reached")

	// ErrZeno ends a solve in which an event follows another without time to pass between
	// them, as the bounces of a ball that comes to rest do. The details are in an EventError.
	ErrZeno = errors.New("odeint: events follow each other without end")

	// ErrGrazing ends a solve in which a condition stays at its root after its event, so
	// that one cannot say when it happens next, and a gradient through the time of an event
	// whose condition touches 0 without passing through it. The details are in an EventError.
	ErrGrazing = errors.New("odeint: the condition does not pass through its root")

	// ErrNoDense is the answer of a Solution asked between its saved times
	// though it was made without Dense for SaveAt.Keep.
	ErrNoDense = errors.New("odeint: solution has no dense output; set SaveAt.Keep to Dense")
)

// planError is a series of fixed steps that is too long to be begun. It is an ErrMaxSteps.
type planError struct {
	steps, h, from, to float64
}

// Error says what is wrong.
func (e *planError) Error() string {
	return fmt.Sprintf("odeint: %.4g steps of size %g would lead from %g to %g, more than the default of MaxSteps", e.steps, e.h, e.from, e.to)
}

// Is reports whether target is ErrMaxSteps.
func (e *planError) Is(target error) bool { return target == ErrMaxSteps }

// StepError says where a solve ended before its time. The Solution keeps what
// was reached: the rows saved so far, the steps, and the state at T in Last.
type StepError struct {
	T     float64 // the time reached: the end of the last accepted step
	H     float64 // the signed size of the step tried from T, 0 if there was none
	Steps int     // the steps tried, accepted and rejected
	Err   error   // the cause: errors.Is and errors.As see it
}

// Error says what happened, where, and what to try.
func (e *StepError) Error() string {
	size := ""
	if e.H != 0 {
		size = fmt.Sprintf(", step size %.3g", e.H)
	}
	cause := strings.TrimPrefix(e.Err.Error(), "odeint: ")
	return fmt.Sprintf("odeint: stopped at t = %g (after %d steps%s): %s%s", e.T, e.Steps, size, cause, advice(e.Err))
}

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

func advice(err error) string {
	var nf *NonFiniteError
	var scale *ScaleError
	var long *planError
	var jump *JumpError
	switch {
	case errors.As(err, &long):
		return "; set a larger H0, or MaxSteps if the steps are meant to be so many"
	case errors.As(err, &jump):
		return "; declare it in Jumps or as an Event, unless the solution is singular there"
	case errors.As(err, &scale):
		return fmt.Sprintf("; set ATol, or ATols for component %d, to an error of it that does not matter", scale.Component)
	case errors.Is(err, ErrMaxSteps):
		return "; try a larger MaxSteps, looser tolerances, or a method for stiff problems such as Kvaerno5 if the steps are much shorter than the solution's features"
	case errors.Is(err, ErrMaxEvents):
		return "; set a larger MaxEvents if so many are meant to happen, or make one of them Terminal"
	case errors.Is(err, ErrZeno):
		return "; end the solve before, by an event with Terminal, such as one for a speed that has become small"
	case errors.Is(err, ErrGrazing):
		return "; have the effect move the state off the root, or make the event Terminal"
	case errors.Is(err, ErrStepTooSmall):
		return "; the solution may be singular or f discontinuous here: try Jumps at known discontinuities, looser tolerances, or HMin to go on regardless"
	case errors.As(err, &nf) && nf.Cause != nil:
		return ""
	case errors.As(err, &nf) && nf.What == "y0":
		return "; check how y0 was computed"
	case errors.Is(err, ErrNonFinite):
		return "; try a smaller H0 or HMax if a trial step left the domain of f, otherwise look for the cause in f"
	case errors.Is(err, context.DeadlineExceeded):
		return "; try looser tolerances or a later deadline"
	}
	return ""
}

// EventError is an event that makes it impossible to go on.
type EventError struct {
	Event int     // its index in Options.Events
	Name  string  // what it is called
	T     float64 // when it happened
	Err   error   // ErrMaxEvents, ErrZeno or ErrGrazing
}

// Error names the event.
func (e *EventError) Error() string {
	return fmt.Sprintf("%v: %s at t = %v", e.Err, e.Name, e.T)
}

// Unwrap returns the cause.
func (e *EventError) Unwrap() error { return e.Err }

// NonFiniteError is a NaN or Inf met in a solve. It is an ErrNonFinite.
type NonFiniteError struct {
	What      string  // what is not finite, such as "f", "y0", "the new state" or "the error norm"
	T         float64 // the time it belongs to
	Component int     // the first component concerned, -1 if it is no vector
	Value     float64 // its value
	Cause     error   // the field's own error (Fallible), or nil
}

// Error names the value, and the field's own error if it has one.
func (e *NonFiniteError) Error() string {
	at := ""
	if e.Component >= 0 {
		at = fmt.Sprintf(" in component %d", e.Component)
	}
	s := fmt.Sprintf("odeint: %s at t = %g is %v%s", e.What, e.T, e.Value, at)
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Is reports whether target is ErrNonFinite.
func (e *NonFiniteError) Is(target error) bool { return target == ErrNonFinite }

// Unwrap returns the field's own error.
func (e *NonFiniteError) Unwrap() error { return e.Cause }

// ScaleError is a step that became too small because a component is 0 and its tolerance
// purely relative: no error in it is small enough. It is an ErrStepTooSmall.
type ScaleError struct {
	Component int     // the one that is 0
	T         float64 // the time reached
}

// Error names the component.
func (e *ScaleError) Error() string {
	return fmt.Sprintf("odeint: step size too small: component %d is 0 at t = %g and has no absolute tolerance, so that no error in it is small enough", e.Component, e.T)
}

// Is reports whether target is ErrStepTooSmall.
func (e *ScaleError) Is(target error) bool { return target == ErrStepTooSmall }

// OptionError has every fault found in the options or arguments of a solve.
type OptionError struct {
	Faults []string // one sentence a fault, each beginning with the option's name
}

// Error lists all faults.
func (e *OptionError) Error() string {
	return "odeint: invalid options: " + strings.Join(e.Faults, "; ")
}

// faults collects the sentences of an OptionError.
type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &OptionError{Faults: f}
}

// nonFinite returns an error if a value of x is not finite.
func nonFinite[T Float](what string, t float64, x []T) error {
	if vec.Finite(x) {
		return nil
	}
	i := vec.NonFinite(x)
	return &NonFiniteError{What: what, T: t, Component: i, Value: float64(x[i])}
}

// ConvergenceError is a failure to solve for the stages of an implicit method. It is
// an ErrNoConvergence.
type ConvergenceError struct {
	Method     string
	T          float64 // the time at the start of the step
	H          float64 // signed size of the step
	Solver     string  // how the stages were solved for: FixedPoint or Newton
	Iterations int     // iterations done
	Change     float64 // largest change in the last one, relative to the state
}

// Error says what happened and what to try.
func (e *ConvergenceError) Error() string {
	try := "a smaller H0, Newton in place of FixedPoint as the method's Solver, or a larger MaxIter or Tol"
	switch {
	case e.Solver == "Newton" && e.Iterations == 0:
		return fmt.Sprintf("odeint: the stages of %s cannot be solved for at t = %g with step size %.3g: the matrix of Newton's iteration is singular; try another H0", e.Method, e.T, e.H)
	case e.Solver == "Newton":
		try = "a smaller H0, with which the Jacobian at the start of the step is a better one, or a larger MaxIter or Tol"
	}
	return fmt.Sprintf("odeint: the stages of %s do not converge at t = %g with step size %.3g: after %d iterations of %s they still change by %.3g of the state; try %s",
		e.Method, e.T, e.H, e.Iterations, e.Solver, e.Change, try)
}

// Is reports whether target is ErrNoConvergence.
func (e *ConvergenceError) Is(target error) bool { return target == ErrNoConvergence }

// SingularError is a step whose matrix I − hγJ cannot be factorised. It is an ErrNoConvergence.
type SingularError struct {
	Method string
	T      float64 // the time at the start of the step
	H      float64 // signed size of the step
}

// Error says what happened and what to try.
func (e *SingularError) Error() string {
	return fmt.Sprintf("odeint: a step of %s from t = %g with step size %.3g cannot be taken: the matrix I − hγJ is singular, 1/(hγ) is an eigenvalue of ∂f/∂y; try another H0", e.Method, e.T, e.H)
}

// Is reports whether target is ErrNoConvergence.
func (e *SingularError) Is(target error) bool { return target == ErrNoConvergence }
