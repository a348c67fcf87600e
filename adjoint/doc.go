// Package adjoint computes gradients of ODE solves.
//
// A [Solver] owns the forward solve of dy/dt = f(t, y; θ), saved at the times
// t_0, …, t_m, and pulls the cotangents ∂L/∂y(t_i) of any loss L of the saved states
// back to the initial state, the parameters and the times:
//
//	s, err := adjoint.New(field, odeint.Options{RTol: 1e-6, ATol: 1e-6}, adjoint.Discrete{})
//	sol, err := s.Forward(ctx, times, y0)   // sol.Y is (len(times), dim)
//	…dys[i·dim+j] = ∂L/∂sol.Y[i·dim+j]…
//	err = s.Backward(ctx, &grad, dys)       // grad.Y0, grad.Theta; grad.Times with WantTimes
//
// # Methods
//
// [Discrete] is the exact reverse of what the solver did (discretise, then
// optimise): its gradient is that of the numbers Forward returned, at any
// tolerance. It is the default. It reverses every method of odeint; splittings need a
// field that is Separable. Its Memory says what is
// kept for that: the [Stages], the [States] alone, [Checkpoints] inside a number of bytes, or
// nothing (Inverse) with methods whose steps can be inverted.
//
// [Interpolating] solves the continuous adjoint equation backwards, with y(t) from the
// stored dense output (optimise, then discretise): right to the tolerances of both
// solves. Its steps backwards are its own, chosen for λ; each saved time with a
// cotangent ends one of them.
//
// [Backsolve] does the same but solves y backwards too, from the saved states, and
// stores nothing else. Where the flow contracts, the backward solve of y is unstable,
// so choose it only when memory leaves no choice, and try [Discrete] with [Checkpoints] before
// it.
//
// # Gradients
//
// With λ(t) = ∂L/∂y(t), all methods approximate (Chen, Rubanova, Bettencourt and
// Duvenaud, Neural Ordinary Differential Equations, 2018, equations 4, 5 and appendix
// B):
//
//	dλ/dt    = −(∂f/∂y)ᵀ λ,  λ jumps by ∂L/∂y(t_i) at every saved time
//	∂L/∂y0   = λ(t_0)
//	∂L/∂θ    = ∫ (∂f/∂θ)ᵀ λ dt over [t_0, t_m]
//	∂L/∂t_i  = ∂L/∂y(t_i) · f(t_i, y(t_i))     for i ≥ 1
//	∂L/∂t_0  = −λ(t_0⁺) · f(t_0, y(t_0))
//
// [Discrete] replaces the first three by their exact discrete counterparts. Step sizes
// are constants in every gradient. Time may run backwards.
//
// # Costs along the way
//
// [WithCost] adds a running cost ∫g(t, y) dt to the state, so that losses may
// contain it beside the saved states.
//
// # Concurrency
//
// A [Solver] and its field belong to one goroutine at a time. Results do not depend on
// the number of processors.
package adjoint
