package main

import (
	"context"
	"io"
	"math"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

// A road is a way to train.
type road int

const (
	warm    road = iota // derivative matching, then through the solver
	cold                // through the solver at once
	growing             // through the solver, over ever more of the observations
)

// trained are the two models and, beside them, those that had no derivative matching.
type trained struct{ node, hnn, nodeCold, hnnCold, hnnGrown *model }

func (t *trained) all() []*model {
	return []*model{t.node, t.hnn, t.nodeCold, t.hnnCold, t.hnnGrown}
}

// steps is how many iterations all trainings took.
func (t *trained) steps() int {
	steps := 0
	for _, m := range t.all() {
		steps += m.steps
	}
	return steps
}

// train trains all models. When ctx is cancelled they are what they were by then.
func (c *config) train(ctx context.Context, d *data, stderr io.Writer) (*trained, error) {
	t := new(trained)
	for _, part := range []struct {
		dst  **model
		kind kind
		road road
	}{
		{&t.node, node, warm}, {&t.hnn, hamiltonian, warm},
		{&t.nodeCold, node, cold}, {&t.hnnCold, hamiltonian, cold}, {&t.hnnGrown, hamiltonian, growing},
	} {
		var err error
		if *part.dst, err = c.learn(ctx, part.kind, part.road, d, stderr); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// learn trains a model from the weights of the seed.
func (c *config) learn(ctx context.Context, k kind, by road, d *data, stderr io.Writer) (*model, error) {
	m, err := c.untrained(k, d)
	if err != nil {
		return nil, err
	}
	opt := tight()
	if k == hamiltonian && c.solver == "gauss" {
		opt = gauss(trainingStep / d.t)
	}
	switch by {
	case warm:
		if err := c.match(ctx, m, d, stderr); err != nil {
			return nil, err
		}
		if m.matched, err = m.judge(context.WithoutCancel(ctx), d); err != nil {
			return nil, err
		}
	case growing:
		for n := 3; n < intervals; n += 3 {
			if err := m.fit(ctx, d, n, c.iterations/4, opt, stderr); err != nil {
				return nil, err
			}
		}
	}
	if err := m.fit(ctx, d, intervals, c.iterations, opt, stderr); err != nil {
		return nil, err
	}
	m.final, err = m.judge(context.WithoutCancel(ctx), d)
	return m, err
}

// quality is how well a model does: its root mean squared error at the observations in the
// pendulum's units, and the largest deviation of the true energy along its rollout to the
// horizon, over the energy at the start. They are infinite where the rollout diverges.
type quality struct{ rmse, energy float64 }

func (m *model) judge(ctx context.Context, d *data) (quality, error) {
	q := quality{math.Inf(1), math.Inf(1)}
	inside, err := m.at(ctx, d.times, tight())
	if err != nil {
		return q, err
	}
	if len(inside.y) == len(d.y) {
		q.rmse = train.RMSE(inside.y, d.y)
	}
	times := train.Grid(horizon, 4000)
	beyond, err := m.at(ctx, times, tight())
	if err != nil {
		return q, err
	}
	if len(beyond.times) == len(times) {
		e, err := energies(beyond.times, beyond.y)
		if err != nil {
			return q, err
		}
		q.energy = deviation(e, e[0])
	}
	return q, nil
}

func (t *trained) report(metrics *experiment.Metrics) {
	metrics.Set("loss", t.hnn.loss)
	metrics.Set("node_loss", t.node.loss)
	metrics.Set("node_rmse", t.node.final.rmse)
	metrics.Set("hnn_rmse", t.hnn.final.rmse)
	for _, q := range []struct {
		name string
		quality
	}{
		{"node_matched", t.node.matched}, {"hnn_matched", t.hnn.matched},
		{"node_cold", t.nodeCold.final}, {"hnn_cold", t.hnnCold.final}, {"hnn_grown", t.hnnGrown.final},
	} {
		metrics.Set(q.name+"_rmse", q.rmse)
		metrics.Set(q.name+"_energy_deviation", q.energy)
	}
	var forward, backward int
	for _, m := range t.all() {
		forward += m.work.NFEForward
		backward += m.work.NFEBackward
	}
	metrics.SetInt("steps", t.steps())
	metrics.SetInt("nfe_forward", forward)
	metrics.SetInt("nfe_backward", backward)
}
