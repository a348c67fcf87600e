package main

import (
	"context"
	"fmt"
	"path/filepath"

	"gonum.org/v1/plot/vg"

	"github.com/neuralode/neuralode/examples/internal/figure"
)

// figures writes figure1.png, trajectories that were trained on, and figure2.png,
// unseen ones, both against time and in the phase plane.
func figures(ctx context.Context, dir string, theta, times, seen, fresh []float64) error {
	for _, f := range []struct {
		file, title string
		truth       []float64
	}{{"figure1.png", "Trained on", seen}, {"figure2.png", "Unseen initial states", fresh}} {
		if err := draw(ctx, filepath.Join(dir, f.file), f.title, theta, times, f.truth); err != nil {
			return err
		}
	}
	return nil
}

// draw shows the first trajectory against time and the first eight in the phase plane.
func draw(ctx context.Context, path, title string, theta, times, truth []float64) error {
	n := len(truth) / len(times) / 2
	shown := min(n, 8)
	fine := grid(100)
	model, err := predict(ctx, theta, fine, truth[:2*shown])
	if err != nil {
		return err
	}
	column := func(y []float64, width, trajectory, component int) []float64 {
		c := make([]float64, len(y)/(2*width))
		for i := range c {
			c[i] = spread * y[(i*width+trajectory)*2+component]
		}
		return c
	}
	against := figure.New(title+": the first", "time", "u")
	for j := range 2 {
		color := figure.Series(j)
		against.Line(fmt.Sprintf("u%d, Neural ODE", j+1), fine, column(model, shown, 0, j), figure.Solid(color))
		against.Points(fmt.Sprintf("u%d, data", j+1), times, column(truth, n, 0, j), figure.Rings(color))
	}
	phase := figure.New(fmt.Sprintf("%s: the first %d", title, shown), "u1", "u2")
	for k := range shown {
		line, mark := "", ""
		if k == 0 {
			line, mark = "Neural ODE", "data"
		}
		phase.Line(line, column(model, shown, k, 0), column(model, shown, k, 1), figure.Solid(figure.Blue))
		phase.Points(mark, column(truth, n, k, 0), column(truth, n, k, 1), figure.Rings(figure.Orange))
	}
	return figure.Save(path, 10*vg.Inch, 4.2*vg.Inch, []*figure.Panel{against}, []*figure.Panel{phase})
}
