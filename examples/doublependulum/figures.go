package main

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"

	"gonum.org/v1/plot/vg"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/figure"
)

// names of the components, with their units.
var names = [dim]string{"q1", "q2", "p1", "p2"}

// figures writes figure8.png and figure9.png, the Neural ODE on the observations and beyond,
// figure10.png, the Hamiltonian network, and figure11.png, the energies.
func figures(dir string, d *data, r *rolled) error {
	if err := figure.Save(filepath.Join(dir, "figure8.png"), 11*vg.Inch, 4.5*vg.Inch,
		inside("Neural ODE on the observations", d, r.inside[0])...); err != nil {
		return err
	}
	if err := figure.Save(filepath.Join(dir, "figure9.png"), 11*vg.Inch, 9*vg.Inch,
		beyond("Neural ODE", r.truth, r.node)); err != nil {
		return err
	}
	fit := inside("Hamiltonian network on the observations", d, r.inside[1])
	if err := figure.Save(filepath.Join(dir, "figure10.png"), 14*vg.Inch, 9*vg.Inch,
		[]*figure.Panel{fit[0][0], fit[1][0]}, beyond("Hamiltonian network", r.truth, r.hnn)); err != nil {
		return err
	}
	return figure.Save(filepath.Join(dir, "figure11.png"), 11*vg.Inch, 9*vg.Inch, r.energies())
}

// inside shows angles and momenta over the observations.
func inside(title string, d *data, r *rollout) [][]*figure.Panel {
	var columns [][]*figure.Panel
	for part, label := range []string{"angle (rad)", "momentum (kg m²/s)"} {
		p := figure.New(title, "time (s)", label)
		for j := degrees * part; j < degrees*(part+1); j++ {
			color := figure.Series(j)
			p.Line(names[j]+", model", r.times, train.Column(r.y, dim, j), figure.Solid(color))
			p.Points(names[j]+", observed", d.times, train.Column(d.y, dim, j), figure.Rings(color))
		}
		columns = append(columns, []*figure.Panel{p})
	}
	return columns
}

// beyond shows the first angle in two windows of the extrapolation, and the true energy.
func beyond(title string, truth, model energetic) []*figure.Panel {
	var panels []*figure.Panel
	for _, window := range [][2]float64{{0, 25}, {horizon - 25, horizon}} {
		p := figure.New(fmt.Sprintf("%s from t = %g to %g", title, window[0], window[1]), "time (s)", "angle q1 (rad)")
		if window[0] == 0 {
			p.Span("observed", 0, end)
		}
		for _, l := range []struct {
			label string
			run   energetic
			wide  bool
		}{{"truth", truth, true}, {"model", model, false}} {
			var t, q []float64
			for i, at := range l.run.times {
				if at >= window[0] && at <= window[1] {
					t, q = append(t, at), append(q, l.run.y[i*dim])
				}
			}
			style := figure.Solid(figure.Blue)
			if l.wide {
				style = figure.Wide(figure.Black)
			}
			p.Line(l.label, t, q, style)
		}
		p.LimitY(-0.12, 0.12)
		panels = append(panels, p)
	}
	e := figure.New("True energy along the rollout", "time (s)", "energy above rest (mJ)")
	e.Line("model", model.times, milli(model.energy), figure.Solid(figure.Blue))
	e.Line("truth", truth.times, milli(truth.energy), figure.Dashed(figure.Black))
	limit(e, truth, model)
	return append(panels, e)
}

// energies shows the true energy along the rollouts, and the change of the learned one.
func (r *rolled) energies() []*figure.Panel {
	e := figure.New("True energy along the rollouts", "time (s)", "energy above rest (mJ)")
	e.Line("truth", r.truth.times, milli(r.truth.energy), figure.Wide(figure.Black))
	e.Line("Neural ODE", r.node.times, milli(r.node.energy), figure.Solid(figure.Orange))
	e.Line("true system, Tsit5 (1e-3, 1e-6)", r.truthLoose.times, milli(r.truthLoose.energy), figure.Solid(figure.Grey))
	e.Line("Hamiltonian network, Tsit5 (1e-3, 1e-6)", r.hnnLoose.times, milli(r.hnnLoose.energy), figure.Solid(figure.Amber))
	e.Line("Hamiltonian network, Gauss–Legendre", r.hnn.times, milli(r.hnn.energy), figure.Solid(figure.Blue))
	limit(e, r.truth, r.truthLoose, r.node, r.hnnLoose, r.hnn)

	scale := r.truth.energy[0]
	change := figure.New("Learned energy along its own rollout, same number of evaluations", "time (s)", "|H(t) − H(0)| over the energy above rest")
	change.LogY()
	for _, l := range []struct {
		label  string
		times  []float64
		energy []float64
		color  color.RGBA
	}{
		{"Tsit5, fixed steps", r.learned.tsit5.times, r.learned.onTsit5, figure.Orange},
		{"Gauss–Legendre of order 6", r.learned.gauss.times, r.learned.onGauss, figure.Blue},
	} {
		t, worst := envelope(l.times, l.energy, scale)
		change.Line(l.label, t, worst, figure.Solid(l.color))
	}
	return []*figure.Panel{e, change}
}

// limit shows energies from rest to twice that of the truth, if they go so far.
func limit(p *figure.Panel, truth energetic, others ...energetic) {
	level := 1000 * truth.energy[0]
	lo, hi := 0.98*level, 1.02*level
	for _, o := range others {
		for _, e := range o.energy {
			lo, hi = math.Min(lo, 990*e), math.Max(hi, 1010*e)
		}
	}
	p.LimitY(math.Max(lo, 0), math.Min(hi, 2*level))
}

// envelope returns the largest of |e − e₀|/scale in each of some 500 blocks, and the
// times at which these end.
func envelope(times, e []float64, scale float64) (t, worst []float64) {
	block := max(1, len(e)/500)
	for i := 1; i < len(e); i += block {
		last := min(i+block, len(e))
		w := 0.0
		for _, v := range e[i:last] {
			w = math.Max(w, math.Abs(v-e[0])/scale)
		}
		t, worst = append(t, times[last-1]), append(worst, w)
	}
	return t, worst
}

func milli(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = 1000 * v
	}
	return y
}
