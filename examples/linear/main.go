// Command linear fits a Neural ODE to a damped rotation and judges it on unseen states.
package main

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/figure"
	"gonum.org/v1/plot/vg"
)

const about = `Fits a Neural ODE, one hidden layer of 64 tanh, to trajectories of
    du/dt = [−0.1 2; −2 −0.1] u,   u0 ~ N(0, 4²),   11 points on [0, 1],
and judges it on 100 initial states that it has not seen, on [0, 1] and from t = −30 to 10.
Writes figure1.png, figure2.png, trained.png, model.safetensors and metrics.json.`

func main() { experiment.Main("linear", run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c := experiment.Common{Out: "out/linear", Seed: 1}
	fs := experiment.NewFlags("linear", about, &c)
	n := fs.Int("trajectories", 100, "number of trajectories to train on")
	adam, lbfgs := fs.Int("adam", 600, "steps of Adam"), fs.Int("lbfgs", 400, "iterations of L-BFGS after them")
	if err := experiment.Parse(fs, args, stderr); err != nil {
		return err
	}
	if c.Quick {
		*n, *adam, *lbfgs = min(*n, 8), min(*adam, 20), min(*lbfgs, 5)
	}
	if min(*n, *adam, *lbfgs) < 1 {
		return experiment.Usagef("-trajectories, -adam and -lbfgs must be at least 1")
	}
	m, r, times := experiment.Start(c), rand.New(rand.NewPCG(c.Seed, 0)), train.Grid(1, 10)
	seen, unseen := starts(*n, r), starts(100, r)
	model, err := train.New[float64](layers.MLP{In: 2, Hidden: []int{64}, Out: 2}, train.Config{Scaler: train.Scaler{Spread: []float64{4, 4}}, Rand: r})
	if err != nil {
		return err
	}
	var reports []train.Report
	for _, stage := range []train.Options[float64]{
		{Steps: *adam, Optimizer: train.Adam{}, Schedule: train.Cosine(1e-2, 1e-4, *adam)},
		{Steps: *lbfgs, Optimizer: train.LBFGS{}},
	} {
		stage.Hook = experiment.Progress(stderr, stage.Optimizer.String(), stage.Steps, nil)
		report, err := train.Fit(ctx, model, train.Uniform(times, truth(times, seen), 2), stage)
		if err != nil && ctx.Err() == nil {
			return err
		}
		reports = append(reports, report.Report)
	}
	m.Training(reports...)
	var failed error
	judge := func(name string, times, y0 []float64) part {
		got, err := model.Predict(context.WithoutCancel(ctx), times, y0) // the training is what takes time
		failed = errors.Join(failed, err)
		times = times[:len(got)/len(y0)] // as far as the solve came
		want := truth(times, y0)
		m.Set("rel_rmse_"+name, train.RMSE(got, want)/train.RMSE(want, make([]float64, len(want))))
		return part{times, want, got, len(y0)}
	}
	err = errors.Join(
		draw(filepath.Join(c.Out, "trained.png"), judge("seen", times, seen)),
		draw(filepath.Join(c.Out, "figure1.png"), judge("unseen", train.Grid(1, 100), unseen)),
		draw(filepath.Join(c.Out, "figure2.png"), judge("backward_30", train.Grid(-30, 600), unseen), judge("forward_10", train.Grid(10, 200), unseen)),
		model.Save(filepath.Join(c.Out, "model.safetensors")), m.Finish(ctx, stdout, c.Out))
	return errors.Join(failed, err)
}

// starts draws n initial states.
func starts(n int, r *rand.Rand) []float64 {
	y := make([]float64, 2*n)
	for i := range y {
		y[i] = 4 * r.NormFloat64()
	}
	return y
}

// truth returns the states at times: y0 turned by 2t and shrunk by exp(−t/10).
func truth(times, y0 []float64) []float64 {
	var u []float64
	for _, t := range times {
		sin, cos := math.Sincos(2 * t)
		for k := 0; k < len(y0); k += 2 {
			u = append(u, math.Exp(-t/10)*(cos*y0[k]+sin*y0[k+1]), math.Exp(-t/10)*(cos*y0[k+1]-sin*y0[k]))
		}
	}
	return u
}

// part is a prediction of some trajectories.
type part struct {
	times, want, got []float64
	width            int // of a row: twice the number of trajectories
}

// draw shows the first trajectory against time, and the phase plane.
func draw(path string, parts ...part) error {
	u, phase := []*figure.Panel{figure.New("The first trajectory", "time", "u1"), figure.New("", "time", "u2")}, figure.New("", "u1", "u2")
	shown := map[int]int{1: 8, 2: 1}[len(parts)] // trajectories in the phase plane
	labels := [2]string{"truth", "Neural ODE"}
	for _, p := range parts {
		for j := range u {
			u[j].Line(labels[0], p.times, train.Column(p.want, p.width, j), figure.Wide(figure.Blue))
			u[j].Line(labels[1], p.times, train.Column(p.got, p.width, j), figure.Solid(figure.Blue))
		}
		labels = [2]string{}
		for k := 0; k < min(p.width, 2*shown); k += 2 {
			phase.Line("", train.Column(p.want, p.width, k), train.Column(p.want, p.width, k+1), figure.Wide(figure.Orange))
			phase.Line("", train.Column(p.got, p.width, k), train.Column(p.got, p.width, k+1), figure.Solid(figure.Orange))
		}
	}
	return figure.Save(path, 10*vg.Inch, 4.5*vg.Inch, u, []*figure.Panel{phase})
}
