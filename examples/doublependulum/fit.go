package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/examples/internal/train"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
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
	last, err := train.LBFGS{
		Iterations: c.matching, Objective: objective,
		After: func(_ int, loss float64) {
			m.steps++
			bar.Step(loss)
		},
	}.Run(ctx, m.theta)
	bar.Done(last)
	return unlessCancelled(err)
}

// fit trains the model on, through the solver, over the first n intervals of the data.
func (m *model) fit(ctx context.Context, d *data, n, iterations int, opt odeint.Options, stderr io.Writer) error {
	field, err := m.newField(1, nil)
	if err != nil {
		return err
	}
	solver, err := adjoint.New[float64](field, opt, adjoint.Discrete{})
	if err != nil {
		return err
	}
	z := d.scale(d.y)
	trajectory := &train.Trajectory{Field: field, Solver: solver, Times: d.units.times(d.times), Start: z[:dim], Target: z}
	bar := experiment.NewBar(stderr, string(m.kind)+", solver", iterations)
	m.loss, err = train.LBFGS{
		Iterations: iterations, Objective: trajectory.Loss(n),
		After: func(_ int, loss float64) {
			m.steps++
			bar.Step(loss)
		},
	}.Run(ctx, m.theta)
	bar.Done(m.loss)
	m.work.Solves += trajectory.Work.Solves
	m.work.NFEForward += trajectory.Work.NFEForward
	m.work.NFEBackward += trajectory.Work.NFEBackward
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
