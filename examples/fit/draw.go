package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"github.com/neuralode/neuralode/examples/internal/figure"
	"gonum.org/v1/plot/vg"
)

// curvePoints is how many points the curves of the figure have.
const curvePoints = 600

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
	column := func(k int) []float64 {
		v := make([]float64, len(t))
		for i := range v {
			v[i] = curve[i*n+k]
		}
		return v
	}

	var left []*figure.Panel
	for k, name := range d.states {
		title := ""
		if k == 0 {
			title = fmt.Sprintf("Neural ODE fitted to %s", filepath.Base(d.file))
		}
		p := figure.New(title, d.time, f.label(name))
		if f.model.Log && wide(d.column(k)) {
			p.LogY()
		}
		color := figure.Series(k)
		observed, model := d.column(k), column(k)
		if f.rows < len(d.t) {
			p.Span("held out", cut, last)
		}
		p.Line("fit", t[:split+1], model[:split+1], figure.Solid(color))
		if f.rows < len(d.t) {
			p.Line("forecast", t[split:], model[split:], figure.Dashed(color))
		}
		p.Points("data", d.t[:f.rows], observed[:f.rows], figure.Dots(figure.Black))
		if f.rows < len(d.t) {
			p.Points("data held out", d.t[f.rows:], observed[f.rows:], figure.Rings(figure.Black))
		}
		left = append(left, p)
	}
	columns := [][]*figure.Panel{left}
	width := vg.Length(6 * vg.Inch)
	if n > 1 {
		a, b := 0, 1
		p := figure.New("Phase plane", f.label(d.states[a]), f.label(d.states[b]))
		ma, mb, oa, ob := column(a), column(b), d.column(a), d.column(b)
		p.Line("fit", ma[:split+1], mb[:split+1], figure.Solid(figure.Green))
		if f.rows < len(d.t) {
			p.Line("forecast", ma[split:], mb[split:], figure.Dashed(figure.Green))
		}
		p.Points("data", oa[:f.rows], ob[:f.rows], figure.Dots(figure.Black))
		if f.rows < len(d.t) {
			p.Points("data held out", oa[f.rows:], ob[f.rows:], figure.Rings(figure.Black))
		}
		columns = append(columns, []*figure.Panel{p})
		width = 11 * vg.Inch
	}
	height := max(5, 2.6*float64(n))
	return figure.Save(path, width, vg.Length(height)*vg.Inch, columns...)
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
