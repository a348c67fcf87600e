package odeint

import (
	"math"
	"slices"
)

// Options says how to solve. The zero value is Tsit5 with adaptive steps, RTol
// 1e-6 and ATol 1e-9, and the state at the end saved.
type Options struct {
	// Method is the numerical method. The default is Tsit5.
	Method Method

	// RTol and ATol are the relative and absolute error a step may make in a
	// component: a step is accepted when the root mean square over the
	// components of err/(ATol + RTol·max(|y_n|, |y_{n+1}|)) is at most 1. ATol 0 with
	// an RTol is a thousandth of it, RTol 0 with an ATol a purely absolute
	// tolerance. If neither they nor RTols nor ATols are set, they are 1e-6 and 1e-9.
	// Only methods and controllers that look at the error take tolerances.
	RTol, ATol float64

	// RTols and ATols, of the state's length, replace RTol and ATol component by
	// component. Nil: the scalar for all, and a thousandth of RTols where neither ATol
	// nor ATols is set. Zeros in ATols make the tolerance of their components purely
	// relative; such a component must not pass through 0.
	RTols, ATols []float64

	// ErrDim is how many components the error norm sees, from the first. 0: all.
	ErrDim int

	// Norm is the norm of the scaled error. It gets err/(ATol + RTol·max(…)) of
	// the first ErrDim components and must not keep the slice. Nil: the root mean
	// square.
	Norm func(r []float64) float64

	// Controller chooses the step sizes. Nil: PIController for methods with an error estimate,
	// Fixed for those without.
	Controller Controller

	// H0 is the absolute size of the first step, and of all with Fixed, which needs it
	// or Steps. 0: chosen from f at the start (Hairer, Nørsett & Wanner, Solving ODEs
	// I, II.4).
	H0 float64

	// Steps, for Fixed without H0, is how many steps of equal size lead from each time
	// that a step has to end at to the next: saved times, Stops, Jumps and the end.
	Steps int

	// HMin is the least size of an adaptive step: a step of this size is accepted
	// whatever its error. Steps that land on a time may be shorter. 0: none, so
	// that a solve ends with ErrStepTooSmall when the step has to be shorter
	// than ten units in the last place of t.
	HMin float64

	// HMax is the largest size of an adaptive step. 0: none.
	HMax float64

	// MaxSteps is how many steps, accepted and rejected, a solve may try before it
	// ends with ErrMaxSteps. 0: 100 000 for adaptive steps, 2³⁰ for Fixed, where the
	// number is known beforehand and a solve that needs more does not begin.
	MaxSteps int

	// EndAtNaN has NaN or Inf in a trial step end the solve at once. Without it an adaptive step that meets
	// them, because it left the domain of f for instance, is tried again with a quarter of its size, up to 20
	// times in a row; then, and where f is not finite at the state reached, the solve ends with
	// ErrNonFinite, and the Solution has the last good state. Fixed steps, and fields that say they
	// failed (Fallible), end it at once.
	EndAtNaN bool

	// Stops are times that a step has to end at. Those outside the solve are ignored;
	// the order is free. Times that differ by a few units in the last place only, of
	// Stops and Jumps and the ends, are one time to end at: the end, or else the first
	// jump, or else the first stop.
	Stops []float64

	// Jumps are times at which f, or one of its derivatives, is discontinuous. A
	// step ends there, f is evaluated on each side but not at the time itself, and
	// the next step starts afresh. Those outside the solve are ignored; the
	// order is free.
	Jumps []float64

	// Compensated sums up the state with a running compensation of its rounding
	// errors (Kahan summation), in which long solves with many small steps gain
	// digits. It is for Splitting, ImplicitRK and Tao.
	Compensated bool

	// Events are what happens during the solve, an Events[float64] or Events[float32]. See
	// Event. Nil: nothing.
	Events EventList

	// MaxEvents is how many events may happen before a solve ends with ErrMaxEvents. 0: 10 000.
	MaxEvents int

	// SaveAt is what the solution keeps.
	SaveAt SaveAt
}

// defaults of Options.
const (
	defaultRTol      = 1e-6
	defaultATol      = 1e-9
	defaultMaxSteps  = 100_000
	defaultMaxEvents = 10_000
	defaultMaxFixed  = 1 << 30
)

// fixed reports whether all steps have a fixed size, once the controller is chosen.
func (o *Options) fixed() bool {
	_, fixed := o.Controller.(Fixed)
	return fixed
}

// fillTolerances sets the tolerances that are not set.
func (o *Options) fillTolerances() {
	switch {
	case o.ATol != 0 || o.ATols != nil:
	case o.RTols != nil:
		o.ATols = make([]float64, len(o.RTols))
		for i, r := range o.RTols {
			o.ATols[i] = max(r, 0) * (defaultATol / defaultRTol)
		}
	case o.RTol != 0:
		o.ATol = max(o.RTol, 0) * (defaultATol / defaultRTol)
	default:
		o.RTol, o.ATol = defaultRTol, defaultATol
	}
}

// Resolve returns a copy of o that shares no slices with it, with all defaults
// filled in as a solve of a state of length dim uses them. The error is an OptionError
// with every fault there is.
func (o Options) Resolve(dim int) (Options, error) {
	if o.Method == nil {
		o.Method = Tsit5
	}
	if o.Controller == nil {
		o.Controller = Fixed{}
		if o.Method.traits().errOrder > 0 {
			o.Controller = PIController{}
		}
	}
	o.RTols, o.ATols = slices.Clone(o.RTols), slices.Clone(o.ATols)
	if !o.fixed() {
		o.fillTolerances()
	}
	if o.ErrDim == 0 {
		o.ErrDim = dim
	}
	if !o.SaveAt.keepsRows() {
		o.SaveAt.End = true
	}
	if !o.fixed() && o.MaxSteps == 0 {
		o.MaxSteps = defaultMaxSteps
	}
	if o.Events != nil {
		o.Events = o.Events.cloned()
		if o.MaxEvents == 0 {
			o.MaxEvents = defaultMaxEvents
		}
	}
	o.Stops, o.Jumps = slices.Clone(o.Stops), slices.Clone(o.Jumps)
	o.SaveAt.Times = slices.Clone(o.SaveAt.Times)
	slices.Sort(o.Stops)
	slices.Sort(o.Jumps)
	return o, o.validate(dim)
}

// validate lists all faults of options whose defaults are filled in.
func (o *Options) validate(dim int) error {
	var f faults
	if dim < 1 {
		f.add("VectorField: dimension %d is less than 1", dim)
	}
	if err := o.Method.validate(); err != nil {
		f.add("Method: %v", err)
	}
	is := o.Method.traits()
	if !o.fixed() && is.errOrder == 0 {
		f.add("Controller: %s has no error estimate; use Fixed, or a method that has one", o.Method)
	}
	validateController(o.Controller, &f)
	if o.Compensated && !is.compensated {
		f.add("Compensated: %s is an explicit Runge–Kutta method; use a Splitting, ImplicitRK or Tao", o.Method)
	}
	if o.fixed() {
		o.validateFixed(is, &f)
	} else if o.Steps != 0 {
		f.add("Steps: it is set, but %T chooses the steps by their error; use Fixed, or H0 and HMax", o.Controller)
	}
	nonNegative(&f, "RTol", o.RTol)
	nonNegative(&f, "ATol", o.ATol)
	o.validateEach(dim, &f)
	if o.ErrDim < 0 || o.ErrDim > dim {
		f.add("ErrDim: %d is outside [0, %d]", o.ErrDim, dim)
	}
	nonNegative(&f, "H0", o.H0)
	nonNegative(&f, "HMin", o.HMin)
	nonNegative(&f, "HMax", o.HMax)
	if o.HMax > 0 && o.HMin > o.HMax {
		f.add("HMin: %v is larger than HMax %v", o.HMin, o.HMax)
	}
	if o.MaxSteps < 0 {
		f.add("MaxSteps: %d is negative", o.MaxSteps)
	}
	if o.MaxEvents < 0 {
		f.add("MaxEvents: %d is negative", o.MaxEvents)
	}
	if o.Events != nil {
		o.Events.faults(dim, &f)
	}
	allFinite(&f, "Stops", o.Stops)
	allFinite(&f, "Jumps", o.Jumps)
	allFinite(&f, "SaveAt.Times", o.SaveAt.Times)
	if o.SaveAt.Keep < Rows || o.SaveAt.Keep > Dense {
		f.add("SaveAt.Keep: %d is none of Rows, Steps, Stages and Dense", int(o.SaveAt.Keep))
	}
	if o.SaveAt.Every < 0 {
		f.add("SaveAt.Every: %d is negative", o.SaveAt.Every)
	}
	return f.err()
}

// validateFixed checks what has another meaning with Fixed, or none.
func (o *Options) validateFixed(is traits, f *faults) {
	if _, auto := o.Method.(Auto); auto {
		f.add("Controller: %s chooses the method by the steps that the error allows; Fixed is for one of the two alone", o.Method)
	}
	switch {
	case o.Steps < 0:
		f.add("Steps: %d is negative", o.Steps)
	case o.Steps > 0 && o.H0 != 0:
		f.add("Steps: %d and H0 %v are both set; choose one", o.Steps, o.H0)
	case o.Steps == 0 && o.H0 == 0:
		f.add("H0: steps of fixed size need their size; set H0, or Steps for a number of steps between the saved times")
	}
	if o.RTol != 0 || o.ATol != 0 || o.RTols != nil || o.ATols != nil {
		if is.errOrder > 0 {
			f.add("RTol, ATol: Fixed does not look at errors; leave the tolerances out, or the Controller")
		} else {
			f.add("RTol, ATol: %s has no error estimate and cannot follow tolerances; set H0 alone, or use a method such as Tsit5", o.Method)
		}
	}
}

// validateEach checks the tolerances of single components.
func (o *Options) validateEach(dim int, f *faults) {
	each := func(name string, v []float64) bool {
		if v == nil {
			return true
		}
		if len(v) != dim {
			f.add("%s: %d tolerances for %d components", name, len(v), dim)
			return false
		}
		for i, x := range v {
			if !(x >= 0) || math.IsInf(x, 0) {
				f.add("%s: %v at %d is negative or not finite", name, x, i)
			}
		}
		return true
	}
	if ok := each("RTols", o.RTols); !each("ATols", o.ATols) || !ok || o.RTols == nil && o.ATols == nil {
		return
	}
	for i := range dim {
		if r, a := o.tolerances(i); r == 0 && a == 0 {
			f.add("RTols, ATols: both are 0 for component %d", i)
		}
	}
}

// tolerances returns those of component i.
func (o *Options) tolerances(i int) (rtol, atol float64) {
	rtol, atol = o.RTol, o.ATol
	if o.RTols != nil {
		rtol = o.RTols[i]
	}
	if o.ATols != nil {
		atol = o.ATols[i]
	}
	return rtol, atol
}

func nonNegative(f *faults, name string, x float64) {
	if !(x >= 0) || math.IsInf(x, 0) {
		f.add("%s: %v is negative or not finite", name, x)
	}
}

func allFinite(f *faults, name string, v []float64) {
	for i, x := range v {
		if !finite(x) {
			f.add("%s: %v at %d is not finite", name, x, i)
		}
	}
}

func finite(x float64) bool { return x-x == 0 }
