package main

import (
	"fmt"
	"math"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/figure"
)

var labels = map[kind]string{lagrangian: "Lagrangian network", mechanical: "networks for M and V", hamiltonian: "Hamiltonian network, given p", baseline: "plain network"}

// figures writes energies.png and rollouts.png.
func (s *study) figures(r *experiment.Run) error {
	t := make([]float64, len(s.times))
	for i := range t {
		t[i] = s.times[i] / second
	}
	joules := func(e []float64) []float64 {
		y := make([]float64, len(e))
		for i := range y {
			y[i] = gravity * e[i]
		}
		return y
	}
	first := figure.New("True energy along the rollout from the first start", "time (s)", "energy (J)")
	first.Line("truth", t, joules(s.truth[0].energy), figure.Wide(figure.Black))
	errors := figure.New(fmt.Sprintf("Energy error, mean of %d starts", len(s.truth)), "time (s)", "|E − E true| over 29.4 J")
	errors.LogY()
	var rolls []*figure.Panel
	for start := range min(3, len(s.truth)) {
		p := figure.New(fmt.Sprintf("First angle from start %d", start+1), "time (s)", "angle (rad)")
		q := train.Column(s.truth[start].y, dim, 0)
		p.Line("truth", t, q, figure.Wide(figure.Black))
		rolls = append(rolls, p)
	}
	for i, k := range kinds {
		m := s.models[k]
		style := figure.Solid(figure.Series(i))
		first.Line(labels[k], t[:len(m.runs[0].energy)], joules(m.runs[0].energy), style)
		errors.Line(labels[k], t[1:], s.meanError(m.runs)[1:], style) // at t = 0 only rounding
		for start, p := range rolls {
			y := train.Column(m.runs[start].y, dim, 0)
			p.Line(labels[k], t[:len(y)], y, style)
		}
	}
	if err := figure.Save(r.Path("energies.png"), 11*figure.Inch, 4.5*figure.Inch, []*figure.Panel{first}, []*figure.Panel{errors}); err != nil {
		return err
	}
	return figure.Save(r.Path("rollouts.png"), 11*figure.Inch, 9*figure.Inch, rolls)
}

// meanError is the mean over the starts of the energy's error; NaN from where one ended.
func (s *study) meanError(runs []rollout) []float64 {
	mean := make([]float64, len(s.times))
	for i, run := range runs {
		for k := range mean {
			if k < len(run.energy) {
				mean[k] += math.Abs(run.energy[k]-s.truth[i].energy[k]) / scale / float64(len(runs))
			} else {
				mean[k] = math.NaN()
			}
		}
	}
	return mean
}
