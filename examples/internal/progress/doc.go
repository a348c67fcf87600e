// Package progress draws the progress bar of a training run on a terminal and
// keeps quiet anywhere else.
package progress
