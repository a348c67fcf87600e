package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/modelfile"
	"github.com/neuralode/neuralode/train/table"
)

// fit is one run of the program.
type fit struct {
	config *config
	data   *measurements
	notes  []string // about the table
	rows   int      // that are fitted; those after them are forecast
	model  *model
	path   *train.Problem[float64]
	loss   float64 // of the last step, for the progress bar
	steps  int     // optimiser steps of this run
	saved  time.Time
	stderr io.Writer
}

// saveEvery is the time between two saves of the model during training.
var saveEvery = 10 * time.Second

// prepare reads the data and makes or loads the model. That the folder for the results can be
// written to is found out here, not after the training.
func prepare(c *config, stderr io.Writer) (*fit, error) {
	f := &fit{config: c, loss: math.NaN(), saved: time.Now(), stderr: stderr}
	if err := modelfile.Probe(c.Out); err != nil {
		return nil, err
	}
	var clock *table.Clock
	if c.load != "" {
		m, err := load(c.load)
		if err != nil {
			return nil, err
		}
		c.override(&m.description)
		c.time, c.states, clock = m.Time, m.States, m.Clock
		f.model = m
	}
	var err error
	if f.data, err = open(c, clock); err != nil {
		return nil, err
	}
	log, holdout := c.log, c.holdout
	if f.model != nil {
		log, holdout = f.model.Log, f.model.Holdout
	}
	f.notes = f.data.notes
	if n := len(f.data.states); n > mostPanels {
		f.notes = append(f.notes, fmt.Sprintf("fit.png shows the first %d of %d states", mostPanels, n))
	}
	f.rows = len(f.data.t) - holdout
	if err := f.data.check(f.rows, log); err != nil {
		return nil, err
	}
	if f.model == nil {
		s := newScale(f.data, f.rows, c.log, c.normalise)
		if f.model, err = newModel(c.describe(f.data), s, start(f.data, &s)); err != nil {
			return nil, err
		}
	} else if first := f.data.firstRow(); first != f.model.FirstRow {
		f.model.FirstRow = first
		f.model.scale.Origin = f.data.t[0]
		f.model.start = start(f.data, &f.model.scale)
		f.notes = append(f.notes, "the first row is not the one that the model was fitted to; predictions start from it")
	}
	if f.path, err = f.model.trajectory(f.data, f.rows); err != nil {
		return nil, fmt.Errorf("%w: %w", experiment.ErrUsage, err)
	}
	return f, nil
}

// start returns a first guess of the initial state: the first value there is of each.
func start(d *measurements, s *scale) []float64 {
	y := make([]float64, len(d.states))
	for k := range y {
		for _, v := range d.column(k) {
			if !math.IsNaN(v) {
				y[k] = v
				break
			}
		}
	}
	return s.states(y)
}

// String says what is fitted to what.
func (f *fit) String() string {
	return fmt.Sprintf("%s: %d rows of %s over %s, the last %d held out; %d weights; %v",
		f.data.file, len(f.data.t), strings.Join(f.data.states, ", "), f.data.time, len(f.data.t)-f.rows, f.model.field.NumParams(), f.config)
}

// train fits the model. Whatever ends it, the model is the best one known then.
func (f *fit) train(ctx context.Context) error {
	c := f.config
	all := f.rows - 1
	horizon := train.GrowingHorizon(all, all, 0)
	if c.load == "" {
		horizon = train.GrowingHorizon(max(3, all/10), all, c.epochs/2)
	}
	x := f.model.vector()
	defer func() { f.model.set(x) }()

	bar := experiment.NewBar(f.stderr, "adam  ", c.epochs)
	var err error
	if c.epochs > 0 {
		_, err = train.Minimize(ctx, nil, x, train.MinimizeOptions{
			Steps:    c.epochs,
			Schedule: train.Cosine(c.rate, 0, c.epochs),
			Varying:  func(step int) train.Objective { return f.objective(horizon(step)) },
			Hook: func(s train.Step) error {
				f.after(x, s.Loss, bar)
				return nil
			},
		})
	}
	bar.Done(f.loss)
	if err != nil || c.polish == 0 {
		return err
	}
	bar = experiment.NewBar(f.stderr, "l-bfgs", c.polish)
	defer func() { bar.Done(f.loss) }()
	best, objective := lowest(f.objective(all), x)
	report, err := train.Minimize(ctx, objective, x, train.MinimizeOptions{Steps: c.polish, Optimizer: train.LBFGS{}, Hook: func(s train.Step) error {
		f.after(best, s.Loss, bar)
		return nil
	}})
	f.loss = report.Loss
	return err
}

// objective is the loss over the first intervals of the data, weight decay included.
func (f *fit) objective(intervals int) train.Objective {
	return train.WithDecay(f.path.Loss(intervals), f.config.decay, f.model.field.NumParams())
}

// lowest returns an objective that keeps the point of the lowest loss met, and that point, which
// is x at first.
func lowest(objective train.Objective, x []float64) (best []float64, watched train.Objective) {
	best = slices.Clone(x)
	low := math.Inf(1)
	return best, func(ctx context.Context, grad, x []float64) (float64, error) {
		loss, err := objective(ctx, grad, x)
		if err == nil && loss < low {
			low = loss
			copy(best, x)
		}
		return loss, err
	}
}

// after counts a step and saves the model x now and then. A save that fails is said, and
// tried again.
func (f *fit) after(x []float64, loss float64, bar *experiment.Bar) {
	f.loss = loss
	f.steps++
	f.model.Steps++
	bar.Step(loss)
	if time.Since(f.saved) > saveEvery {
		f.saved = time.Now()
		f.model.set(x)
		if err := f.model.save(f.config.Out); err != nil {
			fmt.Fprintf(f.stderr, "\nfit: %v; training goes on\n", err)
		}
	}
}
