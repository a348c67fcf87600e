package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/neuralode/neuralode/train"
)

// rows returns what a member says at all rows of the data, (rows, dim) for each trajectory: each
// stretch solved from its start, the last one to the end. Where a solve fails the rest is NaN.
func (m *Model) rows(ctx context.Context, d *dataset, member *train.Model[float64], starts [][]float64) [][]float64 {
	dim := d.dim()
	out := make([][]float64, len(d.all))
	for i := range out {
		out[i] = slices.Repeat([]float64{math.NaN()}, len(d.all[i].Times)*dim)
	}
	solve := func(i, lo, hi int, start []float64) {
		tr := &d.all[i]
		y, _ := member.Predict(ctx, tr.Times[lo:hi], start, controlsOf(tr)...)
		copy(out[i][lo*dim:hi*dim], y)
	}
	begun := make([]bool, len(d.all))
	for k, a := range m.anchors {
		hi := len(d.all[a.trajectory].Times)
		if k+1 < len(m.anchors) && m.anchors[k+1].trajectory == a.trajectory {
			hi = m.anchors[k+1].row + 1
		}
		solve(a.trajectory, a.row, hi, starts[k])
		begun[a.trajectory] = true
	}
	for i := range d.all {
		if !begun[i] { // held out as a whole
			solve(i, 0, len(d.all[i].Times), d.guess(i, 0, len(d.all[i].Times), m.Kind.paired()))
		}
	}
	return out
}

func controlsOf(tr *train.Trajectory[float64]) []train.Controls[float64] {
	if len(tr.Controls.Times) == 0 {
		return nil
	}
	return []train.Controls[float64]{tr.Controls}
}

// errors visits prediction and observation of all values that are there of the rows that were fitted
// or, with forecast, of the others.
func (d *dataset) errors(rows [][]float64, width int, forecast bool, visit func(j int, predicted, observed float64)) {
	n, dim := len(d.states), d.dim()
	for i := range d.all {
		lo, hi := 0, d.cut[i]
		if forecast {
			lo, hi = d.cut[i], len(d.all[i].Times)
		}
		for r := lo; r < hi; r++ {
			for j := range n {
				if v := d.all[i].States[r*dim+j]; v == v {
					visit(j, rows[i][r*width+j], v)
				}
			}
		}
	}
}

// spreads are the standard deviations of the columns over the fitted rows, of what map makes of
// the values; 1 for a constant column.
func (d *dataset) spreads(seen func(float64) float64) []float64 {
	n, dim := len(d.states), d.dim()
	out := make([]float64, n)
	for j := range n {
		var sum, squares, count float64
		for _, pass := range []int{0, 1} {
			for i := range d.all {
				for r := range d.cut[i] {
					v := seen(d.all[i].States[r*dim+j])
					switch {
					case v != v:
					case pass == 0:
						sum += v
						count++
					default:
						squares += (v - sum/count) * (v - sum/count)
					}
				}
			}
		}
		if out[j] = math.Sqrt(squares / count); !(out[j] > 0) {
			out[j] = 1
		}
	}
	return out
}

// rmse is the root mean square of (map(predicted) − map(observed))/scale.
func (d *dataset) rmse(rows [][]float64, width int, forecast bool, seen func(float64) float64, scale []float64) float64 {
	sum, n := 0.0, 0
	d.errors(rows, width, forecast, func(j int, p, o float64) {
		e := seen(p) - seen(o)
		if scale != nil {
			e /= scale[j]
		}
		sum += e * e
		n++
	})
	if n == 0 {
		return math.NaN()
	}
	return math.Sqrt(sum / float64(n))
}

// scaledError is the root mean square error in standard deviations of the columns of ref.
func (d *dataset) scaledError(rows [][]float64, ref *dataset, forecast bool) float64 {
	e := d.rmse(rows, d.dim(), forecast, plain, ref.spreads(plain))
	if e != e {
		return math.Inf(1)
	}
	return e
}

func plain(v float64) float64 { return v }

// judge fills in the figures, the ends of the trajectories and the verdict. user is cancelled when
// no more training is wanted.
func (f *fitter) judge(ctx, user context.Context, d *dataset, m *Model, loss float64) error {
	n, dim := len(d.states), d.dim()
	members := make([][][]float64, len(m.members))
	for k, member := range m.members {
		members[k] = m.rows(ctx, d, member, m.starts[k])
		var ends [][]float64
		for i := range d.all {
			ends = append(ends, members[k][i][len(members[k][i])-dim:])
		}
		m.ends = append(m.ends, ends)
	}
	rows := make([][]float64, len(d.all))
	spread := make([][]float64, len(d.all))
	for i := range d.all {
		all := make([][]float64, len(members))
		for k := range members {
			all[k] = members[k][i]
		}
		rows[i], spread[i] = m.combine(all)
	}
	m.noise = make([]float64, n)
	counts := make([]float64, n)
	d.errors(rows, dim, false, func(j int, p, o float64) {
		e := m.seen(p) - m.seen(o)
		m.noise[j] += e * e
		counts[j]++
	})
	for j := range m.noise {
		m.noise[j] = math.Sqrt(m.noise[j] / counts[j])
	}
	base, failed := f.baselines(user, d, m.Setting)
	fig := &m.Figures
	held := d.held()
	kinds := []struct {
		name  string
		seen  func(float64) float64
		scale []float64
	}{{"rmse", plain, nil}, {"rmse_scaled", m.seen, d.spreads(m.seen)}}
	if m.Setting.Log {
		kinds = append(kinds, kinds[1])
		kinds[2].name, kinds[2].scale = "rmse_log", nil
		slices.Reverse(kinds)
	}
	for _, k := range kinds {
		if held {
			fig.Set(k.name+"_forecast", d.rmse(rows, dim, true, k.seen, k.scale))
			for _, b := range base {
				fig.Set(k.name+"_forecast_of_"+b.name, d.rmse(b.rows, n, true, k.seen, k.scale))
			}
		}
		fig.Set(k.name+"_in_sample", d.rmse(rows, dim, false, k.seen, k.scale))
	}
	if held && len(m.members) > 1 {
		inside, all := 0.0, 0.0
		for i := range d.all {
			for r := d.cut[i]; r < len(d.all[i].Times); r++ {
				for j := range n {
					o := d.all[i].States[r*dim+j]
					if o != o {
						continue
					}
					all++
					ahead := 0.0
					if c := d.cut[i]; c > 0 {
						ahead = d.all[i].Times[r] - d.all[i].Times[c-1]
					}
					lo, hi := m.band(j, rows[i][r*dim+j], spread[i][r*dim+j], ahead)
					if o >= lo && o <= hi {
						inside++
					}
				}
			}
		}
		fig.Set("band_coverage_forecast", inside/all)
	}
	if f.opt.Backtest > 0 && failed == nil {
		failed = f.backtest(user, d, m)
	}
	for _, p := range m.Parameters {
		fig.Set("param_"+p.Name, p.Value)
	}
	heldRows := 0
	for i := range d.all {
		heldRows += len(d.all[i].Times) - d.cut[i]
	}
	fig.Set("loss", loss)
	fig.Set("steps", float64(f.steps))
	fig.Set("nfe_forward", float64(f.work.NFEForward))
	fig.Set("nfe_backward", float64(f.work.NFEBackward))
	fig.Set("rows_fitted", float64(d.rows()))
	fig.Set("rows_held_out", float64(heldRows))
	fig.Set("parameters", float64(m.members[0].NumParams()))
	fig.Set("members", float64(len(m.members)))
	m.Verdict = m.verdict(held)
	return failed
}

// verdict compares the forecast with the baselines, or the fit with the mean.
func (m *Model) verdict(held bool) string {
	if in, _ := m.Figures.Get("rmse_scaled_in_sample"); !(in < 0.9) {
		return fmt.Sprintf("The fit is hardly better than the mean of the data (%.3g standard deviations): try more steps, a larger network (-hidden 32,32), less decay, "+
			"unobserved components (-model augmented), or name the columns that drive the states as controls.", in)
	}
	if !held {
		return "No rows were held out, so nothing is known about the forecast."
	}
	own, _ := m.Figures.Get("rmse_scaled_forecast")
	best, name := math.Inf(1), ""
	for _, b := range []string{"mean", "persistence", "linear", "seasonal"} {
		if v, ok := m.Figures.Get("rmse_scaled_forecast_of_" + b); ok && v < best {
			best, name = v, b
		}
	}
	label := map[string]string{"mean": "the mean of the data", "persistence": "the last value", "linear": "a linear differential equation", "seasonal": "the last period"}[name]
	against := fmt.Sprintf("an error of %.3g against %.3g standard deviations", own, best)
	switch {
	case name == "":
		return ""
	case own < 0.95*best:
		return fmt.Sprintf("The forecast is better than the best baseline, %s: %s.", label, against)
	case own < 1.1*best:
		return fmt.Sprintf("The forecast is about as good as the best baseline, %s: %s.", label, against)
	}
	return fmt.Sprintf("The forecast is no better than %s: %s. Try more data, fewer columns, more decay (-decay 0.01), "+
		"what is known of the system (-model), controls (-control), or take the baseline.", label, against)
}

// combine returns the median of the members, and their standard deviation in what the model sees,
// for rows of width dim. Members that could not be solved are left out.
func (m *Model) combine(members [][]float64) (median, sd []float64) {
	if len(members) == 1 {
		return members[0], make([]float64, len(members[0]))
	}
	n, dim := len(m.States), m.Dim()
	median, sd = make([]float64, len(members[0])), make([]float64, len(members[0]))
	all := make([]float64, 0, len(members))
	for i := range median {
		all = all[:0]
		observed := i%dim < n
		for _, v := range members {
			x := v[i]
			if observed {
				x = m.seen(x)
			}
			if x-x == 0 {
				all = append(all, x)
			}
		}
		if len(all) == 0 {
			median[i], sd[i] = math.NaN(), math.NaN()
			continue
		}
		slices.Sort(all)
		k := len(all) / 2
		mid := all[k]
		if len(all)%2 == 0 {
			mid = (all[k-1] + all[k]) / 2
		}
		// From the mean distance, which single members disturb less than the mean square.
		sum := 0.0
		for _, x := range all {
			sum += math.Abs(x - mid)
		}
		if len(all) > 1 {
			sd[i] = math.Sqrt(math.Pi/2) * sum / float64(len(all)-1)
		}
		median[i] = mid
		if observed {
			median[i] = m.back(mid)
		}
	}
	return median, sd
}

// band returns the ends of the 90 % band of a value so far ahead of what was fitted: the members'
// deviation, that of the fit from the data, and what forecasts gain with time, taken for normal and
// independent.
func (m *Model) band(j int, value, sd, ahead float64) (lo, hi float64) {
	const quantile = 1.6448536269514722 // of the normal distribution, 0.95
	n := float64(len(m.members))
	half := quantile * math.Sqrt(sd*sd*(1+1/n)+m.noise[j]*m.noise[j]+m.drift[j]*ahead)
	v := m.seen(value)
	return m.back(v - half), m.back(v + half)
}
