package main

import (
	"context"
	"fmt"

	"gonum.org/v1/plot/vg"

	"github.com/neuralode/neuralode/examples/internal/train"
	"github.com/neuralode/neuralode/train/figure"
)

// draw shows the first trajectory against time and the first eight in the phase plane.
func draw(ctx context.Context, path, title string, theta, times, truth []float64) error {
	n := len(truth) / len(times) / 2
	shown := min(n, 8)
	fine := train.Grid(1, 100)
	model, err := predict(ctx, theta, fine, truth[:2*shown])
	if err != nil {
		return err
	}
	against := figure.New(title+": the first", "time", "u")
	for j := range 2 {
		color := figure.Series(j)
		against.Line(fmt.Sprintf("u%d, Neural ODE", j+1), fine, component(model, shown, 0, j), figure.Solid(color))
		against.Points(fmt.Sprintf("u%d, data", j+1), times, component(truth, n, 0, j), figure.Rings(color))
	}
	phase := figure.New(fmt.Sprintf("%s: the first %d", title, shown), "u1", "u2")
	for k := range shown {
		line, mark := "", ""
		if k == 0 {
			line, mark = "Neural ODE", "data"
		}
		phase.Line(line, component(model, shown, k, 0), component(model, shown, k, 1), figure.Solid(figure.Blue))
		phase.Points(mark, component(truth, n, k, 0), component(truth, n, k, 1), figure.Rings(figure.Orange))
	}
	return figure.Save(path, 10*vg.Inch, 4.2*vg.Inch, []*figure.Panel{against}, []*figure.Panel{phase})
}

// drawBeyond shows the first trajectory on both sides of the data.
func drawBeyond(path string, parts ...*beyond) error {
	var panels []*figure.Panel
	for j := range 2 {
		p := figure.New("", "time", fmt.Sprintf("u%d", j+1))
		p.Span("data", 0, 1)
		for i, b := range parts {
			n := len(b.truth) / len(b.times) / 2
			labels := [2]string{"truth", "Neural ODE"}
			if i > 0 {
				labels = [2]string{}
			}
			p.Line(labels[0], b.times, component(b.truth, n, 0, j), figure.Wide(figure.Series(j)))
			p.Line(labels[1], b.times, component(b.model, n, 0, j), figure.Solid(figure.Series(j)))
		}
		panels = append(panels, p)
	}
	return figure.Save(path, 9*vg.Inch, 5*vg.Inch, panels)
}

// component returns component j of one of n trajectories, in the units of u.
func component(y []float64, n, trajectory, j int) []float64 {
	c := train.Column(y, 2*n, 2*trajectory+j)
	for i := range c {
		c[i] *= spread
	}
	return c
}
