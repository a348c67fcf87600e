package collocation

import (
	"errors"
	"fmt"
)

var (
	// ErrSparse says that too few samples carry weight at some time. A
	// [*SparseError] wraps it.
	ErrSparse = errors.New("too few samples")

	// ErrOutside says that an estimate was wanted before the first or after the
	// last sample: these estimators do not extrapolate.
	ErrOutside = errors.New("time outside the samples")

	// ErrRange says that an estimate is larger than the numbers of its type.
	ErrRange = errors.New("estimate out of range")

	// ErrOrder says that a derivative of higher order was wanted than the curve
	// was fitted for.
	ErrOrder = errors.New("order of derivative not available")
)

// SparseError is a place where a local fit is not determined.
type SparseError struct {
	T         float64 // time of the estimate
	Component int     // component of the state
	Degree    int     // degree of the local polynomial
	Width     float64 // bandwidth; 0 if no candidate was usable or none applies
	Have      int     // samples with weight, of which Degree+1 are needed
}

// Error says what is wrong.
func (e *SparseError) Error() string {
	if e.Width == 0 {
		return fmt.Sprintf("collocation: too few samples in component %d: %d, a fit of degree %d needs more; "+
			"give more samples or a lower degree", e.Component, e.Have, e.Degree)
	}
	return fmt.Sprintf("collocation: too few samples near t = %g in component %d: %d within bandwidth %g, "+
		"degree %d is not determined; try a wider bandwidth or a kernel of unbounded support",
		e.T, e.Component, e.Have, e.Width, e.Degree)
}

// Unwrap returns [ErrSparse].
func (e *SparseError) Unwrap() error { return ErrSparse }

// DataError is a sample that cannot be used.
type DataError struct {
	Row       int    // index of the sample
	Component int    // component of the state, −1 for its time
	Reason    string // what is wrong, and what to try
}

// Error says what is wrong.
func (e *DataError) Error() string {
	if e.Component < 0 {
		return fmt.Sprintf("collocation: time of sample %d: %s", e.Row, e.Reason)
	}
	return fmt.Sprintf("collocation: sample %d, component %d: %s", e.Row, e.Component, e.Reason)
}
