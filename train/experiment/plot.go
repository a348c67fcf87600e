package experiment

import (
	"context"
	"fmt"

	"gonum.org/v1/plot/vg"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/figure"
)

// The most that Plot shows.
const (
	plotTrajectories = 3
	plotComponents   = 4
)

// Plot draws up to three trajectories, their observed values as rings and the model's
// prediction from the same starts as lines, a panel for each of the first four
// components. names are the components'; without them they are y1, y2 …
func Plot[T train.Float](ctx context.Context, path string, m *train.Model[T], data train.Dataset[T], names ...string) error {
	var panels []*figure.Panel
	for j := range min(m.Dim(), plotComponents) {
		name := fmt.Sprintf("y%d", j+1)
		if j < len(names) {
			name = names[j]
		}
		panels = append(panels, figure.New("", "time", name))
	}
	for i := range data[:min(len(data), plotTrajectories)] {
		tr, color := &data[i], figure.Series(i)
		y0 := tr.Start
		if y0 == nil {
			y0 = tr.States[:m.Dim()]
		}
		fine := refine(tr.Times, 8)
		y, err := m.Predict(ctx, fine, y0, tr.Controls)
		if err != nil {
			return err
		}
		for j, p := range panels {
			p.Points(label(i, "observed"), tr.Times, train.Column(tr.States, m.Dim(), j), figure.Rings(color))
			p.Line(label(i, "model"), fine, train.Column(y, m.Dim(), j), figure.Solid(color))
		}
	}
	return figure.Save(path, 8*vg.Inch, vg.Length(1+2.4*float64(len(panels)))*vg.Inch, panels)
}

// label names the first trajectory only.
func label(i int, name string) string {
	if i > 0 {
		return ""
	}
	return name
}

// refine divides every interval into n.
func refine(times []float64, n int) []float64 {
	fine := times[:1:1]
	for i := 1; i < len(times); i++ {
		for k := 1; k < n; k++ {
			fine = append(fine, times[i-1]+(times[i]-times[i-1])*float64(k)/float64(n))
		}
		fine = append(fine, times[i])
	}
	return fine
}
