// Command linear fits a Neural ODE to trajectories of a linear system, a damped
// rotation, and judges it on initial states that it has not seen.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/examples/internal/train"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train/experiment"
)

const about = `Fits a Neural ODE, one hidden layer of 64 tanh, to trajectories of

    du/dt = [−0.1 2; −2 −0.1] u,   u0 ~ N(0, 4²),   11 points on [0, 1],

and judges it on 100 initial states from the same distribution that it has not seen, on
[0, 1] and beyond, from t = −30 to 10.
Writes figure1.png, figure2.png, trained.png and metrics.json.`

func main() { experiment.Main("linear", run) }

// spread is the standard deviation of the initial states. The network sees and
// predicts states in this unit.
const spread = 4

const (
	points = 11
	unseen = 100
)

type config struct {
	experiment.Common
	trajectories, adam, lbfgs int
	taken                     int // steps of both
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	began := time.Now()
	c := config{Common: experiment.Common{Out: "out/linear", Seed: 1}}
	fs := experiment.NewFlags("linear", about, &c.Common)
	fs.IntVar(&c.trajectories, "trajectories", 48, "number of trajectories to train on")
	fs.IntVar(&c.adam, "adam", 600, "steps of Adam")
	fs.IntVar(&c.lbfgs, "lbfgs", 400, "iterations of L-BFGS after them")
	if err := experiment.Parse(fs, args, stderr); err != nil {
		return err
	}
	if c.trajectories < 1 || c.adam < 0 || c.lbfgs < 0 {
		return experiment.Usagef("-trajectories %d, -adam %d, -lbfgs %d: at least one trajectory, and no negative steps", c.trajectories, c.adam, c.lbfgs)
	}
	if c.Quick {
		c.trajectories, c.adam, c.lbfgs = min(c.trajectories, 8), min(c.adam, 20), min(c.lbfgs, 5)
	}

	r := rand.New(rand.NewPCG(c.Seed, 0))
	times := train.Grid(1, points-1)
	whole := context.WithoutCancel(ctx) // of all but the training, which is what takes time
	seen, err := sample(whole, c.trajectories, times, r)
	if err != nil {
		return err
	}
	fit, theta, loss, err := c.fit(ctx, seen, times, r, stderr)
	stopped := errors.Is(err, context.Canceled)
	if err != nil && !stopped {
		return err
	}
	fresh, err := sample(whole, unseen, times, r)
	if err != nil {
		return err
	}
	onSeen, err := predict(whole, theta, times, seen[:2*c.trajectories])
	if err != nil {
		return err
	}
	onFresh, err := predict(whole, theta, times, fresh[:2*unseen])
	if err != nil {
		return err
	}

	forward, err := extrapolate(whole, theta, fresh[:2*unseen], 10)
	if err != nil {
		return err
	}
	backward, err := extrapolate(whole, theta, fresh[:2*unseen], -30)
	if err != nil {
		return err
	}

	var metrics experiment.Metrics
	metrics.SetUint("seed", c.Seed)
	metrics.Set("loss", loss)
	metrics.Set("rel_rmse_seen", relative(onSeen, seen))
	metrics.Set("rel_rmse_unseen", relative(onFresh, fresh))
	metrics.Set("rel_rmse_forward_10", relative(forward.model, forward.truth))
	metrics.Set("rel_rmse_backward_30", relative(backward.model, backward.truth))
	metrics.SetInt("steps", c.taken)
	metrics.SetInt("nfe_forward", fit.Work.NFEForward)
	metrics.SetInt("nfe_backward", fit.Work.NFEBackward)
	err = errors.Join(
		draw(whole, filepath.Join(c.Out, "figure1.png"), "Unseen initial states", theta, times, fresh),
		drawBeyond(filepath.Join(c.Out, "figure2.png"), backward, forward),
		draw(whole, filepath.Join(c.Out, "trained.png"), "Trained on", theta, times, seen),
	)
	if err != nil {
		return err
	}
	metrics.Set("seconds", time.Since(began).Seconds())
	fmt.Fprint(stdout, metrics.String())
	if err := metrics.WriteFile(filepath.Join(c.Out, "metrics.json")); err != nil || !stopped {
		return err
	}
	return experiment.Stopped(context.Canceled, c.taken, c.Out)
}

// sample draws n initial states and returns the true states at times.
func sample(ctx context.Context, n int, times []float64, r *rand.Rand) ([]float64, error) {
	y0 := make([]float64, 2*n)
	for i := range y0 {
		y0[i] = r.NormFloat64()
	}
	return truth(ctx, times, y0)
}

// truth solves the true system from the initial states y0; the result, in units of
// spread, has axes (time, trajectory, component).
func truth(ctx context.Context, times, y0 []float64) ([]float64, error) {
	linear := odeint.NewFunc(len(y0), func(dydt []float64, _ float64, y []float64) {
		for i := 0; i < len(y); i += 2 {
			dydt[i] = -0.1*y[i] + 2*y[i+1]
			dydt[i+1] = -2*y[i] - 0.1*y[i+1]
		}
	})
	in, err := odeint.New(linear, odeint.Options{Method: odeint.Dop853, RTol: 1e-12, ATol: 1e-12})
	if err != nil {
		return nil, err
	}
	var sol odeint.Solution[float64]
	err = in.SolveAt(ctx, &sol, times, y0)
	return sol.Y, err
}

// newField returns the Neural ODE for n trajectories at once.
func newField(n int, r *rand.Rand) (*graph.Field[float64], error) {
	net := layers.MLP{In: 2, Hidden: []int{64}, Out: 2, Activation: layers.Tanh}
	return graph.NewField[float64](net, n, graph.FieldConfig{Name: "net", Rand: r})
}

// fit trains on all trajectories together and returns the parameters and the loss, also
// when ctx ends it early.
func (c *config) fit(ctx context.Context, target, times []float64, r *rand.Rand, stderr io.Writer) (*train.Trajectory, []float64, float64, error) {
	field, err := newField(c.trajectories, r)
	if err != nil {
		return nil, nil, 0, err
	}
	solver, err := adjoint.New[float64](field, odeint.Options{Method: odeint.Tsit5, RTol: 1e-6, ATol: 1e-6}, adjoint.Discrete{})
	if err != nil {
		return nil, nil, 0, err
	}
	fit := &train.Trajectory{Field: field, Solver: solver, Times: times, Start: target[:2*c.trajectories], Target: target, Width: 2}
	theta := fit.Init()
	objective := fit.Loss(len(times) - 1)

	bar := experiment.NewBar(stderr, "Adam", c.adam)
	last := math.NaN()
	after := func(_ int, loss float64) {
		last = loss
		c.taken++
		bar.Step(loss)
	}
	adam := train.Adam{
		Steps: c.adam, Rate: train.Cosine(1e-2, 1e-4, c.adam), After: after,
		Objective: func(int) train.Objective { return objective },
	}
	err = adam.Run(ctx, theta)
	bar.Done(last)
	if err != nil {
		return fit, theta, last, err
	}
	bar = experiment.NewBar(stderr, "L-BFGS", c.lbfgs)
	loss, err := train.LBFGS{Iterations: c.lbfgs, Objective: objective, After: after}.Run(ctx, theta)
	bar.Done(loss)
	return fit, theta, loss, err
}

// predict solves the Neural ODE from the initial states y0, two numbers each.
func predict(ctx context.Context, theta, times, y0 []float64) ([]float64, error) {
	field, err := newField(len(y0)/2, nil)
	if err != nil {
		return nil, err
	}
	copy(field.Params(), theta)
	in, err := odeint.New[float64](field, odeint.Options{RTol: 1e-8, ATol: 1e-8})
	if err != nil {
		return nil, err
	}
	var sol odeint.Solution[float64]
	err = in.SolveAt(ctx, &sol, times, y0)
	return sol.Y, err
}

// beyond are the true states and the model's far from the data.
type beyond struct{ times, truth, model []float64 }

// extrapolate solves both from the initial states y0 to the time end, of either sign.
func extrapolate(ctx context.Context, theta, y0 []float64, end float64) (*beyond, error) {
	b := &beyond{times: train.Grid(1, int(20*math.Abs(end)))}
	for i := range b.times {
		b.times[i] *= end
	}
	var err error
	if b.truth, err = truth(ctx, b.times, y0); err != nil {
		return nil, err
	}
	b.model, err = predict(ctx, theta, b.times, y0)
	return b, err
}

// relative is the RMS of the error over the RMS of the truth.
func relative(y, truth []float64) float64 {
	square := 0.0
	for _, v := range truth {
		square += v * v
	}
	return train.RMSE(y, truth) / math.Sqrt(square/float64(len(truth)))
}
