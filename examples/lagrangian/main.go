// Command lagrangian learns the Lagrangian of a double pendulum from positions and
// velocities, and beside it what a network and a Hamiltonian network make of the same data.
package main

import (
	"context"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

var program = experiment.New("lagrangian", `Fits Lagrangian networks (Cranmer et al. 2020), a Hamiltonian network, which needs the
momenta, and a plain network to the accelerations of a double pendulum, m = l = 1,
g = 9.8, at random states, and rolls them out from 40 starts for 100 steps of 0.1 s.

    energies.png  the true energy along the rollouts, and its error over 29.4 J
    rollouts.png  the first angle from three starts
    metrics.json  lnn_energy_error and baseline_energy_error, the mean error at the end`, run)

func main() { experiment.Main("lagrangian", program) }

func run(ctx context.Context, r *experiment.Run) error {
	training, rollouts := plan{adam: 1000, lbfgs: 3000, states: 2048}, 40
	if r.Quick {
		training, rollouts = plan{adam: 100, lbfgs: 50, states: 128}, 4
	}
	whole := context.WithoutCancel(ctx) // of all but the training, which is what takes time
	s, err := newStudy(whole, rollouts, r.Seed)
	if err != nil {
		return err
	}
	var reports []train.Report
	forward, backward := 0, 0
	for _, k := range kinds {
		m, err := fit(ctx, k, training, r.Seed, r.Stderr)
		if err != nil && ctx.Err() == nil {
			return err
		}
		j, err := s.judge(whole, m, r.Seed)
		if err != nil {
			return err
		}
		reports = append(reports, m.report)
		forward, backward = forward+m.evals+j.nfe, backward+m.evals
		name := string(k)
		r.Metrics.Set(name+"_energy_error", j.end)
		r.Metrics.Set(name+"_energy_error_all_times", j.all)
		r.Metrics.Set(name+"_angle_rmse_1s", j.angle)
		r.Metrics.Set(name+"_slope_error", j.acceleration)
		r.Metrics.Set(name+"_loss", m.report.Loss)
		r.Metrics.Set(name+"_training_seconds", m.report.Seconds)
		r.Metrics.Set(name+"_eval_us", j.eval.Seconds()*1e6)
		r.Metrics.Set(name+"_vjp_us", j.vjp.Seconds()*1e6)
	}
	r.Metrics.Training(reports...)
	r.Metrics.SetInt("nfe_forward", forward)
	r.Metrics.SetInt("nfe_backward", backward)
	return s.figures(r)
}
