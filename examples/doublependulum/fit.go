package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

// kind is a way to model the slopes of a state.
type kind string

const (
	node        kind = "node" // a network: a Neural ODE
	hamiltonian kind = "hnn"  // (∂H/∂p, −∂H/∂q) of a network H
)

// network returns the network of 64 tanh: the field itself, or its energy.
//
// Without biases a network of tanh is odd. That suits a field near a rest position, but
// an energy is nearly even there, so its biases do not begin at zero.
func (k kind) network() layers.MLP {
	net := layers.MLP{In: dim, Hidden: []int{64}, Out: dim, Activation: layers.Tanh}
	if k == hamiltonian {
		net.Out, net.BiasInit = 1, layers.Uniform(-1, 1)
	}
	return net
}

// newField compiles the field for n states at a time.
func (k kind) newField(n int, r *rand.Rand) (*graph.Field[float64], error) {
	var m graph.Module = k.network()
	if k == hamiltonian {
		m = hnn.Field{H: k.network()}
	}
	return graph.NewField[float64](m, n, graph.FieldConfig{Rand: r})
}

// model is a trained network.
type model struct {
	kind
	units
	theta          []float64
	loss           float64 // mean squared error of the trajectory, in units
	matched, final quality // before and after the training through the solver
	work           train.Work
	steps          int // iterations of L-BFGS
}

// untrained returns a model with random weights.
func (c *config) untrained(k kind, d *data) (*model, error) {
	field, err := k.newField(1, rand.New(rand.NewPCG(c.Seed, 0)))
	if err != nil {
		return nil, err
	}
	return &model{kind: k, units: d.units, theta: field.Params()}, nil
}

// match fits the field to the slopes of the curve: no solver, and no slope that was not
// estimated from the 26 states. It ends early, before the field learns the errors of
// the curve: they do not show in the fit, but in the energy far beyond it.
func (c *config) match(ctx context.Context, m *model, d *data, stderr io.Writer) error {
	const samples = 201
	u, du, err := hnn.FromStates(d.curve, train.Grid(end, samples-1))
	if err != nil {
		return err
	}
	u, du = d.scale(u), d.scale(du)
	for i := range du {
		du[i] *= d.t
	}
	field, err := m.newField(samples, nil)
	if err != nil {
		return err
	}
	loss := hnn.NewMatching(field, nil)
	objective := func(ctx context.Context, grad, theta []float64) (float64, error) {
		copy(field.Params(), theta)
		return loss.Loss(grad, nil, u, du), ctx.Err()
	}
	bar := experiment.NewBar(stderr, string(m.kind)+", matching", c.matching)
	return m.minimize(ctx, objective, c.matching, bar)
}

// fit trains the model on, through the solver, over the first n intervals of the data.
func (m *model) fit(ctx context.Context, d *data, n, iterations int, opt odeint.Options, stderr io.Writer) error {
	model, err := train.FromField(func(batch int) (train.Field[float64], error) { return m.newField(batch, nil) }, train.Config{Solve: opt})
	if err != nil {
		return err
	}
	data := train.Dataset[float64]{{Times: d.units.times(d.times), States: d.scale(d.y)}}
	problem, err := train.NewProblem(model, data, train.Options[float64]{Loss: train.Scaled(dim, train.MSE[float64])}) // (2.2)
	if err != nil {
		return err
	}
	bar := experiment.NewBar(stderr, string(m.kind)+", solver", iterations)
	err = m.minimize(ctx, problem.Loss(n), iterations, bar)
	m.work.Solves += problem.Work().Solves
	m.work.NFEForward += problem.Work().NFEForward
	m.work.NFEBackward += problem.Work().NFEBackward
	return err
}

// minimize trains the parameters by L-BFGS. The loss at last is the model's.
func (m *model) minimize(ctx context.Context, f train.Objective, iterations int, bar *experiment.Bar) error {
	report, err := train.Minimize(ctx, f, m.theta, train.MinimizeOptions{Steps: iterations, Optimizer: train.LBFGS{}, Hook: func(s train.Step) error {
		m.steps++
		bar.Step(s.Loss)
		return nil
	}})
	m.loss = report.Loss
	bar.Done(m.loss)
	return unlessCancelled(err)
}

// unlessCancelled makes a training that was interrupted one that ends early: the model is what
// it was by then.
func unlessCancelled(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
