// Package cli has the programs around train/forecast: what "neuralode fit" and "neuralode
// predict" do, with their flags, progress, figures and files, for the command itself and for other programs
// that want the same.
package cli
