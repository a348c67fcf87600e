package main

import (
	"math"

	"gonum.org/v1/plot/vg"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/figure"
)

// report stores the means over the seeds, and their standard errors under the same
// names with _stderr.
func (k *task) report(metrics *experiment.Metrics, results []result) {
	put := func(name string, of func(result) float64) {
		values := make([]float64, len(results))
		for i, r := range results {
			values[i] = of(r)
		}
		mean, stderr := summary(values)
		metrics.Set(k.name+"_"+name, mean)
		metrics.Set(k.name+"_"+name+"_stderr", stderr)
	}
	for _, m := range []kind{hamiltonian, baseline} {
		prefix := string(m) + "_"
		put(prefix+"train_loss", func(r result) float64 { return r.models[m].trainLoss })
		put(prefix+"test_loss", func(r result) float64 { return r.models[m].testLoss })
		put(prefix+"energy_mse", func(r result) float64 { return k.energyMSE(k.energy, r.rolls.truth, r.rolls.of[m]) })
		put(prefix+"coordinate_mse", func(r result) float64 { return coordinateMSE(r.rolls.truth, r.rolls.of[m]) })
		if k.stretch != 1 {
			put(prefix+"energy_mse_unstretched", func(r result) float64 {
				return k.energyMSE(k.energy, r.rolls.truth, r.rolls.plain[m])
			})
			put(prefix+"coordinate_mse_unstretched", func(r result) float64 {
				return coordinateMSE(r.rolls.truth, r.rolls.plain[m])
			})
		}
		if k.publishedEnergy != nil {
			put(prefix+"energy_mse_as_published", func(r result) float64 {
				return k.energyMSE(k.publishedEnergy, r.rolls.truth, r.rolls.of[m])
			})
		}
	}
	metrics.Set(k.name+"_published_hnn_energy_mse", k.publishedHNN)
	metrics.Set(k.name+"_published_baseline_energy_mse", k.publishedBaseline)
}

// plot writes the figure of the first rollout: the path, the error of the
// coordinates, and the true energy.
func (k *task) plot(path string, r result) error {
	dim := k.dim()
	want := r.rolls.shown[truth]
	x, y, xLabel, yLabel := 0, 1, "q", "p"
	if k.n > 1 {
		y, xLabel, yLabel = k.n/2, "x of the first body", "y of the first body"
	}
	energies := func(z []float64) []float64 {
		e := make([]float64, len(z)/dim)
		for i := range e {
			e[i] = k.energy(z[i*dim : (i+1)*dim])
		}
		return e
	}
	errors := func(z []float64) []float64 {
		e := make([]float64, len(z)/dim)
		for i := range e {
			for j := range dim {
				d := z[i*dim+j] - want[i*dim+j]
				e[i] += d * d / float64(dim)
			}
			e[i] = math.Max(e[i], 1e-16)
		}
		e[0] = math.NaN() // no error at the start, and no logarithm of it
		return e
	}
	phase := figure.New(k.title+": rollout", xLabel, yLabel)
	phase.Equal()
	mse := figure.New("MSE of the coordinates", "time", "MSE")
	mse.LogY()
	energy := figure.New("True energy along the rollout", "time", "energy")
	phase.Line("truth", train.Column(want, dim, x), train.Column(want, dim, y), figure.Wide(figure.Black))
	energy.Line("truth", r.rolls.times, energies(want), figure.Wide(figure.Black))
	for _, m := range []struct {
		kind  kind
		label string
		color int
	}{{baseline, "baseline", 1}, {hamiltonian, "HNN", 0}} {
		z, style := r.rolls.shown[m.kind], figure.Solid(figure.Series(m.color))
		phase.Line(m.label, train.Column(z, dim, x), train.Column(z, dim, y), style)
		mse.Line(m.label, r.rolls.times, errors(z), style)
		energy.Line(m.label, r.rolls.times, energies(z), style)
	}
	return figure.Save(path, 13*vg.Inch, 4*vg.Inch, []*figure.Panel{phase}, []*figure.Panel{mse}, []*figure.Panel{energy})
}
