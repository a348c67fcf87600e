// Package odeint solves initial value problems dy/dt = f(t, y) on flat slices.
//
// Solve does it once. New makes an [Integrator], which solves again and again without
// allocating. What is solved is a [VectorField]: [NewFunc] makes one of a plain
// function, and anything with Dim and Eval is one, over float32 or float64.
//
//	sol, err := odeint.Solve(f, t0, t1, y0, odeint.Options{RTol: 1e-8, ATol: 1e-8})
//	y := sol.Last()
//
// # Methods
//
// [Tsit5] is the default and right for most problems. [Dop853] needs fewer
// evaluations at tolerances below about 1e-8, [Bosh3] at those above 1e-3. Euler,
// Midpoint, Heun, Ralston, RK4 and RK38 are classics; Euler, RK4 and RK38 have no error
// estimate and run with fixed steps. A Method is data; your own Tableau is used like
// those here, and [Tableau.Check] verifies its order.
//
// Stiff problems, which an explicit method solves with steps much shorter than the solution's
// features, have an [ESDIRK]: [Kvaerno5], [KenCarp4], which evaluates nothing beyond the end of a
// step, and for loose tolerances [Kvaerno3] and [TRBDF2]; and the Rosenbrock methods, [Rodas5P]
// and [Rosenbrock23], which iterate nothing and want an exact Jacobian. [Auto] finds out and
// changes over.
//
// Hamiltonian and other systems that run for long have methods that keep their
// structure, at fixed steps: a Splitting ([VelocityVerlet], [Yoshida4], [BlanesMoan4],
// [KahanLi8], …) for fields that are [Separable], an [ImplicitRK] ([ImplicitMidpoint],
// [GaussLegendre4], [GaussLegendre6]) for any field, and [Tao], which is explicit, for any
// Hamiltonian. Their state is made of pairs (q, p), see [Batched]. [Options.Compensated]
// reduces the rounding accumulated over very many steps.
//
// # Steps
//
// With an error estimate the step size adapts to RTol and ATol under a
// [Controller]: [IController], [PIController] (the default) or [PIDController]. Fixed takes equal steps of [Options.H0]. Time
// runs backwards when t1 < t0; sizes in Options are absolute, H in a Step is signed.
// Stops are times that a step has to end at, and Jumps those at which f is
// discontinuous.
//
// # What is kept
//
// [Options.SaveAt] chooses: the end (the default), saved times, every n-th step, a
// dense solution for [Solution.At], or the steps with their stages, which a reverse pass
// needs. A saved time inside a step costs no step: it comes from the method's own
// continuous extension, of the method's order or one less; where there is none, by a
// partial step of the method from the step's start, of its order. A saved time at the end
// of a step is the state there bit for bit.
//
// # Errors
//
// Faults of the options come all at once as an [OptionError]. A solve that cannot reach its
// end returns a [StepError], which wraps [ErrMaxSteps], [ErrStepTooSmall], [ErrNonFinite], the
// error of the context, of a [Fallible] field or of the observer; the Solution then has
// everything up to the last good state. Slices of a wrong length and nil fields are
// mistakes of the program and panic.
//
// # What is stored and what is added
//
// A destination is overwritten, in this package and in those beside it, with one
// exception: a vector-Jacobian product adds its part to dtheta, since the gradient of θ is
// a sum of many of them. The whole gradient of a loss or of a backward pass is stored.
//
// # Concurrency and ownership
//
// An [Integrator], its field and its Solution belong to one goroutine at a time; [Solution.At]
// may be called by several once the solve is over. Arguments belong to the
// caller and are not kept. Slices returned by a Solution belong to it, until the next
// solve into it.
//
// # References
//
// Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I, 2nd
// edition, 1993, is cited as Solving ODEs I throughout.
package odeint
