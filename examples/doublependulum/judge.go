package main

import (
	"context"
	"fmt"

	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

// energetic is a rollout with its true energy.
type energetic struct {
	*rollout
	energy []float64
}

// rolled are the rollouts of a run.
type rolled struct {
	inside               [2]*rollout // Neural ODE and Hamiltonian network, finely over the observations
	truth, node, hnn     energetic   // to the horizon: the models themselves
	truthLoose, hnnLoose energetic   // with the tolerances of the paper
	learned              *learned
}

func (c *config) rollouts(ctx context.Context, t *trained) (*rolled, error) {
	r := new(rolled)
	var err error
	fine := train.Grid(end, 250)
	for i, m := range []*model{t.node, t.hnn} {
		if r.inside[i], err = m.at(ctx, fine, tight()); err != nil {
			return nil, err
		}
	}
	pendulum, err := trueField()
	if err != nil {
		return nil, err
	}
	// The ends of the steps of Gauss–Legendre, for all to be compared at.
	times := train.Grid(horizon, horizon/step)
	exact := odeint.Options{Method: odeint.Dop853, RTol: 1e-12, ATol: 1e-12}
	si := units{q: 1, p: 1, t: 1}
	for _, part := range []struct {
		dst  *energetic
		roll func() (*rollout, error)
	}{
		{&r.truth, func() (*rollout, error) { return roll(ctx, pendulum, si, horizon, times, 0, exact) }},
		{&r.truthLoose, func() (*rollout, error) { return roll(ctx, pendulum, si, horizon, nil, 1, loose(si)) }},
		{&r.node, func() (*rollout, error) { return t.node.at(ctx, times, tight()) }},
		{&r.hnn, func() (*rollout, error) { return t.hnn.stepwise(ctx, horizon, 1, gauss(step/t.hnn.t)) }},
		{&r.hnnLoose, func() (*rollout, error) { return t.hnn.stepwise(ctx, horizon, 1, loose(t.hnn.units)) }},
	} {
		if part.dst.rollout, err = part.roll(); err != nil {
			return nil, err
		}
		if part.dst.energy, err = energies(part.dst.times, part.dst.y); err != nil {
			return nil, err
		}
	}
	r.learned, err = t.hnn.conserve(ctx, c.far)
	return r, err
}

func (r *rolled) report(metrics *experiment.Metrics) {
	scale := r.truth.energy[0]
	metrics.Set("truth_energy_deviation_tsit5", deviation(r.truthLoose.energy, scale))
	metrics.Set("node_energy_deviation", deviation(r.node.energy, scale))
	metrics.Set("hnn_energy_deviation", deviation(r.hnn.energy, scale))
	metrics.Set("hnn_energy_deviation_tsit5", deviation(r.hnnLoose.energy, scale))
	near := until(r.truth.times, 10*end) * dim
	for name, y := range map[string][]float64{"node": r.node.y, "hnn": r.hnn.y} {
		if len(y) >= near {
			metrics.Set(name+"_rmse_25", train.RMSE(y[:near], r.truth.y[:near]))
		}
	}
	metrics.Set("node_end", r.node.times[len(r.node.times)-1])
	for _, l := range []struct {
		suffix string
		run    *rollout
		energy []float64
	}{{"", r.learned.gauss, r.learned.onGauss}, {"_tsit5", r.learned.tsit5, r.learned.onTsit5}} {
		drift := hnn.DriftOf(l.run.times, l.energy)
		metrics.Set("learned_h_slope_sigma"+l.suffix, drift.Sigma())
		metrics.Set(fmt.Sprintf("learned_h_deviation_%g%s", r.learned.far, l.suffix), drift.MaxDeviation/scale)
		n := until(l.run.times, horizon)
		metrics.Set(fmt.Sprintf("learned_h_deviation_%d%s", horizon, l.suffix), deviation(l.energy[:n], scale))
	}
	metrics.SetInt("learned_h_nfe", r.learned.gauss.stats.NFE)
	metrics.SetInt("learned_h_nfe_tsit5", r.learned.tsit5.stats.NFE)
}
