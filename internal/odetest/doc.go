// Package odetest has initial value problems for tests: some with their exact
// solutions, and the DETEST set (Hull, Enright, Fellen and Sedgwick 1972,
// Comparing numerical methods for ordinary differential equations, SIAM J. Numer.
// Anal. 9).
package odetest
