package report

import (
	"context"
	"fmt"
	"html/template"
	"math"

	"github.com/neuralode/neuralode/train/forecast"
)

const (
	maxTrajectories = 12  // that are drawn
	dense           = 400 // times of a curve
	maxLags         = 24
)

// shown is how many trajectories are drawn.
func (r *reporter) shown() int { return min(maxTrajectories, len(r.m.Trajectories)) }

// curve is a part of a trajectory as the model sees it.
type curve struct {
	t              []float64
	value          [][]float64 // by state
	low, high      [][]float64 // nil without an ensemble
	cut, end, last float64     // the last fitted row, the last row, the end of the curve
}

// along returns the model along a trajectory, and a forecast of a quarter of its length beyond if no inputs
// have to be known for that. Of one that was held out as a whole it begins at the first row.
func (r *reporter) along(ctx context.Context, i int) (*curve, error) {
	m, tr := r.m, &r.m.Trajectories[i]
	first, n := tr.Times[0], len(m.States)
	c := &curve{cut: tr.Cut, end: tr.End, last: tr.End}
	times := grid(first, tr.End, dense)
	var p *forecast.Prediction
	var err error
	if _, _, ok := m.Start(0, i); ok {
		p, err = m.Fitted(ctx, i, times)
	} else {
		q := forecast.Query{Times: times, From: tr.States[:n], FromTime: first}
		if len(m.Controls) > 0 {
			q.Controls.Times, q.Controls.Values = tr.Times, tr.Controls
		}
		p, err = m.Predict(ctx, q)
		c.cut = first
	}
	if err != nil {
		return nil, err
	}
	c.add(p, n)
	if len(m.Controls) == 0 && tr.End > first {
		c.last = tr.End + (tr.End-first)/4
		if p, err := m.Predict(ctx, forecast.Query{Trajectory: i, Times: grid(tr.End, c.last, dense/4)[1:]}); err == nil {
			c.add(p, n)
		} else {
			c.last = tr.End
		}
	}
	return c, nil
}

func (c *curve) add(p *forecast.Prediction, n int) {
	c.t = append(c.t, p.Times...)
	for j := range n {
		if len(c.value) < n {
			c.value, c.low, c.high = append(c.value, nil), append(c.low, nil), append(c.high, nil)
		}
		c.value[j] = append(c.value[j], column(p.Values, j, n)...)
		if p.Low != nil {
			c.low[j], c.high[j] = append(c.low[j], column(p.Low, j, n)...), append(c.high[j], column(p.High, j, n)...)
		}
	}
}

// fit draws data, fit and forecast.
func (r *reporter) fit(ctx context.Context) section {
	m := r.m
	s := section{ID: "fit", Title: "Fit and forecast", Wide: len(m.Trajectories) == 1}
	if len(m.Trajectories[0].Times) == 0 {
		return without(s.ID, s.Title, nil)
	}
	s.Text = "Filled points were fitted, open ones held out; behind the dashed line the model has seen nothing. "
	if len(m.Members()) > 1 {
		s.Text += "The band holds 90 % of what is to be expected. "
	}
	if !s.Wide {
		s.Text += "Grey lines are the last value that was fitted, dashed, and the mean, dotted. "
	}
	if len(m.Trajectories) > maxTrajectories {
		s.Text += fmt.Sprintf("The first %d of %d trajectories are drawn. ", maxTrajectories, len(m.Trajectories))
	}
	for j, name := range m.States {
		for i := range r.shown() {
			c, err := r.along(ctx, i)
			if err != nil {
				return without(s.ID, s.Title, err)
			}
			tr := &m.Trajectories[i]
			ch := &chart{Title: r.title(name, i), X: r.unit, Y: name, clock: m.Clock, wide: s.Wide, legend: s.Wide}
			if c.low[j] != nil {
				ch.band("90 % band", c.t, c.low[j], c.high[j])
			}
			values := column(tr.States, j, len(m.States))
			mean, last := simple(values[:tr.Fitted])
			if tr.Fitted > 0 && tr.Fitted < len(tr.Times) {
				ch.line("last value", "base", []float64{c.cut, c.end}, []float64{last, last})
				ch.line("mean", "base thin", []float64{c.cut, c.end}, []float64{mean, mean})
				ch.mark(c.cut)
			}
			ch.line("model", "fit", c.t, c.value[j])
			ch.points("data", "data", tr.Times[:tr.Fitted], values[:tr.Fitted])
			ch.points("held out", "held", tr.Times[tr.Fitted:], values[tr.Fitted:])
			s.Charts = append(s.Charts, ch.svg())
		}
	}
	for k, name := range m.Controls {
		tr := &m.Trajectories[0]
		ch := &chart{Title: r.title(name+", an input", 0), X: r.unit, Y: name, clock: m.Clock, wide: s.Wide}
		ch.line("", "input", tr.Times, column(tr.Controls, k, len(m.Controls)))
		s.Charts = append(s.Charts, ch.svg())
	}
	return s
}

// title names a column, and the trajectory where there are several.
func (r *reporter) title(name string, i int) string {
	if len(r.m.Trajectories) == 1 {
		return name
	}
	id := r.m.Trajectories[i].ID
	if id == "" {
		id = fmt.Sprint(i + 1)
	}
	return name + ", " + id
}

// simple are the mean of the values and the last of them that is not missing.
func simple(values []float64) (mean, last float64) {
	sum, n := 0.0, 0.0
	last = math.NaN()
	for _, v := range values {
		if v == v {
			sum, n, last = sum+v, n+1, v
		}
	}
	return sum / n, last
}

// residuals draws data less model at the rows, and the autocorrelation of the fitted ones.
func (r *reporter) residuals(ctx context.Context) section {
	m := r.m
	s := section{ID: "residuals", Title: "Residuals", Text: "Data less model, at the rows. Those of the fit should scatter without a pattern: an autocorrelation outside of the dashed lines is more than chance would give one time in 20, and says that the model misses something."}
	if len(m.Trajectories[0].Times) == 0 {
		return section{}
	}
	n := len(m.States)
	if m.Setting.Log {
		s.Text = "Logarithms of the data less those of the model" + s.Text[len("Data less model"):]
	}
	seen := func(v float64) float64 {
		if m.Setting.Log {
			return math.Log(v)
		}
		return v
	}
	type marks struct{ t, e []float64 }
	fitted, held := make([]marks, n), make([]marks, n)
	rows := make([][][]float64, n) // by state and trajectory, of the fit
	for i := range m.Trajectories {
		tr := &m.Trajectories[i]
		if _, _, ok := m.Start(0, i); !ok || len(tr.Times) == 0 {
			continue
		}
		p, err := m.Fitted(ctx, i, tr.Times)
		if err != nil {
			return without(s.ID, s.Title, err)
		}
		for j := range n {
			var own []float64
			for k, t := range tr.Times {
				e := seen(tr.States[k*n+j]) - seen(p.Values[k*n+j])
				to := &fitted[j]
				if k >= tr.Fitted {
					to = &held[j]
				} else {
					own = append(own, e)
				}
				to.t, to.e = append(to.t, t), append(to.e, e)
			}
			rows[j] = append(rows[j], own)
		}
	}
	for j, name := range m.States {
		what := name + ": data − model"
		if m.Setting.Log {
			what = "ln " + name + ": data − model"
		}
		ch := &chart{Title: what, X: r.unit, Y: "residual", clock: m.Clock, legend: true, zero: true}
		ch.points("fitted", "data", fitted[j].t, fitted[j].e)
		ch.points("held out", "held", held[j].t, held[j].e)
		s.Charts = append(s.Charts, ch.svg())
		if acf, bound := autocorrelation(rows[j]); len(acf) > 1 {
			s.Charts = append(s.Charts, drawStems(name+": autocorrelation of the fit's residuals", "lag (rows)", acf, bound))
		}
	}
	return s
}

// autocorrelation is that of series with a common mean, at lags from 0; bound is where 95 % of the correlations
// of noise lie within.
func autocorrelation(series [][]float64) (acf []float64, bound float64) {
	sum, n, longest := 0.0, 0.0, 0
	for _, s := range series {
		longest = max(longest, len(s))
		for _, v := range s {
			if v-v == 0 {
				sum, n = sum+v, n+1
			}
		}
	}
	mean := sum / n
	var0 := 0.0
	for _, s := range series {
		for _, v := range s {
			if v-v == 0 {
				var0 += (v - mean) * (v - mean)
			}
		}
	}
	if !(var0 > 0) {
		return nil, 0
	}
	for lag := range min(maxLags, longest/2) + 1 {
		c := 0.0
		for _, s := range series {
			for k := lag; k < len(s); k++ {
				if p := (s[k] - mean) * (s[k-lag] - mean); p-p == 0 {
					c += p
				}
			}
		}
		acf = append(acf, c/var0)
	}
	return acf, 1.96 / math.Sqrt(n)
}

// training draws the losses of the members.
func (r *reporter) training(context.Context) section {
	s := section{ID: "training", Title: "Training", Wide: true, Text: "The loss before each step of each member: Adam, whose horizon grows, and then L-BFGS."}
	ch := &chart{Title: "Loss", X: "step", Y: "loss", logY: true, wide: true}
	any := false
	for k, l := range r.m.Losses {
		steps := make([]float64, len(l))
		for i := range steps {
			steps[i] = float64(i)
		}
		class := "fit"
		if k > 0 {
			class = "fit thin"
		}
		ch.line("", class, steps, l)
		any = any || len(l) > 1
	}
	if !any {
		return section{}
	}
	s.Charts = []template.HTML{ch.svg()}
	return s
}

func grid(from, to float64, n int) []float64 {
	if !(to > from) {
		return []float64{from}
	}
	t := make([]float64, n+1)
	for i := range t {
		t[i] = from + (to-from)*float64(i)/float64(n)
	}
	t[n] = to
	return t
}

// column is column j of rows of the given width.
func column(values []float64, j, width int) []float64 {
	var c []float64
	for i := j; i < len(values); i += width {
		c = append(c, values[i])
	}
	return c
}

// spread is the root mean square of numbers, the least and the largest of them.
func spread(v []float64) (rms, lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, x := range v {
		rms += x * x
		lo, hi = min(lo, x), max(hi, x)
	}
	return math.Sqrt(rms / float64(len(v))), lo, hi
}
