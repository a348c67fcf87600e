package main

import (
	"fmt"
	"path/filepath"

	"gonum.org/v1/plot/vg"

	"github.com/neuralode/neuralode/examples/internal/figure"
)

// figures writes figure1.png, trajectories that were trained on, and figure2.png,
// unseen ones, both against time and in the phase plane.
func figures(dir string, times, seen, onSeen, fresh, onFresh []float64) error {
	if err := draw(filepath.Join(dir, "figure1.png"), "Trained on", times, seen, onSeen); err != nil {
		return err
	}
	return draw(filepath.Join(dir, "figure2.png"), "Unseen initial states", times, fresh, onFresh)
}

// draw shows the first trajectory against time and the first eight in the phase plane.
func draw(path, title string, times, truth, model []float64) error {
	n := len(truth) / len(times) / 2
	column := func(y []float64, trajectory, component int) []float64 {
		c := make([]float64, len(times))
		for i := range c {
			c[i] = spread * y[(i*n+trajectory)*2+component]
		}
		return c
	}
	against := figure.New(title+": the first", "time", "u")
	for j := range 2 {
		color := figure.Series(j)
		against.Line(fmt.Sprintf("u%d, Neural ODE", j+1), times, column(model, 0, j), figure.Solid(color))
		against.Points(fmt.Sprintf("u%d, data", j+1), times, column(truth, 0, j), figure.Rings(color))
	}
	phase := figure.New(fmt.Sprintf("%s: the first %d", title, min(n, 8)), "u1", "u2")
	for k := range min(n, 8) {
		model1, data := "", ""
		if k == 0 {
			model1, data = "Neural ODE", "data"
		}
		phase.Line(model1, column(model, k, 0), column(model, k, 1), figure.Solid(figure.Blue))
		phase.Points(data, column(truth, k, 0), column(truth, k, 1), figure.Rings(figure.Orange))
	}
	return figure.Save(path, 10*vg.Inch, 4.2*vg.Inch, []*figure.Panel{against}, []*figure.Panel{phase})
}
