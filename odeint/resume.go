package odeint

import "unsafe"

// NextStep returns the absolute step size with which the last solve would have
// gone on, 0 if there was none. A step that was cut short to land on a time does
// not count. With SetH0 it lets one solve go on where another ended, as when a
// state jumps in between.
func (in *Integrator[T]) NextStep() float64 { return in.pace.h }

// SetH0 replaces Options.H0 for the solves to come. It panics if h is negative
// or not finite.
func (in *Integrator[T]) SetH0(h float64) {
	if !(h >= 0) || !finite(h) {
		panic("odeint: SetH0 of a size that is negative or not finite")
	}
	in.opt.H0, in.pace.h0 = h, h
}

// Bytes returns the memory of the workspace, without what is small beside a state.
func (in *Integrator[T]) Bytes() int {
	var x T
	_, all := in.stepper.rows()
	// Two states, three vectors for the first step, two of the stepper.
	return (all + 7) * len(in.y[0]) * int(unsafe.Sizeof(x))
}
