package train

import (
	"errors"
	"fmt"
	"strings"
)

// ErrData is matched by errors about trajectories: lengths that do not agree, times
// out of order, values that are infinite, starts that are missing.
var ErrData = errors.New("train: unusable data")

// ErrNotFinite is matched by errors about a loss or gradient that is NaN or
// infinite.
var ErrNotFinite = errors.New("the loss or its gradient is not finite")

// LossError says that the loss does not exist at a point of the training: the solve
// failed, or a number is not finite.
type LossError struct {
	Step  int   // counted from 0
	Cause error // an *odeint.StepError, ErrNotFinite, …
}

// Error says what is wrong.
func (e *LossError) Error() string {
	return fmt.Sprintf("train: step %d: %v; try a smaller learning rate, Clip, a shorter Horizon, or MaxSkips", e.Step, e.Cause)
}

// Unwrap returns the cause.
func (e *LossError) Unwrap() error { return e.Cause }

// OptionError lists all faults of a Config or of Options.
type OptionError struct {
	Faults []string // one sentence a fault
}

// Error says what is wrong.
func (e *OptionError) Error() string {
	return "train: invalid options: " + strings.Join(e.Faults, "; ")
}

// faults collects what is wrong.
type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// check adds a fault unless ok.
func (f *faults) check(ok bool, format string, args ...any) {
	if !ok {
		f.add(format, args...)
	}
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &OptionError{Faults: f}
}
