// Package pendulum is what the demonstration in the browser shows: a pendulum,
// and networks that learn it from measurements, one as an energy (a
// Hamiltonian neural network) and one as a vector field (a plain Neural ODE).
//
// States are rows (q, p) in SI units: the angle from hanging at rest in
// radians, and the momentum in kg·m²/s. Times are in seconds, energies in
// joules.
package pendulum
