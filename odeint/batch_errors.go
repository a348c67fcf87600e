package odeint

import (
	"errors"
	"fmt"
)

// BatchError has the samples of a Batch that were not solved. The others were.
type BatchError struct {
	// Errs has the error of each sample, nil for those that were solved: those of
	// Integrator.Solve.
	Errs []error
}

// Failed returns the numbers of the samples that were not solved.
func (e *BatchError) Failed() []int {
	var failed []int
	for i, err := range e.Errs {
		if err != nil {
			failed = append(failed, i)
		}
	}
	return failed
}

// Error says how many samples failed, and why the first of them did.
func (e *BatchError) Error() string {
	failed := e.Failed()
	if len(failed) == 0 {
		return "odeint: all samples were solved"
	}
	first := failed[0]
	return fmt.Sprintf("odeint: %d of %d samples were not solved; sample %d: %v", len(failed), len(e.Errs), first, e.Errs[first])
}

// Unwrap returns the errors of the samples that failed.
func (e *BatchError) Unwrap() []error {
	var errs []error
	for _, err := range e.Errs {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// errFork is a field whose forks are of another dimension or kind.
var errFork = errors.New("odeint: Fork did not return a field of one sample that evaluates rows as the field does")
