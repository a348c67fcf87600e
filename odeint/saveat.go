package odeint

// SaveAt says what a Solution keeps. The zero value keeps the state at the end.
type SaveAt struct {
	// Times are saved times inside [t0, t1], strictly monotone in the direction of
	// integration. A state at the end of a step is that state bit for bit;
	// inside a step it comes from the method's interpolant. Saved times do not
	// influence the steps, except for Fixed with Options.Steps.
	Times []float64

	// Every saves the end of each n-th accepted step. 0: none.
	Every int

	// Start and End save the states at t0 and t1. If nothing of Times, Every and
	// Start is set, the end is saved. A time is saved once only.
	Start, End bool

	// Keep is what is kept of the accepted steps. The default is Rows: nothing.
	Keep Keep
}

// Keep is how much a Solution keeps of the accepted steps, beside the saved rows. Each
// level has what the one before has.
type Keep int

const (
	// Rows keeps the saved states alone.
	Rows Keep = iota

	// Steps keeps all steps for Solution.Step, with the states at their ends.
	Steps

	// Stages keeps the steps with their stages; the dense stages only of those with a
	// saved time inside.
	Stages

	// Dense keeps what Solution.At and DerivativeAt need: the steps with all their stages.
	Dense
)

// String returns the name of the level.
func (k Keep) String() string {
	switch k {
	case Rows:
		return "Rows"
	case Steps:
		return "Steps"
	case Stages:
		return "Stages"
	case Dense:
		return "Dense"
	}
	return "unknown"
}

// keepsRows reports whether rows other than the implied end are asked for.
func (s *SaveAt) keepsRows() bool { return len(s.Times) > 0 || s.Every > 0 || s.Start }
