package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/neuralode/neuralode/examples/internal/train"
	"github.com/neuralode/neuralode/train/experiment"
)

// fit is one run of the program.
type fit struct {
	config *config
	data   *table
	rows   int // that are fitted; those after them are forecast
	model  *model
	path   *train.Trajectory
	loss   float64 // of the last step, for the progress bar
	steps  int     // optimiser steps of this run
	saved  time.Time
}

// saveEvery is the time between two saves of the model during training.
const saveEvery = 10 * time.Second

// prepare reads the data and makes or loads the model.
func prepare(c *config) (*fit, error) {
	f := &fit{config: c, loss: math.NaN(), saved: time.Now()}
	if c.load != "" {
		m, err := load(c.load)
		if err != nil {
			return nil, err
		}
		c.override(&m.description)
		c.columns = columns{m.Time, m.States}
		f.model = m
	}
	var err error
	if f.data, err = open(c); err != nil {
		return nil, err
	}
	log, holdout := c.log, c.holdout
	if f.model != nil {
		log, holdout = f.model.Log, f.model.Holdout
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
	}
	if f.path, err = f.model.trajectory(f.data, f.rows); err != nil {
		return nil, fmt.Errorf("%w: %w", experiment.ErrUsage, err)
	}
	return f, nil
}

// start returns a first guess of the initial state: the first value there is of each.
func start(d *table, s *scale) []float64 {
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
func (f *fit) train(ctx context.Context, stderr io.Writer) error {
	c := f.config
	all := f.rows - 1
	horizon := train.GrowingHorizon(all, all, 0)
	if c.load == "" {
		horizon = train.GrowingHorizon(max(3, all/10), all, c.epochs/2)
	}
	x := f.model.vector()
	defer func() { f.model.set(x) }()

	bar := experiment.NewBar(stderr, "adam  ", c.epochs)
	err := train.Adam{
		Steps:     c.epochs,
		Rate:      train.Cosine(c.rate, 0, c.epochs),
		Objective: func(step int) train.Objective { return f.objective(horizon(step)) },
		After:     func(_ int, loss float64) { f.after(x, loss, bar) },
	}.Run(ctx, x)
	bar.Done(f.loss)
	if err != nil || c.polish == 0 {
		return err
	}
	bar = experiment.NewBar(stderr, "l-bfgs", c.polish)
	defer func() { bar.Done(f.loss) }()
	f.loss, err = train.LBFGS{
		Iterations: c.polish,
		Objective:  f.objective(all),
		After:      func(_ int, loss float64) { f.after(nil, loss, bar) },
	}.Run(ctx, x)
	return err
}

// objective is the loss over the first intervals of the data, weight decay included.
func (f *fit) objective(intervals int) train.Objective {
	return train.WithDecay(f.path.Loss(intervals), f.config.decay, f.model.field.NumParams())
}

// after counts a step. Now and then it saves the model, if x holds it.
func (f *fit) after(x []float64, loss float64, bar *experiment.Bar) {
	f.loss = loss
	f.steps++
	f.model.Steps++
	bar.Step(loss)
	if x != nil && time.Since(f.saved) > saveEvery {
		f.saved = time.Now()
		f.model.set(x)
		// A save that fails now is tried again, and reported, at the end.
		_ = f.model.save(f.config.Out)
	}
}
