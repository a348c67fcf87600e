package odelayer

import (
	"errors"
	"strings"

	"github.com/neuralode/neuralode/internal/nodes"
)

// ErrSecondOrder is the error of differentiating a gradient that went through a
// solve.
var ErrSecondOrder = errors.New("odelayer: a gradient through a solve cannot be differentiated again; " +
	"put inner derivatives into the dynamics, where they are compiled, or take differences of gradients")

// ConfigError reports every fault of a Config, or of a layer's inputs, at once.
type ConfigError struct {
	What   string   // the layer's name
	Faults []string // what is wrong and what to write instead
}

// Error says what is wrong.
func (e *ConfigError) Error() string {
	return "odelayer: " + e.What + ": " + strings.Join(e.Faults, "; ")
}

// NameError reports a name that the graph has already; its field Name is that name.
// Gorgonia would merge the two. It is one type in all packages of this module, as
// layers.NameError.
type NameError = nodes.NameError

// SolveError is an error or a panic in a solve or a backward pass, as a machine's run
// reports it. Gorgonia wraps it in an error of its own that hides it from
// errors.Is and errors.As; [Cause] gets at it.
type SolveError struct {
	Name string // the layer's name
	Err  error  // what package odeint or adjoint reports, or a panic
}

// Error says what is wrong.
func (e *SolveError) Error() string { return "odelayer: " + e.Name + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *SolveError) Unwrap() error { return e.Err }

// Cause returns the [*SolveError] inside err, the error of a machine's RunAll, or nil if
// there is none. errors.Is(Cause(err), odeint.ErrMaxSteps) tells what happened.
func Cause(err error) error {
	for err != nil {
		var solve *SolveError
		if errors.As(err, &solve) {
			return solve
		}
		var machine interface{ Err() error }
		if !errors.As(err, &machine) {
			return nil
		}
		err = machine.Err()
	}
	return nil
}
