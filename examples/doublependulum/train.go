package main

import (
	"context"
	"io"

	"github.com/neuralode/neuralode/examples/internal/artifact"
	"github.com/neuralode/neuralode/examples/internal/train"
)

// trained are the models and, beside them, those of a cold start through the solver.
type trained struct{ node, hnn, nodeCold, hnnCold *model }

func (c *config) train(ctx context.Context, d *data, stderr io.Writer) (*trained, error) {
	t := new(trained)
	for _, part := range []struct {
		dst  **model
		kind kind
		warm bool
	}{{&t.node, node, true}, {&t.hnn, hamiltonian, true}, {&t.nodeCold, node, false}, {&t.hnnCold, hamiltonian, false}} {
		var err error
		if *part.dst, err = c.learn(ctx, part.kind, part.warm, d, stderr); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// learn trains a model from the weights of the seed: through the solver, and if it is to be
// warm, by derivative matching before.
func (c *config) learn(ctx context.Context, k kind, warm bool, d *data, stderr io.Writer) (*model, error) {
	m, err := c.untrained(k, d)
	if err != nil {
		return nil, err
	}
	if warm {
		if err := c.match(ctx, m, d, stderr); err != nil {
			return nil, err
		}
		if m.matched.rmse, err = m.rmse(ctx, d); err != nil {
			return nil, err
		}
		if m.matched.energy, err = m.trueEnergy(ctx); err != nil {
			return nil, err
		}
	}
	opt := tight()
	if k == hamiltonian && c.solver == "gauss" {
		opt = gauss(trainingStep / d.t)
	}
	if err := c.fit(ctx, m, d, opt, stderr); err != nil {
		return nil, err
	}
	m.error, err = m.rmse(ctx, d)
	return m, err
}

// rmse is the error of the model at the observations, in the pendulum's units.
func (m *model) rmse(ctx context.Context, d *data) (float64, error) {
	r, err := m.at(ctx, d.times, tight())
	if err != nil {
		return 0, err
	}
	return train.RMSE(r.y, d.y[:len(r.y)]), nil
}

// trueEnergy is the largest deviation of the true energy along the model's rollout.
func (m *model) trueEnergy(ctx context.Context) (float64, error) {
	r, err := m.at(ctx, grid(horizon, 4000), tight())
	if err != nil {
		return 0, err
	}
	e, err := energies(r.times, r.y)
	if err != nil {
		return 0, err
	}
	return deviation(e, e[0]), nil
}

func (t *trained) report(metrics *artifact.Metrics) {
	metrics.Set("loss", t.hnn.loss)
	metrics.Set("node_loss", t.node.loss)
	metrics.Set("node_rmse", t.node.error)
	metrics.Set("hnn_rmse", t.hnn.error)
	metrics.Set("node_matched_rmse", t.node.matched.rmse)
	metrics.Set("node_matched_energy_deviation", t.node.matched.energy)
	metrics.Set("hnn_matched_rmse", t.hnn.matched.rmse)
	metrics.Set("hnn_matched_energy_deviation", t.hnn.matched.energy)
	metrics.Set("node_cold_rmse", t.nodeCold.error)
	metrics.Set("hnn_cold_rmse", t.hnnCold.error)
	var steps, forward, backward int
	for _, m := range []*model{t.node, t.hnn, t.nodeCold, t.hnnCold} {
		steps += m.steps
		forward += m.work.NFEForward
		backward += m.work.NFEBackward
	}
	metrics.SetInt("steps", steps)
	metrics.SetInt("nfe_forward", forward)
	metrics.SetInt("nfe_backward", backward)
}
