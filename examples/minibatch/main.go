// Command minibatch learns a damped pendulum from 50 trajectories.
package main

import (
	"context"
	"errors"
	"math"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

var program = experiment.New("minibatch", "Learns a damped pendulum from 50 trajectories, in minibatches of 10.\nWrites unseen.png, model.safetensors and metrics.json.", run)

func main() { experiment.Main("minibatch", program) }

func run(ctx context.Context, r *experiment.Run) error {
	pendulum := odeint.NewFunc(2, func(dydt []float64, _ float64, y []float64) { dydt[0], dydt[1] = y[1], -math.Sin(y[0])-0.2*y[1] })
	var all train.Dataset[float64]
	for range 60 {
		sol, err := odeint.Solve(pendulum, 0, 6, []float64{3*r.Rand.Float64() - 1.5, 2*r.Rand.Float64() - 1}, odeint.Options{SaveAt: odeint.SaveAt{Times: train.Grid(6, 30)}})
		if err != nil {
			return err
		}
		all = append(all, train.Trajectory[float64]{Times: sol.T, States: sol.Y})
	}
	data, unseen := all.Split(1.0/6, r.Rand)
	model, err := train.New[float64](layers.MLP{In: 2, Hidden: []int{32}, Out: 2}, train.Config{Scaler: train.Standardise(data), Rand: r.Rand})
	if err != nil {
		return err
	}
	if _, err := experiment.Fit(ctx, r, model, data, train.Options[float64]{
		Epochs: r.Steps(400), BatchSize: 10, Horizon: train.GrowingHorizon(5, 30, r.Steps(1000)), Schedule: train.Cosine(0.02, 0, 5*r.Steps(400)), Validation: unseen, Rand: r.Rand,
	}); err != nil {
		return err
	}
	return errors.Join(experiment.Plot(ctx, r.Path("unseen.png"), model, unseen, "angle", "velocity"), model.Save(r.Path("model.safetensors")))
}
