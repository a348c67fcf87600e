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
	// components of err/(ATol + RTol·max(|y_n|, |y_{n+1}|)) is at most 1. One
	// of them 0 makes the tolerance purely absolute or purely relative. If
	// neither they nor RTols nor ATols are set, they are 1e-6 and 1e-9.
	RTol, ATol float64

	// RTols and ATols, of the state's length, replace RTol and ATol component by
	// component. Nil: the scalar for all.
	RTols, ATols []float64

	// ErrDim is how many components the error norm sees, from the first. 0: all.
	ErrDim int

	// Norm is the norm of the scaled error. It gets err/(ATol + RTol·max(…)) of
	// the first ErrDim components and must not keep the slice. Nil: the root mean
	// square.
	Norm func(r []float64) float64

	// Controller chooses the step sizes. Nil: PI for methods with an error estimate,
	// Fixed for those without.
	Controller Controller

	// H0 is the absolute size of the first step, and of all with Fixed. 0: chosen
	// from f at the start (Hairer, Nørsett & Wanner, Solving ODEs I, II.4), and
	// see Fixed for what it means there.
	H0 float64

	// HMin is the least size of an adaptive step: a step of this size is accepted
	// whatever its error. Steps that land on a time may be shorter. 0: none, so
	// that a solve ends with ErrStepTooSmall when the step has to be shorter
	// than ten units in the last place of t.
	HMin float64

	// HMax is the largest size of an adaptive step. 0: none.
	HMax float64

	// MaxSteps is how many steps, accepted and rejected, a solve may try before it
	// ends with ErrMaxSteps. 0: 100 000 for adaptive steps, no limit for Fixed,
	// where the number is known beforehand.
	MaxSteps int

	// Stops are times that a step has to end at. Those outside the solve are ignored;
	// the order is free.
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

	// SaveAt is what the solution keeps.
	SaveAt SaveAt
}

// defaults of Options.
const (
	defaultRTol     = 1e-6
	defaultATol     = 1e-9
	defaultMaxSteps = 100_000
)

// resolved returns a copy of o that shares no slices with it, with the defaults filled in,
// or every fault there is for a state of length dim.
func (o Options) resolved(dim int) (Options, error) {
	if o.Method == nil {
		o.Method = Tsit5
	}
	if o.RTol == 0 && o.ATol == 0 && o.RTols == nil && o.ATols == nil {
		o.RTol, o.ATol = defaultRTol, defaultATol
	}
	if o.Controller == nil {
		o.Controller = Fixed{}
		if hasEstimate(o.Method) {
			o.Controller = PI{}
		}
	}
	if o.ErrDim == 0 {
		o.ErrDim = dim
	}
	if !o.SaveAt.keepsRows() {
		o.SaveAt.End = true
	}
	if _, fixed := o.Controller.(Fixed); !fixed && o.MaxSteps == 0 {
		o.MaxSteps = defaultMaxSteps
	}
	o.RTols, o.ATols = slices.Clone(o.RTols), slices.Clone(o.ATols)
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
	if _, fixed := o.Controller.(Fixed); !fixed && !hasEstimate(o.Method) {
		f.add("Controller: %s has no error estimate; use Fixed, or a method that has one", o.Method)
	}
	validateController(o.Controller, &f)
	if _, ok := o.Method.(*Tableau); ok && o.Compensated {
		f.add("Compensated: %s is an explicit Runge–Kutta method; use a Splitting, ImplicitRK or Tao", o.Method)
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
	allFinite(&f, "Stops", o.Stops)
	allFinite(&f, "Jumps", o.Jumps)
	allFinite(&f, "SaveAt.Times", o.SaveAt.Times)
	if o.SaveAt.Every < 0 {
		f.add("SaveAt.Every: %d is negative", o.SaveAt.Every)
	}
	return f.err()
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
