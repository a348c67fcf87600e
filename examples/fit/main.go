// Fit learns a Neural ODE from a table of measurements and forecasts how they go on: "neuralode
// fit" as a program of its own, a line of package cli.
package main

import (
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/forecast/cli"
)

func main() { experiment.Main("fit", cli.Fit) }
