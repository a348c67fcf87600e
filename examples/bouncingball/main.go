// Command bouncingball learns how a ball bounces.
package main

import (
	"context"
	"errors"
	"math"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/figure"
)

var program = experiment.New("bouncingball", `Learns gravity, restitution and the height of the floor from the positions of a ball alone, 400
of them with errors of 1 cm, through 20 bounces; the height and speed at the start are learned too. The
bounces are events, and the gradient goes through their times and what they do. The horizon grows,
so that the model never misses a bounce. Writes fit.png and metrics.json.`, run)

func main() { experiment.Main("bouncingball", program) }

const (
	numBounces   = 20
	quickBounces = 6
	perBounce    = 20
	noise        = 0.01 // m
)

var (
	truth = []float64{9.81, 0.92, 0.35, 4, 1}
	guess = []float64{7, 0.7, 0, 3.5, 0}
)

func run(ctx context.Context, r *experiment.Run) error {
	bounces := numBounces
	if r.Quick {
		bounces = quickBounces
	}
	f, err := newFit(nil, nil)
	if err != nil {
		return err
	}
	sol, err := f.solve(ctx, []float64{0, 18}, truth)
	if err != nil {
		return err
	}
	f.times = train.Grid((sol.Events[bounces-1].T+sol.Events[bounces].T)/2, perBounce*bounces-1)
	if sol, err = f.solve(ctx, f.times, truth); err != nil {
		return err
	}
	r.Metrics.Set("bounces", float64(len(sol.Events)))
	f.at = make([]float64, len(f.times))
	for i := range f.at {
		f.at[i] = sol.Row(i)[0] + noise*r.Rand.NormFloat64()
	}

	x := append([]float64(nil), guess...)
	var horizons []int
	for n := perBounce / 2; n < len(f.times); n += n / 4 {
		horizons = append(horizons, n)
	}
	horizons = append(horizons, len(f.times))
	bar := experiment.NewBar(r.Stderr, "bouncingball", len(horizons))
	var reports []train.Report
	for _, n := range horizons {
		var report train.Report
		report, err = train.Minimize(ctx, f.loss(n), x, train.MinimizeOptions{Steps: 60, Optimizer: train.LBFGS{}})
		bar.Step(report.Loss)
		reports = append(reports, report)
		if err != nil {
			break
		}
	}
	bar.Done(reports[len(reports)-1].Loss)
	r.Metrics.Training(reports...)
	for i, name := range names {
		r.Metrics.Set(name, x[i])
		r.Metrics.Set(name+"_relative_error", math.Abs(x[i]/truth[i]-1))
	}
	if err != nil {
		return err
	}
	return errors.Join(err, draw(ctx, r.Path("fit.png"), f, x))
}

// draw shows the data and the ball before and after training.
func draw(ctx context.Context, path string, f *fit, x []float64) error {
	fine := train.Grid(f.times[len(f.times)-1], 4000)
	p := figure.New("", "time [s]", "height [m]")
	p.Points("observed", f.times, f.at, figure.Rings(figure.Series(0)))
	for _, c := range []struct {
		name string
		x    []float64
	}{{"first guess", guess}, {"trained", x}} {
		sol, err := f.solve(ctx, fine, c.x)
		if err != nil && c.name == "trained" {
			return err
		}
		style := figure.Solid(figure.Series(1))
		if c.name == "first guess" {
			style = figure.Dashed(figure.Grey)
		}
		p.Line(c.name, sol.T, sol.Component(nil, 0), style)
	}
	return figure.Save(path, 9*figure.Inch, 4*figure.Inch, []*figure.Panel{p})
}
