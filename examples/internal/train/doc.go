// Package train is what the example programs share of training: losses and their
// gradients through an ODE solve, schedules, and drivers for optimisers that
// others wrote, Gorgonia's Adam and Gonum's L-BFGS.
//
// A model is trained as a flat vector x: the parameters θ of its field, and after
// them, if it is to be learned too, the initial state.
package train
