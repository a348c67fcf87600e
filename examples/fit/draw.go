package main

import (
	"context"
	"fmt"
	"image/color"
	"math"
	"path/filepath"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/figure"
)

// curvePoints is how many points the curves of the figure have.
const curvePoints = 600

// The figure shows at most so many states, and so many points of the data of each.
const (
	mostPanels = 12
	mostPoints = 4000
)

// draw writes the figure: each state against time on the left, the first two states in
// their phase plane on the right.
func (f *fit) draw(ctx context.Context, x []float64, path string) error {
	d := f.data
	n := len(d.states)
	first, last := d.t[0], d.t[len(d.t)-1]
	cut := d.t[f.rows-1]
	t, split := grid(first, cut, last)
	z, _ := f.predict(ctx, x, f.model.scale.times(t)) // After an error, said by report, the curves end early.
	curve := f.model.scale.inverse(z)
	column := func(k int) []float64 { return train.Column(curve, n, k) }

	var left []*figure.Panel
	for k, name := range d.states[:min(n, mostPanels)] {
		title := ""
		if k == 0 {
			title = fmt.Sprintf("Neural ODE fitted to %s", filepath.Base(d.file))
		}
		p := figure.New(title, d.axis(), f.label(name))
		if f.model.Log && wide(d.column(k)) {
			p.LogY()
		}
		if f.rows < len(d.t) {
			p.Span("held out", cut, last)
		}
		f.compare(p, d.t, d.column(k), t, column(k), split, figure.Series(k))
		left = append(left, p)
	}
	columns := [][]*figure.Panel{left}
	width := vg.Length(6 * vg.Inch)
	if n > 1 {
		p := figure.New("Phase plane", f.label(d.states[0]), f.label(d.states[1]))
		f.compare(p, d.column(0), d.column(1), column(0), column(1), split, figure.Green)
		columns = append(columns, []*figure.Panel{p})
		width = 11 * vg.Inch
	}
	height := max(5, 2.6*float64(len(left)))
	return figure.Save(path, width, vg.Length(height)*vg.Inch, columns...)
}

// compare adds data and model to a panel, those after the fitted rows and after the split of
// the curve in another style.
func (f *fit) compare(p *figure.Panel, dataX, dataY, curveX, curveY []float64, split int, c color.Color) {
	held := f.rows < len(dataX)
	points := func(name string, x, y []float64, g draw.GlyphStyle) {
		if every := (len(x) + mostPoints - 1) / mostPoints; every > 1 {
			name, x, y = fmt.Sprintf("%s, 1 row of %d", name, every), thinned(x, every), thinned(y, every)
		}
		p.Points(name, x, y, g)
	}
	points("data", dataX[:f.rows], dataY[:f.rows], figure.Dots(figure.Grey))
	if held {
		points("data held out", dataX[f.rows:], dataY[f.rows:], figure.Rings(figure.Black))
	}
	p.Line("fit", curveX[:split+1], curveY[:split+1], figure.Solid(c))
	if held {
		p.Line("forecast", curveX[split:], curveY[split:], figure.Dashed(c))
	}
}

// thinned returns one of every so many values.
func thinned(v []float64, every int) []float64 {
	var kept []float64
	for i := 0; i < len(v); i += every {
		kept = append(kept, v[i])
	}
	return kept
}

// label is a state's name with its unit, if that is known.
func (f *fit) label(name string) string {
	if f.config.data == "" {
		return name + " (thousand pelts)"
	}
	return name
}

// grid returns evenly spaced times from first to last, of which the one at split is
// cut.
func grid(first, cut, last float64) (t []float64, split int) {
	split = int(math.Round(curvePoints * (cut - first) / (last - first)))
	split = max(1, split)
	for i := range split {
		t = append(t, first+(cut-first)*float64(i)/float64(split))
	}
	t = append(t, cut)
	for i := 1; cut < last && i <= max(1, curvePoints-split); i++ {
		t = append(t, cut+(last-cut)*float64(i)/float64(max(1, curvePoints-split)))
	}
	return t, split
}

// wide reports whether values span more than two powers of ten.
func wide(v []float64) bool {
	lo, hi := math.Inf(1), 0.0
	for _, x := range v {
		if x > 0 {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	return hi > 100*lo
}
