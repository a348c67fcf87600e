// Command doublependulum learns a double pendulum from 26 states, once by a Neural
// ODE and once by a Hamiltonian neural network, and follows both far beyond the data.
package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/neuralode/neuralode/train/experiment"
)

const about = `Learns a double pendulum (masses and lengths 1, g = 9.8) that starts at
q = (0.05, −0.05), p = 0, from 26 states on [0, 2.5]: by a Neural ODE of 64 tanh, and
by a Hamiltonian network 4-64-1. Both are first matched to the slopes of a spline
through the states and then trained through the solver, and followed to t = 200; the
learned energy to t = 2000. Beside them are trained, through the solver alone, both at
once ("cold"), and the Hamiltonian network over ever more of the states ("grown").
Writes figure8.png to figure11.png and metrics.json.`

func main() { experiment.Main("doublependulum", run) }

type config struct {
	experiment.Common
	solver               string
	matching, iterations int
	far                  float64 // how far the learned energy is followed
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	began := time.Now()
	c := config{Common: experiment.Common{Out: "out/doublependulum", Seed: 1}, far: 2000}
	fs := experiment.NewFlags("doublependulum", about, &c.Common)
	fs.StringVar(&c.solver, "solver", "tsit5", "through which the Hamiltonian network is trained: tsit5 or gauss")
	fs.IntVar(&c.matching, "match", 200, "iterations of L-BFGS of derivative matching")
	fs.IntVar(&c.iterations, "iterations", 400, "iterations of L-BFGS through the solver")
	if err := experiment.Parse(fs, args, stderr); err != nil {
		return err
	}
	if c.matching < 0 || c.iterations < 0 {
		return experiment.Usagef("-match %d, -iterations %d: neither may be negative", c.matching, c.iterations)
	}
	if c.solver != "tsit5" && c.solver != "gauss" {
		return experiment.Usagef("there is no solver %q; there are tsit5 and gauss", c.solver)
	}
	if c.Quick {
		c.matching, c.iterations, c.far = min(c.matching, 60), min(c.iterations, 20), horizon
	}
	whole := context.WithoutCancel(ctx) // of all but the training, which is what takes time
	d, err := observe(whole)
	if err != nil {
		return err
	}
	t, err := c.train(ctx, d, stderr)
	if err != nil {
		return err
	}
	r, err := c.rollouts(whole, t)
	if err != nil {
		return err
	}
	if err := figures(c.Out, d, r); err != nil {
		return err
	}
	var metrics experiment.Metrics
	metrics.SetUint("seed", c.Seed)
	t.report(&metrics)
	r.report(&metrics)
	metrics.Set("seconds", time.Since(began).Seconds())
	fmt.Fprint(stdout, metrics.String())
	if err := metrics.WriteFile(filepath.Join(c.Out, "metrics.json")); err != nil || ctx.Err() == nil {
		return err
	}
	return experiment.Stopped(ctx.Err(), t.steps(), c.Out)
}
