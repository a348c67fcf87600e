// Command lotkavolterra_noisy fits a Neural ODE to noisy observations of the
// Lotka–Volterra system, from a cold start and from a warm one by collocation, and judges
// both by the true solution.
package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

const about = `Fits a Neural ODE, one hidden layer of 64 tanh, to the Lotka–Volterra system

    x' = 2/3 x − 4/3 x y,   y' = x y − y,   from (1, 1),

seen at 41 times on [0, 10] with noise of standard deviation 0.1. The field is
first matched to the derivatives of a smoothing spline, then trained through the
solver; a run without the first stage is shown beside it.
Writes figure5.png, figure6.png, warmstart.png and metrics.json.`

func main() { experiment.Main("lotkavolterra_noisy", run) }

const (
	intervals = 40 // of the observations
	end       = 10.0
	horizon   = 50.0 // of the extrapolation, both ways
)

type config struct {
	experiment.Common
	noise, decay  float64
	match, polish int
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	began := time.Now()
	c := config{Common: experiment.Common{Out: "out/lotkavolterra_noisy", Seed: 1}}
	fs := experiment.NewFlags("lotkavolterra_noisy", about, &c.Common)
	fs.Float64Var(&c.noise, "noise", 0.1, "standard deviation of the noise")
	fs.Float64Var(&c.decay, "decay", 3e-4, "weight decay λ: λ/2·Σθ² is added to the loss")
	fs.IntVar(&c.match, "match", 500, "iterations of L-BFGS of derivative matching")
	fs.IntVar(&c.polish, "iterations", 400, "iterations of L-BFGS through the solver")
	if err := experiment.Parse(fs, args, stderr); err != nil {
		return err
	}
	if c.noise < 0 || c.decay < 0 || c.match < 0 || c.polish < 0 {
		return experiment.Usagef("-noise %v, -decay %v, -match %d, -iterations %d: none may be negative", c.noise, c.decay, c.match, c.polish)
	}
	if c.Quick {
		c.match, c.polish = min(c.match, 20), min(c.polish, 20)
	}
	d, err := observe(context.WithoutCancel(ctx), c.noise, rand.New(rand.NewPCG(c.Seed, 0)))
	if err != nil {
		return err
	}
	cold, err := c.fit(ctx, d, false, stderr)
	if err != nil {
		return err
	}
	warm, err := c.fit(ctx, d, true, stderr)
	if err != nil {
		return err
	}

	var metrics experiment.Metrics
	metrics.SetUint("seed", c.Seed)
	metrics.Set("loss", warm.loss)
	metrics.Set("loss_cold", cold.loss)
	metrics.Set("rmse_noise", train.RMSE(d.seen, d.truth))
	metrics.Set("rmse_spline", train.RMSE(warm.smooth, d.truth))
	metrics.Set("rmse_true", train.RMSE(warm.inside, d.truth))
	metrics.Set("rmse_forward_50", train.RMSE(warm.forward, d.forward))
	metrics.Set("rmse_backward_50", train.RMSE(warm.backward, d.backward))
	metrics.Set("rmse_true_cold", train.RMSE(cold.inside, d.truth))
	metrics.Set("rmse_forward_50_cold", train.RMSE(cold.forward, d.forward))
	level := 1.1 * max(warm.losses[len(warm.losses)-1], cold.losses[len(cold.losses)-1])
	metrics.SetInt("iterations_to_level", warm.within(level))
	metrics.SetInt("iterations_to_level_cold", cold.within(level))
	metrics.SetInt("steps", cold.steps()+warm.steps())
	metrics.SetInt("nfe_forward", warm.work.NFEForward+cold.work.NFEForward)
	metrics.SetInt("nfe_backward", warm.work.NFEBackward+cold.work.NFEBackward)
	if err := figures(c.Out, d, cold, warm); err != nil {
		return err
	}
	metrics.Set("seconds", time.Since(began).Seconds())
	fmt.Fprint(stdout, metrics.String())
	if err := metrics.WriteFile(filepath.Join(c.Out, "metrics.json")); err != nil || ctx.Err() == nil {
		return err
	}
	return experiment.Stopped(ctx.Err(), cold.steps()+warm.steps(), c.Out)
}

// within is after how many iterations through the solver what is minimised was at most level.
func (f *fitted) within(level float64) int {
	for i, loss := range f.losses {
		if loss <= level {
			return i
		}
	}
	return len(f.losses)
}

// data is what was observed and what is true.
type data struct {
	times, seen, truth              []float64 // at the observations
	fine, smooth                    []float64 // the true solution between them, for the figures
	far, forward, backFar, backward []float64 // from 0 to the horizon and to minus the horizon
}

// observe solves the true system and adds noise to every observation, the first included.
func observe(ctx context.Context, noise float64, r *rand.Rand) (*data, error) {
	d := &data{times: train.Grid(end, intervals), fine: train.Grid(end, 5*intervals), far: train.Grid(horizon, 500), backFar: train.Grid(-horizon, 500)}
	truth := odeint.NewFunc(2, func(du []float64, _ float64, u []float64) {
		du[0] = u[0] * (2 - 4*u[1]) / 3
		du[1] = u[1] * (u[0] - 1)
	})
	in, err := odeint.New(truth, odeint.Options{Method: odeint.Dop853, RTol: 1e-12, ATol: 1e-12})
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		times []float64
		dst   *[]float64
	}{{d.times, &d.truth}, {d.fine, &d.smooth}, {d.far, &d.forward}, {d.backFar, &d.backward}} {
		var sol odeint.Solution[float64]
		if err := in.SolveAt(ctx, &sol, part.times, []float64{1, 1}); err != nil {
			return nil, err
		}
		*part.dst = sol.Y
	}
	d.seen = make([]float64, len(d.truth))
	for i, v := range d.truth {
		d.seen[i] = v + noise*r.NormFloat64()
	}
	return d, nil
}
