// Fit learns a Neural ODE from a table of measurements and forecasts how they go on.
//
//	go run ./examples/fit
//
// fits dz/dτ = net(z) to the pelts of lynx and hare that the Hudson's Bay Company bought from
// 1900 to 1915 and compares the forecast for 1916 to 1920, which it has not seen. With
// -data it fits any CSV file of a time column and state columns; values may be
// missing. See -h for the rest.
//
// It writes to the folder -out:
//
//	fit.png            data, fit and forecast, against time and in the phase plane
//	predictions.csv    the model at the times of the data
//	metrics.json       errors in and beyond the sample, and what they cost
//	model.safetensors  the model, for -load and for every reader of safetensors
package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/table"
)

// Hudson's Bay Company pelts in thousands a year, in the public domain.
//
//go:embed lynx_hare.csv
var lynxHare []byte

const lynxHareFile = "lynx_hare.csv"

func main() { experiment.Main("fit", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	began := time.Now()
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	f, err := prepare(c, stderr)
	if err != nil {
		return err
	}
	for _, note := range f.notes {
		fmt.Fprintf(stdout, "%s: %s\n", f.data.file, note)
	}
	fmt.Fprintln(stdout, f)
	trained := f.train(ctx)
	// What there is by now is written even if the training was cut short.
	err = f.report(context.WithoutCancel(ctx), time.Since(began), stdout)
	if trained != nil {
		trained = experiment.Stopped(trained, f.steps, c.Out)
	}
	return errors.Join(trained, err)
}

// open reads the table that the configuration asks for. Clock is that of a loaded model.
func open(c *config, clock *table.Clock) (*measurements, error) {
	opt := table.Options{File: lynxHareFile, Time: c.time, States: c.states, Clock: clock}
	if c.data == "" {
		return readTable(bytes.NewReader(lynxHare), opt)
	}
	file, err := os.Open(c.data)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	opt.File = filepath.ToSlash(c.data)
	return readTable(file, opt)
}
