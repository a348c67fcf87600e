package main

import (
	"path/filepath"
	"slices"

	"gonum.org/v1/plot/vg"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/figure"
)

// figures writes figure5.png (the observations and the fit), figure6.png (the
// extrapolation both ways) and warmstart.png (the losses of both starts).
func figures(dir string, d *data, cold, warm *fitted) error {
	fine := figure.New("Noisy observations and the fit", "time", "population")
	phase := figure.New("Phase plane", "prey x", "predators y")
	phase.Equal()
	for j, name := range []string{"prey x", "predators y"} {
		color := figure.Series(j)
		fine.Line(name+", truth", d.fine, train.Column(d.smooth, 2, j), figure.Wide(color))
		fine.Line(name+", Neural ODE", d.fine, train.Column(warm.between, 2, j), figure.Solid(color))
		fine.Points(name+", observed", d.times, train.Column(d.seen, 2, j), figure.Rings(color))
	}
	phase.Line("truth", train.Column(d.smooth, 2, 0), train.Column(d.smooth, 2, 1), figure.Wide(figure.Black))
	phase.Line("Neural ODE", train.Column(warm.between, 2, 0), train.Column(warm.between, 2, 1), figure.Solid(figure.Blue))
	phase.Points("observed", train.Column(d.seen, 2, 0), train.Column(d.seen, 2, 1), figure.Rings(figure.Orange))
	if err := figure.Save(filepath.Join(dir, "figure5.png"), 11*vg.Inch, 4.5*vg.Inch, []*figure.Panel{fine}, []*figure.Panel{phase}); err != nil {
		return err
	}

	panels := make([]*figure.Panel, 2)
	times := joined(d.backFar, d.far, 1)
	for j, name := range []string{"Prey", "Predators"} {
		p := figure.New(name+" beyond the observations", "time", "population")
		truth := joined(d.backward, d.forward, 2)
		p.Span("observed", 0, end)
		p.Line("truth", times, train.Column(truth, 2, j), figure.Wide(figure.Black))
		p.Line("Neural ODE", times, train.Column(joined(warm.backward, warm.forward, 2), 2, j), figure.Solid(figure.Series(j)))
		p.LimitY(0, 1.6*slices.Max(train.Column(truth, 2, j)))
		panels[j] = p
	}
	if err := figure.Save(filepath.Join(dir, "figure6.png"), 11*vg.Inch, 6*vg.Inch, panels); err != nil {
		return err
	}

	losses := figure.New("Training through the solver", "iteration of L-BFGS", "loss with weight decay")
	losses.LogY()
	for _, run := range []struct {
		label string
		fit   *fitted
		color int
	}{{"cold start", cold, 1}, {"warm start by collocation", warm, 0}} {
		steps := make([]float64, len(run.fit.losses))
		for i := range steps {
			steps[i] = float64(i)
		}
		losses.Line(run.label, steps, run.fit.losses, figure.Solid(figure.Series(run.color)))
	}
	return figure.Save(filepath.Join(dir, "warmstart.png"), 7*vg.Inch, 4.5*vg.Inch, []*figure.Panel{losses})
}

// joined is the time-reversed backward part followed by the forward part, of rows of width n.
func joined(backward, forward []float64, n int) []float64 {
	var all []float64
	for i := len(backward) - n; i > 0; i -= n {
		all = append(all, backward[i:i+n]...)
	}
	return append(all, forward...)
}
