package main

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/collocation"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

// fitted is a trained model and what it says.
type fitted struct {
	matched  int       // iterations of derivative matching
	losses   []float64 // what was minimised, at the start and after each iteration through the solver
	loss     float64   // mean squared error at last
	smooth   []float64 // the spline at the observations; nil for a cold start
	inside   []float64 // the model at the observations
	between  []float64 // and between them
	forward  []float64 // and to the horizon, NaN from where it diverged
	backward []float64
	work     train.Work
}

// steps is how many iterations the training took.
func (f *fitted) steps() int { return f.matched + len(f.losses) - 1 }

func (c *config) network() layers.MLP {
	return layers.MLP{In: 2, Hidden: []int{64}, Out: 2, Activation: layers.Tanh}
}

// fit trains through the solver, with the initial state among what is learned, after
// derivative matching if warm. Both begin with the same weights. When ctx is cancelled the
// model is what it was by then.
func (c *config) fit(ctx context.Context, d *data, warm bool, stderr io.Writer) (*fitted, error) {
	model, err := train.New[float64](c.network(), train.Config{
		Name: "net", Rand: rand.New(rand.NewPCG(c.Seed, 1)), Solve: odeint.Options{RTol: 1e-8, ATol: 1e-8},
	})
	if err != nil {
		return nil, err
	}
	f := new(fitted)
	fit, err := train.NewProblem(model, train.Dataset[float64]{{Times: d.times, States: d.seen}},
		train.Options[float64]{LearnStarts: true, Loss: train.Scaled(2, train.MSE[float64])}) // (2.2)
	if err != nil {
		return nil, err
	}
	x := fit.Init()
	if warm {
		if err := c.warmUp(ctx, f, d, x, stderr); err != nil && !errors.Is(err, context.Canceled) {
			return nil, err
		}
	}
	name := map[bool]string{false: "cold", true: "warm"}[warm]
	plain := fit.Loss(intervals)
	f.losses = make([]float64, 0, c.polish+1)
	objective := train.WithDecay(plain, c.decay, model.NumParams())
	loss, err := objective(context.WithoutCancel(ctx), nil, x)
	if err != nil {
		return nil, err
	}
	f.losses = append(f.losses, loss)
	bar := experiment.NewBar(stderr, name, c.polish)
	report, err := train.Minimize(ctx, objective, x, train.MinimizeOptions{
		Steps: c.polish, Optimizer: train.LBFGS{},
		Hook: func(s train.Step) error {
			f.losses = append(f.losses, s.Loss)
			bar.Step(s.Loss)
			return nil
		},
	})
	bar.Done(report.Loss)
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // what was reached is judged
	if f.loss, err = plain(ctx, nil, x); err != nil {
		return nil, err
	}
	return f, f.predict(ctx, fit, x, d)
}

// warmUp fits the field to the derivatives of a smoothing spline through the observations,
// and begins the trajectory on the spline.
func (c *config) warmUp(ctx context.Context, f *fitted, d *data, x []float64, stderr io.Writer) error {
	curve, err := collocation.Spline(d.times, d.seen, collocation.SplineOptions{})
	if err != nil {
		return err
	}
	if f.smooth, _, err = curve.Sample(d.times); err != nil {
		return err
	}
	const samples = 200
	u, du, err := curve.Sample(train.Grid(end, samples-1))
	if err != nil {
		return err
	}
	field, err := graph.NewField[float64](c.network(), samples, graph.FieldConfig{Name: "net"})
	if err != nil {
		return err
	}
	loss := hnn.NewMatching(field, nil)
	n := field.NumParams()
	objective := train.WithDecay(func(ctx context.Context, grad, theta []float64) (float64, error) {
		copy(field.Params(), theta)
		return loss.Loss(grad, nil, u, du), ctx.Err()
	}, c.decay, n)
	bar := experiment.NewBar(stderr, "matching", c.match)
	report, err := train.Minimize(ctx, objective, x[:n], train.MinimizeOptions{Steps: c.match, Optimizer: train.LBFGS{}, Hook: func(s train.Step) error {
		f.matched++
		bar.Step(s.Loss)
		return nil
	}})
	bar.Done(report.Loss)
	copy(x[n:], f.smooth[:2])
	return err
}

// predict solves the model over the observations and to both horizons, which are far
// outside what it was trained on: where it diverges the prediction ends.
func (f *fitted) predict(ctx context.Context, fit *train.Problem[float64], x []float64, d *data) error {
	for _, part := range []struct {
		times []float64
		dst   *[]float64
	}{{d.times, &f.inside}, {d.fine, &f.between}, {d.far, &f.forward}, {d.backFar, &f.backward}} {
		y, err := fit.Predict(ctx, x, part.times)
		var step *odeint.StepError
		if err != nil && (!errors.As(err, &step) || ctx.Err() != nil) {
			return err
		}
		for len(y) < 2*len(part.times) {
			y = append(y, math.NaN())
		}
		*part.dst = y
	}
	f.work = fit.Work()
	return nil
}
