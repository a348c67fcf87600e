// Command ude learns the unknown part of a predator–prey system beside its known part.
package main

import (
	"context"
	"errors"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	G "gorgonia.org/gorgonia"
)

var program = experiment.New("ude", `Learns x′ = 1.3x − 0.9xy, y′ = 0.8xy − 1.8y from 61 states on [0, 6], with the linear
rates known and a network for the rest, and forecasts it to t = 12 (Rackauckas et al. 2020).
Writes forecast.png and metrics.json.`, run)

func main() { experiment.Main("ude", program) }

func run(ctx context.Context, r *experiment.Run) error {
	truth := odeint.NewFunc(2, func(dy []float64, _ float64, y []float64) { dy[0], dy[1] = (1.3-0.9*y[1])*y[0], (0.8*y[0]-1.8)*y[1] })
	sol, err := odeint.Solve(truth, 0, 12, []float64{0.44249296, 4.6280594}, odeint.Options{RTol: 1e-9, SaveAt: odeint.SaveAt{Times: train.Grid(12, 120)}})
	if err != nil {
		return err
	}
	all := train.Dataset[float64]{{Times: sol.T, States: sol.Y}}
	seen, later := all.SplitTime(6)
	known := layers.Equations{Dim: 2, Rates: func(e *layers.Expr, y []*G.Node, _ layers.Parts) []*G.Node {
		return []*G.Node{e.Scale(1.3, y[0]), e.Scale(-1.8, y[1])}
	}}
	unknown := layers.Sequential{layers.Scale{Of: layers.Identity, By: 0.2}, layers.MLP{In: 2, Hidden: []int{32}, Out: 2}}
	model, err := train.New[float64](layers.Sum{known, unknown}, train.Config{Rand: r.Rand, Solve: odeint.Options{RTol: 1e-6, ATol: 1e-6}})
	if err != nil {
		return err
	}
	adam := train.Options[float64]{Steps: r.Steps(1000), Schedule: train.Cosine(0.02, 1e-4, r.Steps(1000))} // on short pieces first
	if _, err = experiment.Fit(ctx, r, model, seen.Windows(6, 5), adam); err == nil {
		_, err = experiment.Fit(ctx, r, model, seen, train.Options[float64]{Steps: r.Steps(500), Optimizer: train.LBFGS{}, Validation: later})
	}
	return errors.Join(err, experiment.Plot(ctx, r.Path("forecast.png"), model, all, "prey", "predators"))
}
