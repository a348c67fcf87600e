// Package app is what the example programs share around their main job: the
// flags -quick, -seed and -out, cancellation by Ctrl-C, and exit codes.
//
//	0    the program did its job
//	1    it failed; the message on stderr says why
//	2    it was called wrongly
//	130  it was interrupted; what it had by then is written
package app
