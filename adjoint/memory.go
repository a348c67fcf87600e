package adjoint

// Memory says what Discrete keeps of the forward solve, and so what it has to compute again
// on the way back: Stages, States, Checkpoints or Inverse.
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

// Checkpoints keeps the states at the starts of as many steps as fit into Bytes, evenly
// spaced, and the times of all steps (48 bytes each, apart from Bytes). On the way back the
// steps between two of them are taken again (odeint.Integrator.Retake), as few times as
// the memory allows: of 1000 steps, each is taken again twice with room for 44 states, 4 times
// with 8 and 30 times with 2. A second Backward after one Forward takes more. The gradient is that of Stages bit for bit with a Tableau, and up to the tolerance
// of the stages or, with Compensated, to rounding with others. Tao has no checkpoints: a state
// is half of what its steps need.
type Checkpoints struct {
	Bytes int // at least two states
}

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

// String returns "checkpoints".
func (Checkpoints) String() string { return "checkpoints" }

// String returns "inverse".
func (Inverse) String() string { return "inverse" }

func (Stages) sealedMemory()      {}
func (States) sealedMemory()      {}
func (Checkpoints) sealedMemory() {}
func (Inverse) sealedMemory()     {}
