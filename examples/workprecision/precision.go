package main

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"math"
	"path/filepath"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train/figure"
)

// explicit are the explicit methods. Those without an error estimate run with steps of
// fixed size and are drawn dashed.
var explicit = []struct {
	method *odeint.Tableau
	color  color.RGBA
}{
	{odeint.Euler, figure.Grey}, {odeint.Midpoint, figure.Grey}, {odeint.Heun, figure.Amber}, {odeint.Ralston, figure.Purple},
	{odeint.Bosh3, figure.Sky}, {odeint.RK4, figure.Black}, {odeint.RK38, figure.Green},
	{odeint.Dopri5, figure.Green}, {odeint.Tsit5, figure.Blue}, {odeint.Dop853, figure.Orange},
}

// point is what one solve cost and was worth.
type point struct {
	tol   float64 // relative and absolute; 0: steps of fixed size
	cost  float64
	error float64 // relative
}

// precision measures the error at the end against the evaluations of f.
func (s *study) precision(ctx context.Context, problems []*problem) error {
	panels := make([]*figure.Panel, len(problems))
	for i, p := range problems {
		want, err := p.reference(ctx)
		if err != nil {
			return err
		}
		panel := figure.New(p.title, "evaluations of f", "relative error at the end")
		logarithmic(panel)
		for _, m := range explicit {
			line := figure.Solid
			if m.method.E == nil {
				line = figure.Dashed
			}
			points, err := sweep(ctx, s, p, p.field, p.y0, m.method, want)
			if err != nil {
				return err
			}
			plotPoints(panel, m.method.Name, points, line(m.color))
			s.reached(p.key+"_"+m.method.Name+"_nfe", points)
			s.delivered(p.key+"_"+m.method.Name, points)
		}
		if p.single != nil {
			points, err := sweep(ctx, s, p, p.single, narrow(p.y0), odeint.Tsit5, want)
			if err != nil {
				return err
			}
			plotPoints(panel, "tsit5, float32", points, figure.Dashed(figure.Blue))
			s.delivered(p.key+"_tsit5_float32", points)
			least := math.Inf(1)
			for _, q := range points {
				least = min(least, q.error)
			}
			s.metrics.Set(p.key+"_tsit5_float32_least_error", least)
		}
		panels[i] = panel
	}
	return figure.Save(filepath.Join(s.Out, "precision.png"), 11*vg.Inch, 9*vg.Inch,
		[]*figure.Panel{panels[0], panels[2]}, []*figure.Panel{panels[1], panels[3]})
}

// reference is the state at the end to nearly all digits.
func (p *problem) reference(ctx context.Context) ([]float64, error) {
	in, err := odeint.New(p.field, tight)
	if err != nil {
		return nil, err
	}
	var sol odeint.Solution[float64]
	err = in.Solve(ctx, &sol, 0, p.end, p.y0)
	return sol.Last(), err
}

var tight = odeint.Options{Method: odeint.Dop853, RTol: 1e-13, ATol: 1e-13}

// sweep solves p with tolerances from 1e-2 to 1e-12, or with ever smaller steps of
// fixed size, as far as the budget goes.
func sweep[T odeint.Float](ctx context.Context, s *study, p *problem, f odeint.VectorField[T], y0 []T, m *odeint.Tableau, want []float64) ([]point, error) {
	var points []point
	tries, perDecade, budget := 21, 2.0, p.budget
	if s.Quick {
		tries, perDecade, budget = 6, 0.5, p.budget/10
	}
	for i := range tries {
		opt, tol := odeint.Options{Method: m}, 0.0
		if m.E == nil {
			steps := 10 << i
			if steps*len(m.B) > budget {
				break
			}
			opt.H0 = p.end / float64(steps)
		} else {
			tol = math.Pow(10, -2-float64(i)/perDecade)
			opt.RTol, opt.ATol, opt.MaxSteps = tol, tol, budget/len(m.B)
		}
		in, err := odeint.New(f, opt)
		if err != nil {
			return nil, err
		}
		var sol odeint.Solution[T]
		err = in.Solve(ctx, &sol, 0, p.end, y0)
		s.count(sol.Stats)
		switch {
		case errors.Is(err, odeint.ErrMaxSteps), errors.Is(err, odeint.ErrStepTooSmall):
			return points, nil
		case errors.Is(err, odeint.ErrNonFinite) && m.E == nil:
			continue // steps too long to be stable
		case err != nil:
			return nil, err
		}
		points = append(points, point{tol, float64(sol.Stats.NFE), relativeError(sol.Last(), want)})
	}
	return points, nil
}

// levels are the errors for which the metrics have the cost.
var levels = []int{3, 6, 9}

// reached stores the cost at which the error first falls to 1e-3, 1e-6 and 1e-9, by
// interpolation between the logarithms.
func (s *study) reached(name string, points []point) {
	for _, digits := range levels {
		if cost, ok := costOf(points, math.Pow(10, -float64(digits))); ok {
			s.metrics.Set(fmt.Sprintf("%s_to_1e%d", name, digits), math.Round(cost))
		}
	}
}

func costOf(points []point, level float64) (cost float64, ok bool) {
	for i, p := range points {
		if !(p.error <= level) {
			continue
		}
		if i == 0 {
			return p.cost, true
		}
		before := points[i-1]
		share := math.Log(before.error/level) / math.Log(before.error/max(p.error, 1e-17))
		return before.cost * math.Pow(p.cost/before.cost, share), true
	}
	return 0, false
}

// delivered stores the errors at some tolerances.
func (s *study) delivered(name string, points []point) {
	for _, p := range points {
		for _, digits := range levels {
			if p.tol > 0 && math.Abs(math.Log10(p.tol)+float64(digits)) < 1e-9 {
				s.metrics.Set(fmt.Sprintf("%s_error_at_tol_1e%d", name, digits), p.error)
			}
		}
	}
}

// relativeError is |got − want| / |want| in the Euclidean norm.
func relativeError[T odeint.Float](got []T, want []float64) float64 {
	var diff, norm float64
	for i, w := range want {
		diff = math.Hypot(diff, float64(got[i])-w)
		norm = math.Hypot(norm, w)
	}
	return diff / norm
}

func narrow(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// logarithmic makes both axes logarithmic.
func logarithmic(p *figure.Panel) {
	p.LogX()
	p.LogY()
}

// plotPoints draws errors up to 10; larger ones say no more than that.
func plotPoints(p *figure.Panel, label string, points []point, style draw.LineStyle) {
	x, y := make([]float64, len(points)), make([]float64, len(points))
	for i, q := range points {
		x[i], y[i] = q.cost, q.error
		if q.error > 10 {
			y[i] = math.NaN()
		}
	}
	p.Line(label, x, y, style)
}
