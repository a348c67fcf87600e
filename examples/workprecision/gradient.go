package main

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/figure"
)

var adjoints = []struct {
	key, label string
	method     adjoint.Method
	color      color.RGBA
	line       func(color.Color) draw.LineStyle
}{
	{"discrete", "discrete", adjoint.Discrete{}, figure.Blue, figure.Solid},
	{"recompute", "discrete, recompute", adjoint.Discrete{Memory: adjoint.States{}}, figure.Sky, figure.Dashed},
	{"interpolating", "interpolating", adjoint.Interpolating{}, figure.Green, figure.Solid},
	{"interpolating_params", "interpolating, ParamsInNorm", adjoint.Interpolating{ParamsInNorm: true}, figure.Purple, figure.Dashed},
	{"backsolve", "backsolve", adjoint.Backsolve{}, figure.Orange, figure.Solid},
	{"backsolve_params", "backsolve, ParamsInNorm", adjoint.Backsolve{ParamsInNorm: true}, figure.Amber, figure.Dashed},
}

const savedIntervals = 10

// gradient measures the error of ∂L/∂θ and ∂L/∂y0, L the mean square of the states at
// eleven times, against the cost of the forward and the backward pass, and the bytes
// that both keep.
func (s *study) gradient(ctx context.Context, problems []*problem) error {
	var columns [][]*figure.Panel
	for _, p := range problems {
		field, ok := p.field.(odeint.Differentiable[float64])
		if !ok {
			continue
		}
		errorPanel := figure.New(p.title, "evaluations and VJPs, both passes", "relative error of the gradient")
		bytesPanel := figure.New("", "tolerance", "bytes kept, both passes")
		logarithmic(errorPanel)
		logarithmic(bytesPanel)
		results, err := s.gradients(ctx, p, field)
		if err != nil {
			return err
		}
		for i, a := range adjoints {
			var points []point
			var tols, bytes []float64
			for _, r := range results[i] {
				points = append(points, point{r.tol, float64(r.cost), r.error})
				tols, bytes = append(tols, r.tol), append(bytes, float64(r.bytes))
			}
			plotPoints(errorPanel, a.label, points, a.line(a.color))
			bytesPanel.Line(a.label, tols, bytes, a.line(a.color))
			s.reached("gradient_"+p.key+"_"+a.key+"_cost", points)
		}
		columns = append(columns, []*figure.Panel{errorPanel, bytesPanel})
	}
	return figure.Save(filepath.Join(s.Out, "gradient.png"), 14*vg.Inch, 8*vg.Inch, columns...)
}

// gradientResult is one gradient at one tolerance.
type gradientResult struct {
	tol         float64
	cost, bytes int
	error       float64 // relative
}

// gradients returns a row of results for each of the adjoints. Tolerances at which an
// adjoint gives up are left out.
func (s *study) gradients(ctx context.Context, p *problem, field odeint.Differentiable[float64]) ([][]gradientResult, error) {
	reference, err := s.newPass(ctx, p, field, tight, adjoint.Discrete{})
	if err != nil {
		return nil, err
	}
	results := make([][]gradientResult, len(adjoints))
	last, repetitions := 10, 7
	if s.Quick {
		last, repetitions = 4, 2
	}
	for digits := 3; digits <= last; digits++ {
		tol := math.Pow(10, -float64(digits))
		passes := make([]*pass, len(adjoints))
		for i, a := range adjoints {
			passes[i], err = s.newPass(ctx, p, field, odeint.Options{RTol: tol, ATol: tol, MaxSteps: 20_000}, a.method)
			var failed *odeint.StepError
			if errors.As(err, &failed) && ctx.Err() == nil && i > 0 {
				passes[i] = nil
			} else if err != nil {
				return nil, err
			}
		}
		seconds, err := leastSeconds(ctx, passes, repetitions)
		if err != nil {
			return nil, err
		}
		for i, q := range passes {
			if q == nil {
				continue
			}
			forward, backward := q.solver.Stats()
			r := gradientResult{
				tol: tol, cost: forward.NFE + backward.NFE + backward.VJPs, bytes: forward.Bytes + backward.Bytes,
				error: max(relativeError(q.grad.Theta, reference.grad.Theta), relativeError(q.grad.Y0, reference.grad.Y0)),
			}
			results[i] = append(results[i], r)
			if digits%3 == 0 {
				name := fmt.Sprintf("gradient_%s_%s_tol_1e%d_", p.key, adjoints[i].key, digits)
				s.metrics.Set(name+"error", r.error)
				s.metrics.Set(name+"off_discrete", relativeError(q.grad.Theta, passes[0].grad.Theta))
				s.metrics.SetInt(name+"cost", r.cost)
				s.metrics.SetInt(name+"bytes", r.bytes)
				s.metrics.Set(name+"seconds_over_discrete", seconds[i]/seconds[0])
			}
		}
	}
	return results, nil
}

// leastSeconds returns the shortest time of each pass. The passes take turns, so that a
// load on the machine meets all of them.
func leastSeconds(ctx context.Context, passes []*pass, repetitions int) ([]float64, error) {
	least := make([]float64, len(passes))
	for k := range repetitions {
		for i, q := range passes {
			if q == nil {
				continue
			}
			began := time.Now()
			if err := q.run(ctx); err != nil {
				return nil, err
			}
			if took := time.Since(began).Seconds(); k == 0 || took < least[i] {
				least[i] = took
			}
		}
	}
	return least, nil
}

// pass is a forward and a backward pass that can be run again.
type pass struct {
	solver *adjoint.Solver[float64]
	times  []float64
	y0     []float64
	dys    []float64
	grad   adjoint.Gradient[float64]
}

// newPass runs the pass once.
func (s *study) newPass(ctx context.Context, p *problem, field odeint.Differentiable[float64], opt odeint.Options, m adjoint.Method) (*pass, error) {
	q := &pass{times: train.Grid(p.end, savedIntervals), y0: p.y0}
	q.dys = make([]float64, len(q.times)*len(p.y0))
	var err error
	if q.solver, err = adjoint.New(field, opt, m); err != nil {
		return nil, err
	}
	if err := q.run(ctx); err != nil {
		return nil, err
	}
	forward, backward := q.solver.Stats()
	s.count(forward.Stats)
	s.backward += backward.NFE + backward.VJPs
	return q, nil
}

func (q *pass) run(ctx context.Context) error {
	sol, err := q.solver.Forward(ctx, q.times, q.y0)
	if err != nil {
		return err
	}
	for i, y := range sol.Y {
		q.dys[i] = 2 * y / float64(len(sol.Y))
	}
	return q.solver.Backward(ctx, &q.grad, q.dys)
}
