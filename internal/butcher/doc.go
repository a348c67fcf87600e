// Package butcher has the order conditions of Runge–Kutta methods, by rooted trees
// (Butcher 1963), for plain arrays of coefficients.
package butcher
