package forecast

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"sync"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/train/table"
)

// Fit learns a model of a table. Of each trajectory the last rows are held out and judge the
// forecast, see [Options.Holdout]; nothing is chosen by them.
//
// The figures of the model are, in this order:
//
//   - rmse_forecast, rmse_in_sample: root mean square errors over all state columns, in the units of the table,
//     and rmse_forecast_of_mean, …_of_persistence, …_of_linear, …_of_seasonal of the baselines: the mean of the
//     fitted rows, the last value before the forecast, a linear differential equation fitted by least squares, and
//     the last period, where one is found;
//   - rmse_scaled_…: the same after each column was divided by its standard deviation over the fitted rows;
//   - rmse_log_…: of the logarithms, if the model sees these;
//   - rmse_backtest and rmse_backtest_of_…: the same, scaled, for forecasts from earlier times, with [Options.Backtest];
//   - band_coverage_forecast: which part of the values held out lies in the 90 % band of an ensemble;
//   - param_… of known equations;
//   - loss, steps, nfe_forward, nfe_backward, rows_fitted, rows_held_out, parameters, members.
//
// An error may come with a model: the best so far when ctx was cancelled or a training failed
// later on. Faults of the options are a *train.OptionError, those of the data a *table.Error.
func Fit(ctx context.Context, t *table.Table, opt Options) (*Model, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	d, err := newDataset(t, &opt)
	if err != nil {
		return nil, err
	}
	if opt.Log == Yes && !d.positive() {
		return nil, d.fault(-1, "", "a value is not positive and has no logarithm", "fit the values themselves, or leave the column out")
	}
	f := &fitter{opt: opt}
	f.group, ctx = newGroup(ctx, opt.Comm)
	m := &Model{Info: Info{
		Kind: opt.Kind, File: t.File, Time: t.Time, Clock: t.Clock, ID: t.ID, States: d.states, Controls: d.controls, Latent: d.latent,
		Unobserved: d.unobserved(opt.Kind), Equations: opt.Equations,
		Seed: strconv.FormatUint(opt.Seed, 10),
	}}
	for i := range d.all {
		tr := Trajectory{ID: t.Trajectories[i].ID, Fitted: d.cut[i], Cut: math.NaN(), End: d.all[i].Times[len(d.all[i].Times)-1]}
		if d.cut[i] > 0 {
			tr.Cut = d.all[i].Times[d.cut[i]-1]
		}
		m.Trajectories = append(m.Trajectories, tr)
	}
	d.keep(m)
	if err := f.group.first(func() error { return f.continues(t) }); err != nil {
		return nil, err
	}
	setting, choices, soFar, err := f.choose(ctx, d)
	if err != nil {
		return nil, err
	}
	m.Setting = setting
	if setting.Extra > 0 {
		f.opt.Kind, f.opt.Extra = Augmented, setting.Extra
		d = d.with(setting.Extra)
		m.Kind, m.Latent, m.Unobserved = Augmented, d.latent, d.unobserved(Augmented)
	}
	scaling := "scaling: each column to mean 0 and standard deviation 1, time to match"
	if setting.Log {
		scaling = "scaling: logarithms, to mean 0 and standard deviation 1, time to match"
	}
	longest := f.solve(0)
	m.Choices = append(choices[:1:1], scaling, fmt.Sprintf("solver: %v, tolerance %.3g in scaled states; gradients: %v", longest.Method, longest.RTol, f.adjoint()))
	m.Choices = append(m.Choices, choices[1:]...)
	var members []*trained
	var failed error
	if soFar != nil {
		members, failed = []*trained{soFar}, ctx.Err()
	} else {
		members, failed = f.ensemble(ctx, d, setting)
	}
	if len(members) == 0 {
		return nil, failed
	}
	loss := 0.0
	for _, tr := range members {
		m.members = append(m.members, tr.model)
		m.starts = append(m.starts, tr.starts)
		m.Losses = append(m.Losses, tr.losses)
		loss += tr.loss / float64(len(members))
	}
	m.anchors = members[0].anchors
	for _, a := range m.anchors {
		m.times = append(m.times, d.all[a.trajectory].Times[a.row])
	}
	m.Parameters = d.parameters(m)
	m.drift = make([]float64, len(m.States))
	if len(members) > 1 && failed == nil {
		failed = f.calibrate(ctx, d, m)
	}
	// What there is by now is judged even if the training was cut short.
	judged := f.judge(context.WithoutCancel(ctx), ctx, d, m, loss)
	return m, errors.Join(failed, judged)
}

func (f *fitter) adjoint() adjoint.Method {
	if f.opt.Adjoint == nil {
		return adjoint.Discrete{}
	}
	return f.opt.Adjoint
}

// keep stores the table in the model.
func (d *dataset) keep(m *Model) {
	n, dim := len(d.states), d.dim()
	for i := range d.all {
		tr := &m.Trajectories[i]
		tr.Times = d.all[i].Times
		tr.Controls = d.all[i].Controls.Values
		for r := range tr.Times {
			tr.States = append(tr.States, d.all[i].States[r*dim:r*dim+n]...)
		}
	}
}

// ensemble trains the members, on all cores. The error is that of the first member that failed;
// the others are returned with it.
func (f *fitter) ensemble(ctx context.Context, d *dataset, s Setting) ([]*trained, error) {
	jobs := make([]job, f.opt.Ensemble)
	for i := range jobs {
		jobs[i] = job{stage: "training", data: d, setting: s, seed: f.opt.Seed + uint64(i), share: 1, checkpoint: fmt.Sprintf("member-%d", i+1)}
		if len(jobs) > 1 {
			jobs[i].run = fmt.Sprintf("member %d of %d", i+1, len(jobs))
		}
	}
	all, errs := f.run(ctx, jobs)
	var members []*trained
	for _, t := range all {
		if t != nil {
			members = append(members, t)
		}
	}
	for _, err := range errs {
		if err != nil {
			return members, err
		}
	}
	return members, nil
}

// run trains jobs, on all cores or, in a group, one after the other, and returns what came of each.
func (f *fitter) run(ctx context.Context, jobs []job) ([]*trained, []error) {
	results, errs := make([]*trained, len(jobs)), make([]error, len(jobs))
	for i := range jobs {
		f.plan(&jobs[i])
	}
	next := make(chan int)
	var group sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(jobs))
	if f.group != nil {
		workers = 1 // the processes share every training
	}
	for range workers {
		group.Go(func() {
			for i := range next {
				results[i], errs[i] = f.train(ctx, jobs[i])
			}
		})
	}
	for i := range jobs {
		next <- i
	}
	close(next)
	group.Wait()
	return results, errs
}
