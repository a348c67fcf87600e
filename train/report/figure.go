package report

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"

	"github.com/neuralode/neuralode/train/figure"
	"github.com/neuralode/neuralode/train/forecast"
)

// Figure writes the fit and the forecast as a PNG: a panel for each of the first six states or, of many
// trajectories of one state, for each of the first twelve trajectories, without legends: filled points were fitted,
// open ones held out, and dashed lines are the 90 % band.
func Figure(ctx context.Context, path string, m *forecast.Model) error {
	if len(m.Trajectories[0].Times) == 0 {
		return fmt.Errorf("report: no figure of the fit: the table was too large to be kept with the model")
	}
	r := &reporter{m: m, unit: m.Time}
	if m.Clock != nil {
		r.unit = m.Clock.String()
	}
	if len(m.Trajectories) > 1 && len(m.States) == 1 {
		const wide = 4
		columns := make([][]*figure.Panel, min(wide, r.shown()))
		for i := range r.shown() {
			c, err := r.along(ctx, i)
			if err != nil {
				return err
			}
			p := r.panel(c, i, 0, false)
			columns[i%wide] = append(columns[i%wide], p)
		}
		rows := vg.Length(len(columns[0]))
		return figure.Save(path, 2.1*figure.Inch*vg.Length(len(columns)), 1.6*figure.Inch*rows, columns...)
	}
	c, err := r.along(ctx, 0)
	if err != nil {
		return err
	}
	var panels []*figure.Panel
	for j := range m.States[:min(6, len(m.States))] {
		panels = append(panels, r.panel(c, 0, j, true))
	}
	return figure.Save(path, 9*figure.Inch, 2.8*figure.Inch*vg.Length(len(panels)), panels)
}

// panel draws state j of trajectory i.
func (r *reporter) panel(c *curve, i, j int, legend bool) *figure.Panel {
	m, tr := r.m, &r.m.Trajectories[i]
	name := func(text string) string {
		if !legend {
			return ""
		}
		return text
	}
	axis := m.States[j]
	if len(m.Trajectories) > 1 && len(m.States) == 1 {
		axis = "" // the titles say it
	}
	p := figure.New(r.title(m.States[j], i), r.unit, axis)
	colour := figure.Series(j)
	values := column(tr.States, j, len(m.States))
	if c.end > c.cut && tr.Fitted > 0 {
		p.Span(name("not seen"), c.cut, c.last)
	}
	if c.low[j] != nil {
		f := frameOf(c, j, values)
		p.Line(name("90 % band"), c.t, c.low[j], figure.Dashed(figure.Pale(colour)))
		p.Line("", c.t, c.high[j], figure.Dashed(figure.Pale(colour)))
		p.LimitY(f[0], f[1])
	}
	p.Line(name("model"), c.t, c.value[j], figure.Solid(colour))
	p.Points(name("data"), tr.Times[:tr.Fitted], values[:tr.Fitted], figure.Dots(colour))
	p.Points(name("held out"), tr.Times[tr.Fitted:], values[tr.Fitted:], figure.Rings(colour))
	return p
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
