// Package gorgoniatest holds what tests of the packages on Gorgonia share: bound
// inputs, runs on a TapeMachine, values as numbers.
package gorgoniatest
