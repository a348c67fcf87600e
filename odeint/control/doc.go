// Package control interpolates exogenous inputs: a [Path] is u(t) for a batch of
// samples, through knots that may differ from sample to sample. A vector field
// compiled with an input (graph.InputConfig) reads it: a controlled system
// dy/dt = f(t, u(t), y), or, with the rates du/dt, a neural controlled differential
// equation dy/dt = f(y) du/dt (Kidger, Morrill, Foster and Lyons 2020).
//
// A path is linear in the values of its knots, so that gradients with respect to
// them are exact; see [Path.VJP].
//
// The package imports nothing of this module.
package control
