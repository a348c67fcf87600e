// Package nodes holds the pieces with which graph, layers, hnn and odelayer build
// Gorgonia graphs: the base of an op of our own, an op that reshapes, one that is
// the normal distribution function, constants and learnables with safe names,
// and a builder of expressions that keeps the first error.
//
// It stands between Gorgonia and these packages and imports none of them.
package nodes
