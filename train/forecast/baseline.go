package forecast

import (
	"context"
	"math"
	"slices"
)

// A baseline is what a simple forecast says at all rows, (rows, len(states)) for each trajectory.
type baseline struct {
	name string
	rows [][]float64
}

// baselines returns the simple forecasts of what is held out. That of a linear differential equation
// has its own error if it could not be fitted.
func (f *fitter) baselines(ctx context.Context, d *dataset, s Setting) ([]baseline, error) {
	if !d.held() {
		return nil, nil
	}
	all := []baseline{{"mean", d.meanRows(s)}, {"persistence", d.persistence()}}
	linear, err := f.linear(ctx, d, s)
	if linear != nil {
		all = append(all, baseline{"linear", linear})
	}
	if seasonal := d.seasonal(); seasonal != nil {
		all = append(all, baseline{"seasonal", seasonal})
	}
	return all, err
}

// filled returns rows that a function makes of trajectory, row and column.
func (d *dataset) filled(value func(i, r, j int) float64) [][]float64 {
	out := make([][]float64, len(d.all))
	for i := range d.all {
		for r := range d.all[i].Times {
			for j := range d.states {
				out[i] = append(out[i], value(i, r, j))
			}
		}
	}
	return out
}

// meanRows is the mean of the fitted values, of their logarithms if the model sees these.
func (d *dataset) meanRows(s Setting) [][]float64 {
	means := make([]float64, len(d.states))
	m := &Model{Info: Info{Setting: s}}
	for j := range means {
		sum, n := 0.0, 0.0
		for i := range d.all {
			for r := range d.cut[i] {
				if v := m.seen(d.all[i].States[r*d.dim()+j]); v == v {
					sum += v
					n++
				}
			}
		}
		means[j] = m.back(sum / n)
	}
	return d.filled(func(_, _, j int) float64 { return means[j] })
}

// persistence is the last value that was fitted; of a trajectory that was held out as a whole, the first
// value.
func (d *dataset) persistence() [][]float64 {
	dim := d.dim()
	last := make([][]float64, len(d.all))
	for i := range d.all {
		last[i] = make([]float64, len(d.states))
		for j := range last[i] {
			last[i][j] = math.NaN()
			for r := d.cut[i] - 1; r >= 0 && last[i][j] != last[i][j]; r-- {
				last[i][j] = d.all[i].States[r*dim+j]
			}
			for r := 0; r < len(d.all[i].Times) && last[i][j] != last[i][j]; r++ {
				last[i][j] = d.all[i].States[r*dim+j]
			}
		}
	}
	return d.filled(func(i, _, j int) float64 { return last[i][j] })
}

// linear fits a linear differential equation, by least squares of its solutions, in the units of
// the model.
func (f *fitter) linear(ctx context.Context, d *dataset, s Setting) ([][]float64, error) {
	observed := d.observed()
	opt := f.opt
	opt.Kind, opt.Steps, opt.Polish = Node, -1, 200
	opt.Progress, opt.Checkpoint, opt.Resume = nil, "", false
	g := &fitter{opt: opt, group: f.group}
	setting := Setting{Log: s.Log, Linear: true, Hidden: []int{}}
	j := job{stage: "linear", data: observed, setting: setting, share: 1, checkpoint: "linear"}
	g.plan(&j)
	t, err := g.train(ctx, j)
	if t == nil || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	_ = err // a linear system whose solutions explode is as good as its start
	m := one(Node, observed, t, setting)
	return m.rows(context.WithoutCancel(ctx), observed, t.model, t.starts), nil
}

// observed is the dataset without unobserved components.
func (d *dataset) observed() *dataset {
	if d.latent == 0 {
		return d
	}
	n, dim := len(d.states), d.dim()
	out := *d
	out.latent = 0
	out.all = slices.Clone(d.all)
	for i := range out.all {
		var states []float64
		for r := range out.all[i].Times {
			states = append(states, d.all[i].States[r*dim:r*dim+n]...)
		}
		out.all[i].States = states
	}
	return &out
}
