package odeint

import "math"

// Attempt is what a Controller learns about a step just tried.
type Attempt struct {
	// Err is the scaled error of the attempt; 1 is what the tolerances allow.
	Err float64

	// Prev and Prev2 are the scaled errors of the last accepted step and the one
	// before, 0 where there is none: at the start and after a jump. Steps
	// shortened to land on a time are left out.
	Prev, Prev2 float64

	// Order is the exponent of the error estimate: Err behaves as h^Order.
	Order int

	// Rejected reports whether the attempt before this one was rejected.
	Rejected bool

	logs *lastLog // nil: none
}

// lastLog remembers a logarithm: that of the error of one step is wanted again in the next.
type lastLog struct{ x, log float64 }

// of returns the logarithm of x.
func (l *lastLog) of(x float64) float64 {
	if l != nil && l.x == x {
		return l.log
	}
	return math.Log(x)
}

// Controller decides on the step size. It is pure: the answer depends on the
// attempt alone.
type Controller interface {
	// Next says whether the attempt is accepted and by which factor, positive, the
	// size of the next one differs from its size.
	Next(Attempt) (factor float64, accept bool)
}

// Fixed takes steps of the size Options.H0 without looking at errors: the ends of
// the steps are t_0 + i·H0, computed like that so that rounding does not
// accumulate. Stops and Jumps begin a new series of steps. A size that does not
// divide the interval makes the last step before its end, or before a stop, shorter.
//
// With Options.Steps in place of H0 that many steps of equal size lead from one time to
// land on to the next: the saved times, Stops, Jumps and the end.
//
// The zero value of Options.Controller means Fixed for methods without an
// error estimate.
type Fixed struct{}

// Next accepts every step.
func (Fixed) Next(Attempt) (factor float64, accept bool) { return 1, true }

// IController is the elementary controller (Hairer, Nørsett & Wanner, Solving ODEs I, II.4):
//
//	factor = Safety · Err^(−1/Order)
type IController struct {
	Safety float64 // 0: 0.9
	Min    float64 // least factor; 0: 0.2
	Max    float64 // largest factor; 0: 10
}

// Next accepts errors up to 1.
func (c IController) Next(a Attempt) (factor float64, accept bool) {
	return pid(a, 1, 0, 0, limits{c.Safety, c.Min, c.Max})
}

// PIController is the proportional-integral controller (Gustafsson 1991; Hairer & Wanner,
// Solving ODEs II, IV.2):
//
//	factor = Safety · Err^(−(I+P)/Order) · Prev^(P/Order)
//
// A rejected step is repeated with the elementary controller. With the default
// weights it is that of Hairer's program DOPRI5 (β = 0.04 at order 5).
type PIController struct {
	P, I   float64 // weights; both 0: 0.2 and 0.65
	Safety float64 // 0: 0.9
	Min    float64 // least factor; 0: 0.2
	Max    float64 // largest factor; 0: 10
}

// Next accepts errors up to 1.
func (c PIController) Next(a Attempt) (factor float64, accept bool) {
	if c.P == 0 && c.I == 0 {
		c.P, c.I = 0.2, 0.65
	}
	return pid(a, c.P+c.I, -c.P, 0, limits{c.Safety, c.Min, c.Max})
}

// PIDController is the controller with all three terms (Söderlind 2003, Digital filters in
// adaptive time-stepping, ACM Trans. Math. Softw. 29):
//
//	factor = Safety · Err^(−(I+P+D)/Order) · Prev^((P+2D)/Order) · Prev2^(−D/Order)
//
// A rejected step is repeated with the elementary controller. The default weights are
// those of Söderlind's H312PID: it filters a noisy error and responds more slowly.
type PIDController struct {
	P, I, D float64 // weights; all 0: 1/18, 1/9, 1/18
	Safety  float64 // 0: 0.9
	Min     float64 // least factor; 0: 0.2
	Max     float64 // largest factor; 0: 10
}

// Next accepts errors up to 1.
func (c PIDController) Next(a Attempt) (factor float64, accept bool) {
	if c.P == 0 && c.I == 0 && c.D == 0 {
		c.P, c.I, c.D = 1.0/18, 1.0/9, 1.0/18
	}
	return pid(a, c.P+c.I+c.D, -(c.P + 2*c.D), c.D, limits{c.Safety, c.Min, c.Max})
}

// limits bounds the factor of a controller; zeros stand for the defaults.
type limits struct{ safety, min, max float64 }

func (l limits) filled() limits {
	if l.safety == 0 {
		l.safety = 0.9
	}
	if l.min == 0 {
		l.min = 0.2
	}
	if l.max == 0 {
		l.max = 10
	}
	return l
}

// pid is the common law of the controllers: the errors of this step and the two before
// to the powers −b1, −b2, −b3 over the order, in one exponential.
func pid(a Attempt, b1, b2, b3 float64, l limits) (factor float64, accept bool) {
	l = l.filled()
	k := float64(a.Order)
	if a.Err > 1 { // also +Inf
		return max(l.min, min(l.safety*math.Pow(a.Err, -1/k), l.safety)), false
	}
	// An error far below the tolerance says little about the next one
	// (DOPRI5 has the same floor).
	const floor = 1e-4
	err := max(a.Err, 1e-10)
	log := math.Log(err)
	power := b1 * log
	if b2 != 0 && a.Prev > 0 {
		power += b2 * a.logs.of(max(a.Prev, floor))
	}
	if a.logs != nil {
		*a.logs = lastLog{err, log}
	}
	if b3 != 0 && a.Prev2 > 0 {
		power += b3 * math.Log(max(a.Prev2, floor))
	}
	factor = l.safety * math.Exp(-power/k)
	top := l.max
	if a.Rejected {
		top = 1 // not at once back to the size that failed
	}
	return max(l.min, min(factor, top)), true
}

// validateController reports weights or limits that make no sense, for the controllers of this package.
func validateController(c Controller, f *faults) {
	var l limits
	var weights []float64
	switch c := c.(type) {
	case IController:
		l = limits{c.Safety, c.Min, c.Max}
	case PIController:
		l, weights = limits{c.Safety, c.Min, c.Max}, []float64{c.P, c.I}
	case PIDController:
		l, weights = limits{c.Safety, c.Min, c.Max}, []float64{c.P, c.I, c.D}
	default:
		return
	}
	for _, w := range weights {
		if !finite(w) {
			f.add("Controller: weight %v is not finite", w)
		}
	}
	l = l.filled()
	if !(l.safety > 0 && l.safety <= 1) {
		f.add("Controller: Safety %v is outside (0, 1]", l.safety)
	}
	if !(l.min > 0 && l.min < 1) {
		f.add("Controller: Min %v is outside (0, 1)", l.min)
	}
	if !(l.max >= 1) || math.IsInf(l.max, 0) {
		f.add("Controller: Max %v is less than 1 or not finite", l.max)
	}
}
