package odeint

// SaveAt says what a Solution keeps. The zero value keeps the state at the end.
type SaveAt struct {
	// Times are saved times inside [t0, t1], strictly monotone in the direction of
	// integration. A state at the end of a step is that state bit for bit;
	// inside a step it comes from the method's interpolant. Saved times do not
	// influence the steps, except for Fixed without H0.
	Times []float64

	// Every saves the end of each n-th accepted step. 0: none.
	Every int

	// Start and End save the states at t0 and t1. If nothing of Times, Every and
	// Start is set, the end is saved. A time is saved once only.
	Start, End bool

	// Dense keeps what Solution.At and DerivativeAt need: all accepted steps with all
	// their stages, dense stages included.
	Dense bool

	// Stages keeps all accepted steps with their stages for Solution.Step; the
	// dense stages only of those with an output inside.
	Stages bool

	// Steps keeps all accepted steps for Solution.Step, without stages.
	Steps bool
}

// keepsRows reports whether rows other than the implied end are asked for.
func (s *SaveAt) keepsRows() bool { return len(s.Times) > 0 || s.Every > 0 || s.Start }
