// Command control learns a driven pendulum from runs with forces that an operator has set.
package main

import (
	"context"
	"errors"
	"math"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/control"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

var program = experiment.New("control", `Learns θ″ = −sin θ − 0.2θ′ + u(t) from 40 runs in which the force u is set anew every second,
and predicts 8 runs with other forces. Writes unseen.png, model.safetensors and metrics.json.`, run)

func main() { experiment.Main("control", program) }

func run(ctx context.Context, r *experiment.Run) error {
	var all train.Dataset[float64]
	for range 48 {
		force := train.Controls[float64]{Times: train.Grid(5, 5), Values: make([]float64, 6)}
		for i := range force.Values {
			force.Values[i] = r.Rand.NormFloat64() / 2
		}
		pendulum := odeint.NewFunc(2, func(dydt []float64, t float64, y []float64) {
			u := force.Values[min(int(t), 5)]
			dydt[0], dydt[1] = y[1], u-math.Sin(y[0])-0.2*y[1]
		})
		y0 := []float64{r.Rand.NormFloat64(), r.Rand.NormFloat64()}
		sol, err := odeint.Solve(pendulum, 0, 6, y0, odeint.Options{Jumps: force.Times, SaveAt: odeint.SaveAt{Times: train.Grid(6, 30)}})
		if err != nil {
			return err
		}
		all = append(all, train.Trajectory[float64]{Times: sol.T, States: sol.Y, Controls: force})
	}
	data, unseen := all.Split(1.0/6, r.Rand)
	model, err := train.New[float64](layers.AppendInput{Of: layers.MLP{In: 3, Hidden: []int{32}, Out: 2}, Channels: 1},
		train.Config{Input: &train.InputConfig{Channels: 1, Kind: control.Previous}, Scaler: train.Standardise(data), Rand: r.Rand})
	if err != nil {
		return err
	}
	_, err = experiment.Fit(ctx, r, model, data.Windows(6, 5), train.Options[float64]{Steps: r.Steps(400), Optimizer: train.LBFGS{}, Validation: unseen})
	return errors.Join(err, experiment.Plot(ctx, r.Path("unseen.png"), model, unseen, "angle", "velocity"), model.Save(r.Path("model.safetensors")))
}
