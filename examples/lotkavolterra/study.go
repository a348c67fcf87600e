package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot/vg"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/figure"
)

// The paper's recipe: so many steps of Adam at its default rate, all data at once, the
// initial weights of Glorot and Bengio.
const paperSteps = 3000

// equalLoss is where the intervals are compared.
const equalLoss = 1e-6

// spans are the ends of the training intervals that are compared.
func spans() []float64 { return []float64{end, 2 * end, 4 * end} }

// model is one trained model: its loss, how far off it is to t = ±50, and the mean
// divergence of its field over six periods of its own solution. Along a closed orbit that
// is the rate at which neighbours go away from it, or come nearer if it is negative; the
// true one is 0.
type model struct{ loss, forward, backward, divergence float64 }

// series are the models of one training interval, [0, span].
type series struct {
	span  float64
	kept  []model // along the training, the last one at its end
	paper model   // by the paper's recipe
	steps int
	work  train.Work
}

// checkpoints is a road that keeps parameters along the way: the first whose loss on all
// the data is at most 0.1, and those where it has fallen to 0.3 of that, and so on.
type checkpoints struct {
	road
	intervals int // of all the data
	level     float64
	kept      [][]float64
}

func keeping(way road, intervals int) *checkpoints {
	return &checkpoints{road: way, intervals: intervals, level: 0.1}
}

func (c *checkpoints) loss(intervals int) train.Objective {
	f := c.road.loss(intervals)
	if intervals < c.intervals {
		return f
	}
	return func(ctx context.Context, grad, x []float64) (float64, error) {
		loss, err := f(ctx, grad, x)
		if err == nil && loss <= c.level {
			c.kept = append(c.kept, slices.Clone(x))
			c.level = 0.3 * loss
		}
		return loss, err
	}
}

// runStudy trains on each interval and writes backward.png and metrics.json.
func (c *config) runStudy(ctx context.Context, began time.Time, stdout, stderr io.Writer) error {
	var all []series
	var total series
	var stopped error
	for _, span := range spans() {
		s, err := c.follow(ctx, span, stderr)
		total.steps += s.steps
		total.work.NFEForward += s.work.NFEForward
		total.work.NFEBackward += s.work.NFEBackward
		if err != nil {
			stopped = experiment.Stopped(err, total.steps, c.Out)
			break
		}
		all = append(all, s)
	}
	m := summary(all)
	m.Set("seconds", time.Since(began).Seconds())
	m.SetInt("steps", total.steps)
	m.SetInt("nfe_forward", total.work.NFEForward)
	m.SetInt("nfe_backward", total.work.NFEBackward)
	m.SetUint("seed", c.Seed)
	err := errors.Join(m.WriteFile(filepath.Join(c.Out, "metrics.json")), drawStudy(filepath.Join(c.Out, "backward.png"), all))
	fmt.Fprintf(stdout, "%sWritten to %s: backward.png, metrics.json\n", m, c.Out)
	return errors.Join(stopped, err)
}

// follow trains on [0, span] by our recipe and by the paper's. After an error steps and
// work are those until then, and there are no models.
func (c *config) follow(ctx context.Context, span float64, stderr io.Writer) (series, error) {
	s := series{span: span}
	n := int(math.Round(span / end * intervals))
	times := train.Grid(span, n)
	data, err := truth(times)
	if err != nil {
		return s, err
	}
	way, err := c.road(times, data)
	if err != nil {
		return s, err
	}
	ours := way.init()
	paper := slices.Clone(ours)
	along := keeping(way, n)
	history, err := c.train(ctx, along, n, ours, stderr)
	s.steps = len(history)
	if err == nil {
		var steps int
		steps, err = c.asPaper(ctx, way, n, paper, stderr)
		s.steps += steps
	}
	s.work = way.work()
	if err != nil {
		return s, err
	}
	for _, x := range append(along.kept, ours) {
		m, err := c.judge(x, times, data)
		if err != nil {
			return s, err
		}
		s.kept = append(s.kept, m)
	}
	s.paper, err = c.judge(paper, times, data)
	return s, err
}

// asPaper trains x, which comes from our initial weights, by the paper's recipe.
func (c *config) asPaper(ctx context.Context, way road, intervals int, x []float64, stderr io.Writer) (steps int, err error) {
	for i := range x {
		x[i] /= gain
	}
	total := paperSteps
	if c.Quick {
		total /= 30
	}
	last := math.NaN()
	bar := experiment.NewBar(stderr, "paper ", total)
	_, err = train.Minimize(ctx, nil, x, train.MinimizeOptions{
		Steps:   total,
		Varying: func(int) train.Objective { return way.loss(intervals) }, // the last point, not the best
		Hook: func(s train.Step) error {
			steps++
			last = s.Loss
			bar.Step(s.Loss)
			return nil
		},
	})
	bar.Done(last)
	return steps, err
}

// judge evaluates the model with parameters x.
func (c *config) judge(x, times, data []float64) (model, error) {
	r, err := evaluate(c.Seed, x, times, data)
	if err != nil {
		return model{}, err
	}
	field, err := newField(c.Seed)
	if err != nil {
		return model{}, err
	}
	copy(field.Params(), x)
	n := int(math.Round(6 * period * perUnit))
	mean := 0.0
	for i, t := range r.forward.times[:n] {
		mean += divergence(field, t, r.forward.model[2*i:2*i+2]) / float64(n)
	}
	return model{r.loss, r.forward.rmse(), r.backward.rmse(), mean}, nil
}

// divergence is the trace of ∂f/∂u.
func divergence(f odeint.Differentiable[float64], t float64, u []float64) float64 {
	sum := 0.0
	dudt, row, unit := make([]float64, len(u)), make([]float64, len(u)), make([]float64, len(u))
	for k := range u {
		unit[k] = 1
		f.VJP(dudt, row, nil, t, u, unit)
		sum += row[k]
		unit[k] = 0
	}
	return sum
}

// summary returns the numbers of the study.
func summary(all []series) *experiment.Metrics {
	m := new(experiment.Metrics)
	var losses, errs []float64
	for _, s := range all {
		put := func(name string, v float64) { m.Set(fmt.Sprintf("%s_interval_%g", name, s.span), v) }
		final := s.kept[len(s.kept)-1]
		put("loss", final.loss)
		put("backward_50", final.backward)
		put("forward_50", final.forward)
		put("divergence", final.divergence)
		put("paper_loss", s.paper.loss)
		put("paper_backward_50", s.paper.backward)
		put("paper_forward_50", s.paper.forward)
		put("paper_divergence", s.paper.divergence)
		x, y := logs(s.kept)
		put("backward_50_at_equal_loss", math.Pow(10, interpolate(x, y, math.Log10(equalLoss))))
		losses, errs = append(losses, x...), append(errs, y...)
	}
	if len(losses) > 2 {
		_, slope := stat.LinearRegression(losses, errs, nil, false)
		m.Set("slope", slope)
		m.Set("correlation", stat.Correlation(losses, errs, nil))
	}
	return m
}

// logs returns the decimal logarithms of losses and backward errors.
func logs(kept []model) (x, y []float64) {
	for _, m := range kept {
		x = append(x, math.Log10(m.loss))
		y = append(y, math.Log10(m.backward))
	}
	return x, y
}

// interpolate returns y at the first place where the falling x passes at, on the straight
// line between its neighbours, and NaN if x does not.
func interpolate(x, y []float64, at float64) float64 {
	for i := 1; i < len(x); i++ {
		if x[i] <= at && at <= x[i-1] && x[i] < x[i-1] {
			w := (x[i-1] - at) / (x[i-1] - x[i])
			return y[i-1] + w*(y[i]-y[i-1])
		}
	}
	return math.NaN()
}

// drawStudy draws the backward error against the loss.
func drawStudy(path string, all []series) error {
	p := figure.New("Backward extrapolation to t = −50", "loss (2.2) on the data", "backward RMSE")
	p.LogX()
	p.LogY()
	for i, s := range all {
		colour := figure.Series(i)
		var x, y []float64
		for _, m := range s.kept {
			x, y = append(x, m.loss), append(y, m.backward)
		}
		p.Line("", x, y, figure.Solid(figure.Pale(colour)))
		p.Points(fmt.Sprintf("data on [0, %g]", s.span), x, y, figure.Dots(colour))
	}
	for i, s := range all {
		mark := figure.Rings(figure.Series(i))
		mark.Radius *= 2
		p.Points(fmt.Sprintf("paper's recipe, [0, %g]", s.span), []float64{s.paper.loss}, []float64{s.paper.backward}, mark)
	}
	return figure.Save(path, 8*vg.Inch, 5*vg.Inch, []*figure.Panel{p})
}
