package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train/figure"
)

// orbit is a conservative problem to be followed for long.
type orbit struct {
	key, title, unit string
	field            odeint.VectorField[float64]
	energy           func(z []float64) float64
	scale            float64 // that an energy error is divided by
	y0               []float64
	period           float64 // the unit of time
	periods          int
	budget           float64 // evaluations in a unit of time
	methods          []structured
}

// structured is a method and how it is drawn.
type structured struct {
	method odeint.Method
	style  draw.LineStyle
	steps  int // in a period, which divide it; 0: as the budget allows
}

// key is the name in the metrics, and label that in the figure.
func (m structured) key() string {
	if m.steps == 0 {
		return m.method.String()
	}
	return fmt.Sprintf("%v_%d", m.method, m.steps)
}

func (m structured) label() string {
	if m.steps == 0 {
		return m.method.String()
	}
	return fmt.Sprintf("%v, %d steps", m.method, m.steps)
}

func orbits() ([]*orbit, error) {
	solid, dashed := figure.Solid, figure.Dashed
	k := &orbit{
		key: "kepler", title: "Kepler, e = 0.6", unit: "orbits",
		field: kepler(), energy: keplerEnergy, scale: 0.5, y0: perihelion(),
		period: 2 * math.Pi, periods: 5000, budget: 1000,
		methods: []structured{
			{method: odeint.VelocityVerlet, style: solid(figure.Sky)}, {method: odeint.BlanesMoan4, style: solid(figure.Green)},
			{method: odeint.KahanLi8, style: solid(figure.Purple)}, {method: odeint.KahanLi8, style: dashed(figure.Purple), steps: 59},
			{method: odeint.GaussLegendre6, style: solid(figure.Blue)},
			{method: odeint.RK4, style: dashed(figure.Black)}, {method: odeint.Tsit5, style: dashed(figure.Orange)}, {method: odeint.Dop853, style: dashed(figure.Amber)},
		},
	}
	system := hnn.DoublePendulum{}
	field, err := graph.NewField[float64](hnn.Field{H: system}, 1, graph.FieldConfig{})
	if err != nil {
		return nil, err
	}
	energy, err := hnn.NewEnergy[float64](system, 1, graph.FieldConfig{})
	if err != nil {
		return nil, err
	}
	d := &orbit{
		key: "doublependulum", title: "Double pendulum, 0.5 rad", unit: "time",
		field: field, y0: []float64{0.5, 0.5, 0, 0}, period: 1, periods: 2000, budget: 800,
		methods: []structured{
			{method: &odeint.Tao{Omega: 20}, style: solid(figure.Sky)}, {method: odeint.ImplicitMidpoint, style: solid(figure.Green)},
			{method: odeint.GaussLegendre4, style: solid(figure.Purple)}, {method: odeint.GaussLegendre6, style: solid(figure.Blue)},
			{method: odeint.RK4, style: dashed(figure.Black)}, {method: odeint.Tsit5, style: dashed(figure.Orange)}, {method: odeint.Dop853, style: dashed(figure.Amber)},
		},
	}
	value := make([]float64, 1)
	d.energy = func(z []float64) float64 {
		energy.Eval(value, 0, z)
		return value[0]
	}
	d.scale = d.energy(d.y0) - d.energy(make([]float64, 4)) // above the rest
	return []*orbit{k, d}, nil
}

// energy follows energies over long times with as many evaluations for every method.
func (s *study) energy(ctx context.Context, _ []*problem) error {
	all, err := orbits()
	if err != nil {
		return err
	}
	var columns [][]*figure.Panel
	for _, o := range all {
		if s.Quick {
			o.periods /= 100
		}
		panel := figure.New(fmt.Sprintf("%s, %.0f evaluations in a unit of time", o.title, o.budget), o.unit, "largest relative energy error so far")
		logarithmic(panel)
		for _, m := range o.methods {
			opt, err := o.calibrate(ctx, m)
			if err != nil {
				return err
			}
			if err := s.follow(ctx, o, m, opt, panel); err != nil {
				return err
			}
		}
		columns = append(columns, []*figure.Panel{panel})
	}
	return figure.Save(filepath.Join(s.Out, "energy.png"), 12*vg.Inch, 5.5*vg.Inch, columns...)
}

// calibrate returns the options with which m spends the budget: the step, or the
// tolerance of methods that adapt theirs.
func (o *orbit) calibrate(ctx context.Context, m structured) (odeint.Options, error) {
	const trial = 3 // periods
	spent := func(opt odeint.Options) (float64, error) {
		in, err := odeint.New(o.field, opt)
		if err != nil {
			return 0, err
		}
		var sol odeint.Solution[float64]
		err = in.Solve(ctx, &sol, 0, trial*o.period, o.y0)
		return float64(evaluations(sol.Stats)) / trial, err
	}
	opt := odeint.Options{Method: m.method, MaxSteps: math.MaxInt}
	if m.steps > 0 {
		opt.H0 = o.period / float64(m.steps)
		return opt, nil
	}
	if t, ok := m.method.(*odeint.Tableau); ok && t.E != nil {
		low, high := -13.0, -2.0 // of the tolerance's decimal logarithm
		for range 15 {
			opt.RTol = math.Pow(10, (low+high)/2)
			opt.ATol = opt.RTol
			cost, err := spent(opt)
			if err != nil {
				return opt, err
			}
			if cost > o.budget {
				low = (low + high) / 2
			} else {
				high = (low + high) / 2
			}
		}
		return opt, nil
	}
	// The iterations of an implicit method grow with its step, so that several steps may
	// cost the same: the smallest of them.
	for steps := o.budget; steps > 1; steps /= 1.03 {
		opt.H0 = o.period / steps
		cost, err := spent(opt)
		if err != nil {
			return opt, err
		}
		if cost <= 1.01*o.budget {
			return opt, nil
		}
	}
	return opt, fmt.Errorf("%v cannot spend so little as %v evaluations in a unit of time", m.method, o.budget)
}

// follow solves, and draws and stores the energy error.
func (s *study) follow(ctx context.Context, o *orbit, m structured, opt odeint.Options, panel *figure.Panel) error {
	in, err := odeint.New(o.field, opt)
	if err != nil {
		return err
	}
	start := o.energy(o.y0)
	const spacing = 0.0618        // periods, so that samples meet all phases
	var times, energies []float64 // at ends of steps, at least spacing apart
	var at, largest []float64     // drawn, at times that grow by a fixed factor
	worst, next, sample := 0.0, 1.0, 0.0
	in.Observe(func(step *odeint.Step[float64], _ *odeint.Stats) error {
		h := o.energy(step.Y1)
		t := step.T1 / o.period
		worst = max(worst, math.Abs(h-start)/o.scale)
		if t >= sample {
			times, energies = append(times, t), append(energies, h)
			sample = max(sample+spacing, t)
		}
		if t >= next {
			at, largest = append(at, t), append(largest, worst)
			next *= 1.1
		}
		return nil
	})
	var sol odeint.Solution[float64]
	err = in.Solve(ctx, &sol, 0, float64(o.periods)*o.period, o.y0)
	s.count(sol.Stats)
	if err != nil {
		return err
	}
	panel.Line(m.label(), at, largest, m.style)
	name := "energy_" + o.key + "_" + m.key() + "_"
	drift := hnn.DriftOf(times, energies)
	s.metrics.Set(name+"error", worst)
	s.metrics.Set(name+"slope", drift.Slope/o.scale)
	s.metrics.Set(name+"slope_sigma", drift.Sigma())
	s.metrics.Set(name+"nfe_a_period", float64(evaluations(sol.Stats))/float64(o.periods))
	return nil
}
