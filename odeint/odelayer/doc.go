// Package odelayer makes the solution of a differential equation a layer of a
// Gorgonia model.
//
// The dynamics du/dt = f(t, u; θ) are a module, for instance a layers.MLP. [New]
// compiles them and puts their parameters on the model's graph; [Layer.Fwd] adds
// one node, whose value is the solution at the configured times. Everything
// around it is ordinary Gorgonia: other layers before and after, G.Grad, a
// TapeMachine with BindDualValues or a LispMachine, Gorgonia's solvers.
//
// Dynamics that compile a field of their own (graph.FieldCompiler) keep what it
// offers: an hnn.Field knows the pairs of its state, and, if its energy is an
// hnn.Separable and nothing is added to it, its two halves. So Config.Solve may name
// any symplectic method of package odeint.
//
// # What runs
//
// A run of the forward node is one solve by package odeint, and a run of its
// gradient is one backward pass of package adjoint: the numbers are theirs bit
// for bit. G.Grad adds a node that packs the gradients of the initial state
// and of all parameters into one vector, and one small node per input that takes
// its share of it. Gradients of gradients are not available and are reported
// as [ErrSecondOrder]; derivatives inside the dynamics (a Hamiltonian's, say) are
// not concerned, as they are compiled with f.
//
// # Trajectories
//
// A gradient needs the trajectory of the forward solve, which must not live on the
// node or the op, since machines and cloned graphs share these. So a layer keeps
// the solvers of its last solves, each with a copy of the initial state
// and the parameters it started from, and a gradient picks the one that started
// from its own inputs, compared bit for bit. If there is none, because
// several machines took turns, it solves again; the result is the same. A
// layer keeps as many trajectories as it was applied, and one more whenever one was
// missed, up to GOMAXPROCS for each application.
//
// Solves of one layer may run on several goroutines, on machines for clones
// of the graph. Gorgonia itself asks that such machines share no weight tensors.
//
// # Machines
//
// A graph.Machine runs models fastest: it compiles what is around the solves, which work in
// its memory, and needs neither G.BindDualValues nor Reset.
//
// A TapeMachine needs G.Grad and, for Gorgonia's solvers,
// G.BindDualValues(ode.Learnables()...); it runs the whole graph. A LispMachine
// differentiates as it runs and is made anew for every step; all that nothing else is
// made of must be a scalar there, so a layer that is only applied by [Layer.FwdWith] needs
// Config.Shared. Either machine stops in the middle of a solve when Config.Context is
// cancelled. Gorgonia's own Reshape
// cannot be differentiated by a second LispMachine on the same graph; the dense layers of
// package layers, which take all times at once, do without it.
//
// # Errors
//
// An error or a panic in a solve comes out as the error of the machine's RunAll,
// with the solver's message. Gorgonia hides it from errors.Is; [Cause] finds what
// package odeint reports.
package odelayer
