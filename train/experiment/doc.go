// Package experiment is what a program that trains and reports needs around its main
// job: the flags -quick, -seed and -out, cancellation by Ctrl-C, exit codes, a
// progress bar, a file of metrics, and solvers, adjoints and activations by their
// names.
//
//	0    the program did its job
//	1    it failed; the message on stderr says why
//	2    it was called wrongly
//	130  it was interrupted; what it had by then is written
package experiment
