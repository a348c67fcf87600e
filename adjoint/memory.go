package adjoint

// Memory says what Discrete keeps of the forward solve, and so what it has to compute again
// on the way back: Stages, States or Inverse.
type Memory interface {
	// String is the choice's name.
	String() string

	// sealedMemory keeps the set of choices to those of this package.
	sealedMemory()
}

// Stages keeps the states and all stages of the accepted steps: nothing is computed again.
// It is the default. For Tsit5 these are about eight states a step, for a Splitting, which
// keeps no stages, one.
type Stages struct{}

// States keeps only the state at the start of every step and takes the steps again on the
// way back (odeint.Integrator.Retake): less memory by a factor of about the number of
// stages, for one more evaluation of f for each stage, or one more solution of an implicit
// step. The gradient is the same up to the tolerance of the stages. It is the same as Stages
// for Splitting and Tao, which keep no stages.
type States struct{}

// Inverse keeps nothing but the saved states, and finds the states in between by going back
// from them: memory that does not depend on the number of steps. It is for methods whose
// steps can be inverted up to rounding: every Splitting, at no further cost, and symmetric
// ImplicitRK, which solve each step again. Stats.Reconstruction says how far off the states
// were; where the flow is unstable rounding grows, and more saved times help.
type Inverse struct{}

// String returns "stages".
func (Stages) String() string { return "stages" }

// String returns "states".
func (States) String() string { return "states" }

// String returns "inverse".
func (Inverse) String() string { return "inverse" }

func (Stages) sealedMemory()  {}
func (States) sealedMemory()  {}
func (Inverse) sealedMemory() {}
