// Package formula reads systems of differential equations from text and makes modules of them,
// whose parameters are learned:
//
//	dx = alpha*x - beta*x*y
//	dy = delta*x*y - gamma*y
//
// An equation gives the rate of one state, written dx, dx/dt or x'. Equations are separated by
// line breaks or semicolons; # begins a comment. Expressions have numbers, + - * / ^, parentheses,
// the functions sin, cos, tan, exp, log, sqrt, tanh and abs, the states, the inputs, the time t, pi, and
// parameters: all other names. The word network stands for what is not known: the output of a network
// for the state of this equation.
//
// A [Param] has a start and bounds, "alpha=0.5[0,2]". Between bounds it is a logistic function of what
// is learned, above or below a single one an exponential function, so that it never leaves them.
//
// Text that cannot be read is an [*Error] with line, column, reason and remedy.
package formula
