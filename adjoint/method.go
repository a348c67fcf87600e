package adjoint

import "github.com/neuralode/neuralode/odeint"

// Method says how Backward computes gradients: Discrete, Interpolating or
// Backsolve.
type Method interface {
	// String is the method's name.
	String() string

	// sealed keeps the set of methods to those of this package.
	sealed()
}

// Discrete is the exact reverse of the discrete forward solve, step by step and stage
// by stage (discretise, then optimise). With stage weights a, b and step size h, the
// stages i = s, …, 1 of a Runge–Kutta step give
//
//	w_i = h b_i λ_{n+1} + h Σ_{j>i} a_ji v_j,   v_i = (∂f/∂y)_iᵀ w_i,   dθ += (∂f/∂θ)_iᵀ w_i,
//	λ_n = λ_{n+1} + Σ_i v_i
//
// (Hager, Runge–Kutta methods in optimal control and the transformed adjoint system,
// 2000). Cotangents of outputs inside a step enter through the weights b_i(θ) of the
// interpolant. The gradient is that of the computed numbers, to round-off, at any
// tolerance; step sizes and rejected steps count as constants.
//
// The flows of a Splitting are undone one by one; its field implements Separable. The
// stages of an ImplicitRK give one linear system a step, by the implicit function
// theorem; the gradient is that of the exact step, so the stages should be solved to
// rounding, as they are by default. Tao's method is reversed on both copies of the state.
//
// The stages of an odeint.ESDIRK are undone one by one, each with a linear system of the size
// of a sample; the gradient is exact up to what Newton's iteration left of the stages, Kappa
// times the tolerance. Those of an odeint.Rosenbrock need the derivatives of the Jacobian, which a
// field has that is odeint.TwiceDifferentiable, as compiled graphs are; the gradient is exact to
// rounding. KenCarp4 on an odeint.Split field is reversed with both parts.
//
// Where stability and not accuracy sets the steps, as on a stiff problem with an explicit
// method, λ may grow beyond all bounds on the way back though the solution is right: steps
// that overshoot the stability limit amplify it. HMax below that limit cures it, or an ESDIRK.
//
// The cost in memory and evaluations is a choice: see Memory.
type Discrete struct {
	// Memory is what Forward keeps for the way back: Stages, States, Checkpoints or Inverse. The default is
	// Stages{}.
	Memory Memory
}

// Interpolating solves the adjoint equation backwards, with y(t) from the dense output
// that Forward keeps (optimise, then discretise; method A). λ jumps exactly
// at every saved time with a cotangent, the first and the last included. The
// gradient is right to the tolerances of both solves.
//
// ∂L/∂θ is integrated with the weights of the backward method's own stages. It has no
// part in the error norm unless ParamsInNorm says so, and no stage stores a vector of
// θ's length. This is the seminorm of Kidger, Chen and Lyons, "Hey, that's not an
// ODE": Faster ODE Adjoints via Seminorms, 2021. Its steps follow λ alone: where λ
// hardly changes but ∂f/∂θ does, as for f(t; θ) without y, ∂L/∂θ is less accurate than
// λ. ParamsInNorm, or HMax in Solve, mends that.
type Interpolating struct {
	// Solve are the options of the backward solve of λ, a state of length Dim. Its
	// SaveAt must be zero; the forward Stops and Jumps are added to its own. Nil: the
	// forward options, but with the least of RTols and of ATols for all components,
	// and without ErrDim and Norm, which speak of y and not of λ; with Rodas5P if the forward
	// method is an ESDIRK or a Rosenbrock method, in Auto too, and with Tsit5 if it is another
	// that is not an explicit Runge–Kutta method.
	//
	// An explicit Runge–Kutta method integrates ∂L/∂θ apart with its own weights. Methods for stiff
	// problems solve λ alone, with the Jacobian −(∂f/∂y)ᵀ, and ∂L/∂θ is summed up on each of their
	// steps by the Gauss–Legendre rule: no linear system has more unknowns than a sample. Other methods
	// need ParamsInNorm.
	//
	// The solve is one from each saved time with a cotangent to the next; the step
	// size is carried over, and MaxSteps counts for each.
	Solve *odeint.Options

	// ParamsInNorm integrates μ, which ends as ∂L/∂θ, as part of the state: (λ, μ) of
	// length Dim + NumParams, all of it in the error norm. Every stage then stores a
	// vector of that length.
	ParamsInNorm bool
}

// Backsolve solves y backwards together with λ and keeps only the saved states
// (optimise, then discretise; method B, the adjoint of Chen et al. 2018). At every
// saved time y is reset to what Forward found there.
//
// It is not recommended: a direction in which the flow contracts at rate a grows as
// exp(a·Δt) backwards, with it the error of y, and the gradient is that of another
// trajectory, or the solve does not end: Lorenz' system over ten time units, or
// anything stiff (Gholami, Keutzer and Biros, ANODE, 2019). More saved times make it
// safer. Its one merit is that its memory does not depend on the number of steps.
type Backsolve struct {
	// Solve are the options of the backward solve of (λ, y), a state of length 2·Dim.
	// Otherwise as Interpolating.Solve.
	Solve *odeint.Options

	// ParamsInNorm integrates μ, which ends as ∂L/∂θ, as part of the state: (λ, y, μ)
	// of length 2·Dim + NumParams, all of it in the error norm.
	ParamsInNorm bool
}

// String returns "discrete".
func (Discrete) String() string { return "discrete" }

// String returns "interpolating".
func (Interpolating) String() string { return "interpolating" }

// String returns "backsolve".
func (Backsolve) String() string { return "backsolve" }

func (Discrete) sealed()      {}
func (Interpolating) sealed() {}
func (Backsolve) sealed()     {}
