package graph

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gorgonia.org/tensor"
)

// What a derivative can be refused for. The errors returned wrap these.
var (
	// ErrNotDifferentiable: an op on the way has no derivative; the error is
	// a *DerivativeError.
	ErrNotDifferentiable = errors.New("not differentiable")
	// ErrOtherGraph: nodes of different graphs.
	ErrOtherGraph = errors.New("nodes of different graphs")
	// ErrShape: a shape is not the one that is needed.
	ErrShape = errors.New("wrong shape")
	// ErrDtype: an element type other than float32 or float64, or both.
	ErrDtype = errors.New("wrong element type")
	// ErrName: a constant has a number for a name that it is not; Gorgonia
	// would take it for that number.
	ErrName = errors.New("misleading name of a constant")
)

// DerivativeError tells which op could not be differentiated. It is
// ErrNotDifferentiable, and whatever Err is, to errors.Is.
type DerivativeError struct {
	Op   string // the op as Gorgonia prints it
	Node string // the name of the node
	Err  error  // why
}

// Error says what is wrong.
func (e *DerivativeError) Error() string {
	return fmt.Sprintf("graph: cannot differentiate op %s of node %q: %v", e.Op, e.Node, e.Err)
}

// Unwrap returns ErrNotDifferentiable and the cause.
func (e *DerivativeError) Unwrap() []error { return []error{ErrNotDifferentiable, e.Err} }

// UnboundError reports variables that the outputs depend on and that are not
// inputs.
type UnboundError struct {
	Names []string // of the variables
}

// Error says what is wrong.
func (e *UnboundError) Error() string {
	return fmt.Sprintf("graph: the outputs depend on variables that are not inputs: %s; list them as inputs", strings.Join(e.Names, ", "))
}

// DtypeError reports a node whose elements are not those of the program.
type DtypeError struct {
	Node      string       // its name
	Got, Want tensor.Dtype // its type and the program's
}

// Error says what is wrong.
func (e *DtypeError) Error() string {
	return fmt.Sprintf("graph: node %q has elements %v, but the program is compiled for %v; build the whole graph in one dtype", e.Node, e.Got, e.Want)
}

// RefusedError reports all ops whose result is not a function of their operands.
type RefusedError struct {
	Ops []Refusal // in the order in which they are met
}

// Refusal is one of them.
type Refusal struct {
	Op, Node, Reason string // the op as Gorgonia prints it, its node's name, and why
}

// Error says what is wrong.
func (e *RefusedError) Error() string {
	var s strings.Builder
	s.WriteString("graph: ops that cannot be compiled:")
	for i, r := range e.Ops {
		if i > 0 {
			s.WriteString(";")
		}
		fmt.Fprintf(&s, " %s (node %q): %s", r.Op, r.Node, r.Reason)
	}
	return s.String()
}

// ForeignError reports that an op that the compiler does not know failed.
type ForeignError struct {
	Op  string // the op as Gorgonia prints it
	Err error  // its own error
}

// Error says what is wrong.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("graph: op %s failed: %v; check that its operands are in its domain", e.Op, e.Err)
}

// Unwrap returns the cause.
func (e *ForeignError) Unwrap() error { return e.Err }

// SizeError reports a shape that no array can have: a length below 1, or more
// than 2³¹ − 1 elements.
type SizeError struct {
	What  string // whose shape
	Shape []int  // as given
}

// Error says what is wrong.
func (e *SizeError) Error() string {
	return fmt.Sprintf("graph: %s has shape %v; every length must be at least 1 and their product below 2³¹", e.What, e.Shape)
}

// Is tells errors.Is that a SizeError is an [ErrShape].
func (e *SizeError) Is(target error) bool { return target == ErrShape }

// checkSize returns a *SizeError for shapes that are not to be allocated.
func checkSize(what string, shape []int) error {
	size := 1
	for _, n := range shape {
		if n < 1 || n > math.MaxInt32/size {
			return &SizeError{What: what, Shape: slices.Clone(shape)}
		}
		size *= n
	}
	return nil
}

// SingularError reports a matrix of [Solve] or [LogDet] that is singular to rounding,
// or, for Cholesky, not positive definite.
type SingularError struct {
	Node          string        // of the solve; empty where a Gorgonia machine ran it
	Factorisation Factorisation // that was tried
	Sample        int           // the sample it belongs to
	Condition     float64       // its condition number in the 1-norm, +Inf if there is none
	Pivot         float64       // the smallest pivot: not positive if Cholesky failed
}

// Error says what is wrong.
func (e *SingularError) Error() string {
	what := fmt.Sprintf("is singular to rounding, its condition number is %.2g", e.Condition)
	if e.Factorisation == Cholesky && e.Pivot <= 0 {
		what = fmt.Sprintf("is not positive definite, a pivot is %.2g", e.Pivot)
	}
	return fmt.Sprintf("graph: solve %q: the matrix of sample %d %s; look where it comes from, or set SolveOptions.Ridge", e.Node, e.Sample, what)
}

// inBlock counts the sample of an error from the first row of its block.
func inBlock(err error, row int) error {
	if e, ok := err.(*SingularError); ok {
		e.Sample += row
	}
	return err
}
