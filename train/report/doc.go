// Package report shows what a forecast model is worth: one HTML file, which
// needs no network and prints well, with the fit and the forecast, phase
// portraits, residuals and their autocorrelation, the losses of the training,
// the steps of the solver, the time scales of the system, its parameters, and
// the baselines beside every error.
package report
