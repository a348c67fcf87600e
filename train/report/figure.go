package report

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"

	"github.com/neuralode/neuralode/train/figure"
	"github.com/neuralode/neuralode/train/forecast"
)

// Figure writes the fit and the forecast of the first trajectory as a PNG: a panel for each of the first
// six states.
func Figure(ctx context.Context, path string, m *forecast.Model) error {
	if len(m.Trajectories[0].Times) == 0 {
		return fmt.Errorf("report: no figure of the fit: the table was too large to be kept with the model")
	}
	r := &reporter{m: m, unit: m.Time}
	if m.Clock != nil {
		r.unit = m.Clock.String()
	}
	c, err := r.along(ctx, 0)
	if err != nil {
		return err
	}
	tr := &m.Trajectories[0]
	var panels []*figure.Panel
	for j, name := range m.States[:min(6, len(m.States))] {
		p := figure.New(r.title(name, 0), r.unit, name)
		colour := figure.Series(j)
		values := column(tr.States, j, len(m.States))
		if c.low[j] != nil {
			f := frameOf(c, j, values)
			p.Line("90 % band", c.t, c.low[j], figure.Dashed(figure.Pale(colour)))
			p.Line("", c.t, c.high[j], figure.Dashed(figure.Pale(colour)))
			p.LimitY(f[0], f[1])
		}
		if c.end > c.cut && tr.Fitted > 0 {
			p.Span("forecast", c.cut, c.last)
		}
		p.Line("model", c.t, c.value[j], figure.Solid(colour))
		p.Points("data", tr.Times[:tr.Fitted], values[:tr.Fitted], figure.Dots(colour))
		p.Points("held out", tr.Times[tr.Fitted:], values[tr.Fitted:], figure.Rings(colour))
		panels = append(panels, p)
	}
	return figure.Save(path, 9*figure.Inch, 2.8*figure.Inch*vg.Length(len(panels)), panels)
}

// frameOf are limits that show the curve, the data and what of the band is near them.
func frameOf(c *curve, j int, values []float64) [2]float64 {
	ch := &chart{}
	ch.line("", "", c.t, c.value[j])
	x := make([]float64, len(values))
	ch.points("", "", x, values)
	ch.band("", c.t, c.low[j], c.high[j])
	f := ch.frame()
	if math.IsInf(f.ylo, 0) || math.IsInf(f.yhi, 0) {
		return [2]float64{0, 1}
	}
	return [2]float64{f.ylo, f.yhi}
}
