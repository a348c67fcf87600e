package forecast

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// backtest judges the setting of the model by forecasts from earlier times: origin k of n is so many
// times the length of a forecast before the end of the fitted rows, and what follows it for that length
// is forecast by a model that was trained on what is before it alone.
func (f *fitter) backtest(ctx context.Context, d *dataset, m *Model) error {
	var jobs []job
	for k := f.opt.Backtest; k >= 1; k-- {
		b := d.before(k)
		if b == nil {
			continue
		}
		jobs = append(jobs, job{
			stage: "backtest", run: fmt.Sprintf("origin %d of %d", f.opt.Backtest-k+1, f.opt.Backtest), data: b, setting: m.Setting,
			seed: f.opt.Seed, share: 1, checkpoint: fmt.Sprintf("backtest-%d", k),
		})
	}
	results, errs := f.run(ctx, jobs)
	sums, counts := map[string]float64{}, map[string]float64{}
	add := func(name string, v float64) {
		if v == v {
			sums[name] += v * v
			counts[name]++
		}
	}
	for i, t := range results {
		if t == nil {
			if errs[i] != nil {
				return errs[i]
			}
			continue
		}
		b := jobs[i].data
		seen := m.seen
		scale := b.spreads(seen)
		own := one(m.Kind, b, t, m.Setting).rows(context.WithoutCancel(ctx), b, t.model, t.starts)
		add("rmse_backtest", b.rmse(own, b.dim(), true, seen, scale))
		base, err := f.baselines(ctx, b, m.Setting)
		if err != nil {
			return err
		}
		for _, base := range base {
			add("rmse_backtest_of_"+base.name, b.rmse(base.rows, len(b.states), true, seen, scale))
		}
	}
	for _, name := range []string{"", "_of_mean", "_of_persistence", "_of_linear", "_of_seasonal"} {
		name = "rmse_backtest" + name
		if counts[name] > 0 {
			m.Figures.Set(name, math.Sqrt(sums[name]/counts[name]))
		}
	}
	m.Figures.Set("backtests", counts["rmse_backtest"])
	return nil
}

// before returns the data whose fitted rows end k lengths of a forecast earlier, and go on for
// one; nil if no trajectory is long enough.
func (d *dataset) before(k int) *dataset {
	in := *d
	in.all, in.cut = nil, nil
	in.all = append(in.all, d.all...)
	in.cut = append(in.cut, d.cut...)
	any := false
	for i := range d.all {
		length := len(d.all[i].Times) - d.cut[i]
		if length == 0 || d.cut[i] == 0 {
			length = max(1, d.cut[i]/5)
		}
		cut := d.cut[i] - k*length
		if cut < max(4, length) {
			in.leaveOut(i)
			continue
		}
		any = true
		in.cut[i] = cut
		in.all[i].Times, in.all[i].States = d.all[i].Times[:cut+length], d.all[i].States[:(cut+length)*d.dim()]
	}
	if !any {
		return nil
	}
	for j := range d.states {
		if in.missing(j) {
			return nil
		}
	}
	return &in
}

// leaveOut empties a trajectory.
func (d *dataset) leaveOut(i int) {
	d.cut[i] = 0
	d.all[i].Times = d.all[i].Times[:1]
	d.all[i].States = slices.Repeat([]float64{math.NaN()}, d.dim())
}
