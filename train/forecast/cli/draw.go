package cli

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"sort"

	"gonum.org/v1/plot/vg"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/figure"
	"github.com/neuralode/neuralode/train/forecast"
)

// mostPanels is how many states are drawn, mostPoints how many points of each.
const (
	mostPanels = 12
	mostPoints = 4000
)

// draw draws fit and forecast against the data: a panel for each state, and the phase plane of the
// first two.
func (o *outputs) draw(path string, curves []*forecast.Prediction) error {
	m := o.model
	n := len(m.States)
	axis := m.Time
	if m.Clock != nil {
		axis = m.Clock.String()
	}
	several := len(curves) > 1
	var left []*figure.Panel
	for k, name := range m.States[:min(n, mostPanels)] {
		title := ""
		if k == 0 {
			title = fmt.Sprintf("Neural ODE fitted to %s", filepath.Base(o.table.File))
		}
		p := figure.New(title, axis, o.label(name))
		if m.Setting.Log && wide(m, k) {
			p.LogY()
		}
		if tr := &m.Trajectories[0]; !several && tr.Fitted < len(tr.Times) && tr.Fitted > 0 {
			p.Span("held out", tr.Cut, tr.End)
		}
		for i, c := range curves {
			o.compare(p, i, several, figure.Series(pickColor(several, i, k)), columns{c.Times, train.Column(c.Values, n, k)},
				columns{m.Trajectories[i].Times, train.Column(m.Trajectories[i].States, n, k)}, bandOf(c, n, k))
		}
		left = append(left, p)
	}
	panels := [][]*figure.Panel{left}
	width := vg.Length(6 * vg.Inch)
	if n > 1 {
		p := figure.New("Phase plane", o.label(m.States[0]), o.label(m.States[1]))
		for i, c := range curves {
			col := figure.Green
			if several {
				col = figure.Series(i)
			}
			tr := &m.Trajectories[i]
			o.compare(p, i, several, col, columns{train.Column(c.Values, n, 0), train.Column(c.Values, n, 1)},
				columns{train.Column(tr.States, n, 0), train.Column(tr.States, n, 1)}, nil)
		}
		panels = append(panels, []*figure.Panel{p})
		width = 11 * vg.Inch
	}
	height := max(5, 2.6*float64(len(left)))
	return figure.Save(path, width, vg.Length(height)*vg.Inch, panels...)
}

func pickColor(several bool, trajectory, state int) int {
	if several {
		return trajectory
	}
	return state
}

// columns are points of a plane.
type columns struct{ x, y []float64 }

// bandOf returns the ends of a state's band, or nil.
func bandOf(c *forecast.Prediction, n, k int) *[2][]float64 {
	if c.Low == nil {
		return nil
	}
	return &[2][]float64{train.Column(c.Low, n, k), train.Column(c.High, n, k)}
}

// compare draws the data of a trajectory as points, and the model through them as a line, solid for what was fitted
// and dashed for the forecast.
func (o *outputs) compare(p *figure.Panel, i int, several bool, c color.RGBA, curve, data columns, band *[2][]float64) {
	tr := &o.model.Trajectories[i]
	fitted := tr.Fitted
	points := func(name string, lo, hi int, held bool) {
		x, y := data.x[lo:hi], data.y[lo:hi]
		if every := (len(x) + mostPoints - 1) / mostPoints; every > 1 {
			name, x, y = fmt.Sprintf("%s, 1 row of %d", name, every), thinned(x, every), thinned(y, every)
		}
		style := figure.Dots(figure.Grey)
		switch {
		case held && several:
			style = figure.Rings(c)
		case held:
			style = figure.Rings(figure.Black)
		case several:
			style = figure.Dots(c)
		}
		p.Points(name, x, y, style)
	}
	label := func(name string) string {
		switch {
		case !several:
			return name
		case name == "fit", name == "forecast" && fitted == 0:
			return tr.ID
		}
		return ""
	}
	// The curve's point at the cut is in both parts.
	split := 0
	if fitted > 0 {
		times := o.model.Trajectories[i].Times
		g := grid(times[0], tr.Cut, tr.End)
		split = min(sort.SearchFloat64s(g, tr.Cut), len(curve.x)-1)
	}
	if band != nil {
		p.Line(label("90 % band"), curve.x, band[0], figure.Solid(figure.Pale(c)))
		p.Line("", curve.x, band[1], figure.Solid(figure.Pale(c)))
	}
	if fitted > 0 {
		points(label("data"), 0, fitted, false)
	}
	if fitted < len(data.x) {
		points(label("data held out"), fitted, len(data.x), true)
	}
	if fitted > 0 {
		p.Line(label("fit"), curve.x[:split+1], curve.y[:split+1], figure.Solid(c))
	}
	if fitted < len(data.x) {
		p.Line(label("forecast"), curve.x[split:], curve.y[split:], figure.Dashed(c))
	}
}

// thinned returns one value of every few, from the first on.
func thinned(v []float64, every int) []float64 {
	var kept []float64
	for i := 0; i < len(v); i += every {
		kept = append(kept, v[i])
	}
	return kept
}

// wide reports whether the positive values of a state span more than two decades.
func wide(m *forecast.Model, k int) bool {
	lo, hi := math.Inf(1), 0.0
	for i := range m.Trajectories {
		for _, x := range train.Column(m.Trajectories[i].States, len(m.States), k) {
			if x > 0 {
				lo, hi = min(lo, x), max(hi, x)
			}
		}
	}
	return hi > 100*lo
}
