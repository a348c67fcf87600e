// Package collocation estimates the states and the time derivatives of a
// trajectory from noisy samples of it, without solving a differential equation.
//
// It is the first half of two-stage, or gradient-matching, training: once
// (u, du/dt) are known at some times, fitting du/dt ≈ f(t, u; θ) is ordinary
// regression, which converges where training through a solver from a cold start
// may not.
//
// Three estimators make the same thing, a [Curve]:
//
//   - [Local]: local polynomial kernel regression, as in Roesch, Rackauckas and
//     Stumpf, "Collocation based training of neural ordinary differential
//     equations" (2021), after Liang and Wu, "Parameter estimation for
//     differential equation models using a framework of measurement error in
//     regression models" (2008): local linear for the state, local quadratic for
//     the derivative. The bandwidth is given, follows the paper's rule, or is
//     chosen by cross-validation.
//   - [Spline]: the cubic smoothing spline of Reinsch (1967), its smoothing
//     parameter given or chosen by generalised cross-validation.
//   - [Interpolate]: any interpolant of gonum.org/v1/gonum/interp, for samples
//     without noise.
//
// Samples are n strictly increasing times and an (n, dim) row-major slice of
// values in which NaN stands for a missing value; each component is estimated
// by itself, from its own observed samples. Values are float32 or float64; times
// and all arithmetic are float64.
//
// A Curve is immutable and may be used from several goroutines.
package collocation
