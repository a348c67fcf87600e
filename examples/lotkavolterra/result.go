package main

import (
	"context"
	"math"
	"path/filepath"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/figure"
)

// stretch is a stretch of time with the true states and the model's.
type stretch struct{ times, truth, model []float64 }

func (s *stretch) rmse() float64 { return train.RMSE(s.model, s.truth) }

// reversed returns the stretch in the opposite order.
func (s stretch) reversed() stretch {
	var r stretch
	for i := len(s.times) - 1; i >= 0; i-- {
		r.times = append(r.times, s.times[i])
		r.truth = append(r.truth, s.truth[2*i:2*i+2]...)
		r.model = append(r.model, s.model[2*i:2*i+2]...)
	}
	return r
}

// append returns the stretch followed by next, which begins where it ends.
func (s stretch) append(next stretch) stretch {
	return stretch{
		append(s.times, next.times[1:]...),
		append(s.truth, next.truth[2:]...),
		append(s.model, next.model[2:]...),
	}
}

// result is a trained model beside the truth.
type result struct {
	times, data       []float64
	loss              float64 // (2.2), solved to 1e-10
	forward, backward stretch
}

// perUnit is how many points a unit of time has in the extrapolation.
const perUnit = 10

// evaluate solves the field with parameters x to a tolerance that plays no part in
// the errors.
func evaluate(seed uint64, x, times, data []float64) (*result, error) {
	p, err := problem(seed, odeint.Options{RTol: 1e-10, ATol: 1e-10}, nil, times, data)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	r := &result{times: times, data: data}
	if r.loss, err = p.Loss(len(times)-1)(ctx, nil, x); err != nil {
		return nil, err
	}
	for s, to := range map[*stretch]float64{&r.forward: reach, &r.backward: -reach} {
		s.times = train.Grid(to, perUnit*reach)
		if s.truth, err = truth(s.times); err != nil {
			return nil, err
		}
		s.model, err = p.Predict(ctx, x, s.times)
		if err != nil {
			// A bad model may not reach that far; it has no error there, and no curve.
			for len(s.model) < len(s.truth) {
				s.model = append(s.model, math.NaN())
			}
		}
	}
	return r, nil
}

// draw writes the figures.
func (r *result) draw(dir string, history []float64) error {
	steps := make([]float64, len(history))
	for i := range steps {
		steps[i] = float64(i)
	}
	p := figure.New("Training", "step", "loss (2.2)")
	p.LogY()
	p.Line("Adam with a growing horizon, then L-BFGS", steps, history, figure.Solid(figure.Blue))
	if err := figure.Save(filepath.Join(dir, "training.png"), 7*vg.Inch, 4*vg.Inch, []*figure.Panel{p}); err != nil {
		return err
	}
	if err := r.drawInterval(filepath.Join(dir, "interval.png")); err != nil {
		return err
	}
	return r.drawExtrapolation(filepath.Join(dir, "extrapolation.png"))
}

var names = [2]string{"u₁", "u₂"}

// drawInterval draws the fit where the data are.
func (r *result) drawInterval(path string) error {
	const n = perUnit*int(end) + 1
	times, model := r.forward.times[:n], r.forward.model[:2*n]
	left := figure.New("Training interval", "time t", "population")
	for k, name := range names {
		left.Points("data "+name, r.times, train.Column(r.data, 2, k), figure.Rings(figure.Series(k)))
		left.Line("Neural ODE "+name, times, train.Column(model, 2, k), figure.Solid(figure.Series(k)))
	}
	right := figure.New("Phase plane", "prey u₁", "predator u₂")
	right.Equal()
	right.Points("data", train.Column(r.data, 2, 0), train.Column(r.data, 2, 1), figure.Rings(figure.Black))
	right.Line("Neural ODE", train.Column(model, 2, 0), train.Column(model, 2, 1), figure.Solid(figure.Green))
	return figure.Save(path, 11*vg.Inch, 4.5*vg.Inch, []*figure.Panel{left}, []*figure.Panel{right})
}

// drawExtrapolation draws the fit on both sides of the data, and its error.
func (r *result) drawExtrapolation(path string) error {
	all := r.backward.reversed().append(r.forward)
	errs := figure.New("", "time t", "absolute error")
	errs.LogY()
	errs.Span("data", 0, end)
	var column []*figure.Panel
	for k, name := range names {
		title := ""
		if k == 0 {
			title = "Extrapolation from data on [0, 10]"
		}
		p := figure.New(title, "time t", "population "+name)
		p.Span("data", 0, end)
		truth, model := train.Column(all.truth, 2, k), train.Column(all.model, 2, k)
		p.Line("truth "+name, all.times, truth, figure.Wide(figure.Series(k)))
		p.Line("Neural ODE "+name, all.times, model, thin(k))
		column = append(column, p)

		e := make([]float64, len(truth))
		for i := range e {
			e[i] = math.Abs(model[i] - truth[i])
		}
		errs.Line("error of "+name, all.times, e, thin(k))
	}
	return figure.Save(path, 10*vg.Inch, 9*vg.Inch, append(column, errs))
}

// thin is a line that leaves what lies behind it visible.
func thin(k int) draw.LineStyle {
	return draw.LineStyle{Color: figure.Series(k), Width: vg.Points(1.1)}
}
