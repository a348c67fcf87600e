package main

import (
	"math/rand/v2"
	"slices"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/table"
)

// description is all of a model but its numbers: the JSON in its file.
type description struct {
	Time      string       `json:"time"`            // name of the time column
	Clock     *table.Clock `json:"clock,omitempty"` // what it counts, where it holds dates
	States    []string     `json:"states"`          // names of the state columns
	Log       bool         `json:"log"`             // the model sees logarithms of the states
	Network   layers.MLP   `json:"network"`         // the right-hand side
	Solver    string       `json:"solver"`          // method of the forward solve
	Tolerance float64      `json:"tolerance"`       // relative and absolute, of the scaled states
	Step      float64      `json:"step,omitempty"`  // of solvers without error control, in rows' time
	Adjoint   string       `json:"adjoint"`         // method of the gradients
	Holdout   int          `json:"holdout"`         // rows at the end that were not fitted
	Seed      uint64       `json:"seed"`            // of the initial weights
	Steps     int          `json:"steps"`           // optimiser steps taken so far
	FirstRow  string       `json:"first_row"`       // identifies the row that predictions start from
}

// model is a Neural ODE of the scaled states: dz/dτ = net(z), where z are the states and
// τ is the time on scales of their own.
type model struct {
	description
	scale scale
	field *graph.Field[float64]
	start []float64 // z at τ = 0
}

// newModel returns an untrained model.
func newModel(d description, s scale, start []float64) (*model, error) {
	m := &model{description: d, scale: s, start: start}
	var err error
	m.field, err = graph.NewField[float64](d.Network, 1, graph.FieldConfig{Rand: rand.New(rand.NewPCG(d.Seed, 0))})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// options are those of the forward solve.
func (m *model) options() (odeint.Options, error) {
	method, err := experiment.Solver(m.Solver)
	if err != nil {
		return odeint.Options{}, err
	}
	switch {
	case method.E != nil:
		return odeint.Options{Method: method, RTol: m.Tolerance, ATol: m.Tolerance}, nil
	case m.Step > 0:
		return odeint.Options{Method: method, H0: m.Step / m.scale.Unit}, nil
	}
	return odeint.Options{Method: method, Steps: 1}, nil // from row to row
}

// trajectory returns the fit of the model to the first rows of a table.
func (m *model) trajectory(d *measurements, rows int) (*train.Problem[float64], error) {
	opt, err := m.options()
	if err != nil {
		return nil, err
	}
	method, err := experiment.Adjoint(m.Adjoint)
	if err != nil {
		return nil, err
	}
	compile := func(int) (train.Field[float64], error) { return m.field.Clone(), nil } // of one sample, always
	network, err := train.FromField(compile, train.Config{Solve: opt, Adjoint: method})
	if err != nil {
		return nil, err
	}
	data := train.Dataset[float64]{{Times: m.scale.times(d.t[:rows]), Start: m.start, States: m.scale.states(d.y[:rows*len(d.states)])}}
	loss := train.Scaled(float64(len(d.states)), train.MSE[float64]) // summed over the states, the mean over the rows
	return train.NewProblem(network, data, train.Options[float64]{LearnStarts: true, Loss: loss})
}

// vector returns what training works on, the weights and the initial state; set takes
// it back.
func (m *model) vector() []float64 { return slices.Concat(m.field.Params(), m.start) }

func (m *model) set(x []float64) {
	n := copy(m.field.Params(), x)
	copy(m.start, x[n:])
}
