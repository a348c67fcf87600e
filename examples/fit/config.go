package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train/experiment"
)

// config is what the flags say.
type config struct {
	experiment.Common
	data   string
	time   string
	states []string // nil: all but the time
	load   string

	hidden     []int
	activation layers.Activation
	log        bool
	normalise  bool
	solver     string
	tolerance  float64
	step       float64
	adjoint    string
	holdout    int
	epochs     int
	polish     int
	rate       float64
	decay      float64
	given      func(flag string) bool // whether the flag was on the command line
}

const about = `Fit learns a Neural ODE from a table of measurements and forecasts how they go on.
Without -data it fits the pelts of lynx and hare, 1900 to 1915, and forecasts 1916
to 1920.`

// parse reads the command line. An error that matches experiment.ErrUsage names the flag that
// is wrong.
func parse(args []string, stderr io.Writer) (*config, error) {
	c := &config{Common: experiment.Common{Seed: 1, Out: "out/fit"}}
	fs := experiment.NewFlags("fit", about, &c.Common)
	fs.StringVar(&c.data, "data", "", "CSV `file`; empty: the lynx and hare that come with the program")
	fs.StringVar(&c.time, "time", "", "`name` of the time column; empty: the first")
	states := fs.String("states", "", "`names` of the state columns, separated by commas; empty: all but the time column")
	fs.StringVar(&c.load, "load", "", "go on with the model saved in `folder`; with -epochs 0 -polish 0 only predict")
	hidden := fs.String("hidden", "16", "widths of the hidden layers, separated by commas")
	activation := fs.String("activation", "tanh", "of the hidden layers: "+experiment.Activations())
	fs.BoolVar(&c.log, "log", false, "model the logarithms of the states; default true without -data")
	fs.BoolVar(&c.normalise, "normalise", true, "scale the states to mean 0 and deviation 1, and time to match")
	fs.StringVar(&c.solver, "solver", "tsit5", "method of the solver: "+experiment.Solvers())
	fs.Float64Var(&c.tolerance, "tol", 1e-6, "error a step may make, relative and absolute, in scaled states")
	fs.Float64Var(&c.step, "step", 0, "step of solvers without error control, in the unit of the time column; 0: from row to row")
	fs.StringVar(&c.adjoint, "adjoint", "discrete", "method of the gradients: "+experiment.Adjoints())
	fs.IntVar(&c.holdout, "holdout", 0, "how many of the last rows to hold out, to be forecast; default 5 without -data")
	fs.IntVar(&c.epochs, "epochs", 2000, "steps of Adam; the first half sees a growing part of the data")
	fs.IntVar(&c.polish, "polish", 500, "iterations of L-BFGS after them, at most")
	fs.Float64Var(&c.rate, "lr", 1e-2, "learning rate of Adam at its start; it falls to 0 along a cosine")
	fs.Float64Var(&c.decay, "decay", 2e-3, "weight decay: half of it times the sum of the squared weights is added to the loss")
	if err := experiment.Parse(fs, args, stderr); err != nil {
		return nil, err
	}
	c.given = func(name string) bool { return experiment.IsSet(fs, name) }
	if *states != "" {
		c.states = split(*states)
	}
	var err error
	if c.hidden, err = widths(*hidden); err != nil {
		return nil, err
	}
	if c.activation, err = experiment.Activation(*activation); err != nil {
		return nil, err
	}
	c.defaults()
	return c, c.validate()
}

// defaults fills in what depends on other flags.
func (c *config) defaults() {
	if c.data == "" {
		if !c.given("log") {
			c.log = true
		}
		if !c.given("holdout") {
			c.holdout = 5
		}
	}
	if c.Quick {
		if !c.given("epochs") {
			c.epochs = 300
		}
		if !c.given("polish") {
			c.polish = 30
		}
	}
}

func (c *config) validate() error {
	if _, err := experiment.Solver(c.solver); err != nil {
		return err
	}
	if _, err := experiment.Adjoint(c.adjoint); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		ok   bool
	}{
		{"tol", c.tolerance > 0 && c.tolerance < 1},
		{"step", c.step >= 0 && !math.IsInf(c.step, 0)},
		{"holdout", c.holdout >= 0},
		{"epochs", c.epochs >= 0},
		{"polish", c.polish >= 0},
		{"lr", c.rate > 0 && !math.IsInf(c.rate, 0)},
		{"decay", c.decay >= 0 && !math.IsInf(c.decay, 0)},
	} {
		if !f.ok {
			return experiment.Usagef("-%s is out of its range; see -h", f.name)
		}
	}
	if c.load == "" {
		return nil
	}
	for _, name := range []string{"time", "states", "hidden", "activation", "log", "normalise", "seed"} {
		if c.given(name) {
			return experiment.Usagef("-%s is part of the model, which -load reads from %s; leave it out", name, c.load)
		}
	}
	return nil
}

// widths reads a list of layer widths.
func widths(list string) ([]int, error) {
	var w []int
	for _, s := range split(list) {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, experiment.Usagef("-hidden %s: %q is not a positive whole number", list, s)
		}
		w = append(w, n)
	}
	return w, nil
}

// split splits a list at its commas.
func split(list string) []string {
	var items []string
	for _, s := range strings.Split(list, ",") {
		if s = strings.TrimSpace(s); s != "" {
			items = append(items, s)
		}
	}
	return items
}

// describe returns the description of a new model for a table.
func (c *config) describe(d *measurements) description {
	n := len(d.states)
	return description{
		Time: d.time, Clock: d.clock, States: d.states, FirstRow: d.firstRow(), Log: c.log,
		Network: layers.MLP{In: n, Hidden: c.hidden, Out: n, Activation: c.activation},
		Solver:  c.solver, Tolerance: c.tolerance, Step: c.step, Adjoint: c.adjoint,
		Holdout: c.holdout, Seed: c.Seed,
	}
}

// override puts the flags that were given, and may differ, into a loaded description.
func (c *config) override(d *description) {
	for name, set := range map[string]func(){
		"solver":  func() { d.Solver = c.solver },
		"tol":     func() { d.Tolerance = c.tolerance },
		"step":    func() { d.Step = c.step },
		"adjoint": func() { d.Adjoint = c.adjoint },
		"holdout": func() { d.Holdout = c.holdout },
	} {
		if c.given(name) {
			set()
		}
	}
}

// String describes the flags that matter to training.
func (c *config) String() string {
	return fmt.Sprintf("%d steps of Adam from %g, then L-BFGS for at most %d", c.epochs, c.rate, c.polish)
}
