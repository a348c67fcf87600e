package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train/figure"
)

// relaxation is y' = −rate·(1 + y²)(y − θ cos t), which draws y to θ cos t: the stiffer,
// the larger the rate.
type relaxation struct{ rate, theta float64 }

func (r *relaxation) Dim() int       { return 1 }
func (r *relaxation) NumParams() int { return 1 }

func (r *relaxation) Eval(dydt []float64, t float64, y []float64) {
	dydt[0] = -r.rate * (1 + y[0]*y[0]) * (y[0] - r.theta*math.Cos(t))
}

func (r *relaxation) VJP(dydt, dy, dtheta []float64, t float64, y, l []float64) {
	if dydt != nil {
		r.Eval(dydt, t, y)
	}
	cos, square := math.Cos(t), 1+y[0]*y[0]
	dy[0] = -r.rate * (square + 2*y[0]*(y[0]-r.theta*cos)) * l[0]
	if dtheta != nil {
		dtheta[0] += r.rate * square * cos * l[0]
	}
}

// TangentVJP implements odeint.TwiceDifferentiable.
func (r *relaxation) TangentVJP(dy, dtheta []float64, t float64, y, v, l []float64) {
	cos := math.Cos(t)
	dy[0] = -r.rate * l[0] * v[0] * (6*y[0] - 2*r.theta*cos)
	if dtheta != nil {
		dtheta[0] += 2 * r.rate * l[0] * v[0] * y[0] * cos
	}
}

const (
	stiffEnd = 2.0
	stiffTol = 1e-6
	stiffH   = 0.05 // of the implicit method
	mostRate = 1e4  // the largest rate for methods that are not for stiff problems
)

// exactly is the reference, at any rate.
var exactly = odeint.Options{Method: odeint.Kvaerno5, RTol: 1e-11, ATol: 1e-11}

// The starts of the solves: on the slow solution up to 1/rate², and off it.
const (
	slow      = 1.0
	transient = 0.0
)

// stiff measures what a rate costs explicit methods and an implicit one, and what it does
// to gradients.
func (s *study) stiff(ctx context.Context, _ []*problem) error {
	solves := []struct {
		key, label string
		opt        odeint.Options
		start      float64
		style      draw.LineStyle
	}{
		{"bosh3", "bosh3", adaptive(odeint.Bosh3), transient, figure.Solid(figure.Sky)},
		{"tsit5", "tsit5", adaptive(odeint.Tsit5), transient, figure.Solid(figure.Blue)},
		{"dop853", "dop853", adaptive(odeint.Dop853), transient, figure.Solid(figure.Orange)},
		{"gauss4", "gauss-legendre4, Newton", newton(), slow, figure.Solid(figure.Green)},
		{"gauss4_transient", "the same with a transient", newton(), transient, figure.Dashed(figure.Purple)},
		{"kvaerno5", "kvaerno5", adaptive(odeint.Kvaerno5), transient, figure.Solid(figure.Grey)},
		{"rodas5p", "rodas5p", adaptive(odeint.Rodas5P), transient, figure.Solid(figure.Amber)},
	}
	backward := []struct {
		key, label string
		forward    odeint.Method
		method     adjoint.Method
		tol, hmax  float64 // hmax times the rate; 0: none
		style      draw.LineStyle
	}{
		{"discrete", "discrete", odeint.Tsit5, adjoint.Discrete{}, stiffTol, 0, figure.Solid(figure.Blue)},
		{"discrete_loose", "discrete, tolerance 1e-3", odeint.Tsit5, adjoint.Discrete{}, 1e-3, 0, figure.Dashed(figure.Grey)},
		{"discrete_hmax", "discrete, HMax 2.5/rate", odeint.Tsit5, adjoint.Discrete{}, stiffTol, 2.5, figure.Dashed(figure.Sky)},
		{"interpolating", "interpolating", odeint.Tsit5, adjoint.Interpolating{}, stiffTol, 0, figure.Solid(figure.Green)},
		{"backsolve", "backsolve", odeint.Tsit5, adjoint.Backsolve{}, stiffTol, 0, figure.Solid(figure.Orange)},
		{"kvaerno5_discrete", "discrete, kvaerno5", odeint.Kvaerno5, adjoint.Discrete{}, stiffTol, 0, figure.Solid(figure.Grey)},
		{"rodas5p_discrete", "discrete, rodas5p", odeint.Rodas5P, adjoint.Discrete{}, stiffTol, 0, figure.Solid(figure.Amber)},
		{"rodas5p_interpolating", "interpolating, rodas5p", odeint.Rodas5P, adjoint.Interpolating{}, stiffTol, 0, figure.Dashed(figure.Amber)},
	}

	var rates []float64
	for digits := 0; digits <= 6; digits++ {
		rates = append(rates, math.Pow(10, float64(digits)))
		if digits < 6 {
			rates = append(rates, 2*rates[len(rates)-1], 5*rates[len(rates)-1])
		}
	}
	cost, accuracy := make([][]float64, len(solves)), make([][]float64, len(solves))
	gradient := make([][]float64, len(backward))
	for j, rate := range rates {
		decade := j%3 == 0
		f := &relaxation{rate: rate, theta: 1}
		name := func(what, key string) string { return fmt.Sprintf("stiff_%s_rate_%.0f_%s", key, rate, what) }
		for i, v := range solves {
			if rate > mostRate && v.key != "kvaerno5" && v.key != "rodas5p" {
				cost[i], accuracy[i] = append(cost[i], math.NaN()), append(accuracy[i], math.NaN())
				continue
			}
			nfe, e, err := s.relax(ctx, f, v.opt, v.start)
			if err != nil {
				return err
			}
			cost[i], accuracy[i] = append(cost[i], nfe), append(accuracy[i], e)
			if decade {
				s.metrics.Set(name("nfe", v.key), nfe)
				s.metrics.Set(name("error", v.key), e)
			}
		}
		for i, v := range backward {
			if rate > mostRate && v.forward == odeint.Method(odeint.Tsit5) {
				gradient[i] = append(gradient[i], math.NaN())
				continue
			}
			e, err := s.relaxGradient(ctx, f, v.forward, v.method, v.tol, v.hmax/rate)
			if err != nil {
				return err
			}
			shown := e // up to 1e6; the metrics have the rest
			if e > 1e6 {
				shown = math.NaN()
			}
			gradient[i] = append(gradient[i], shown)
			if decade {
				s.metrics.Set(name("gradient_error", v.key), e)
			}
		}
	}

	const x = "rate of contraction"
	panels := []*figure.Panel{
		figure.New("Cost, tolerance 10⁻⁶", x, "evaluations and VJPs"),
		figure.New("Accuracy", x, "error at t = 2"),
		figure.New("Gradient, tolerance 10⁻⁶", x, "relative error of the gradient by θ"),
	}
	for _, p := range panels {
		logarithmic(p)
	}
	for i, v := range solves {
		panels[0].Line(v.label, rates, cost[i], v.style)
		panels[1].Line(v.label, rates, accuracy[i], v.style)
	}
	for i, v := range backward {
		panels[2].Line(v.label, rates, gradient[i], v.style)
	}
	return figure.Save(filepath.Join(s.Out, "stiff.png"), 14*vg.Inch, 4.8*vg.Inch, panels[:1], panels[1:2], panels[2:])
}

func adaptive(m odeint.Method) odeint.Options {
	return odeint.Options{Method: m, RTol: stiffTol, ATol: stiffTol, MaxSteps: math.MaxInt}
}

func newton() odeint.Options {
	return odeint.Options{Method: odeint.GaussLegendre4.With(odeint.Newton{}), H0: stiffH}
}

// relax solves f from y0 and returns the cost and the error at the end, NaN if Newton's
// iteration gave up.
func (s *study) relax(ctx context.Context, f *relaxation, opt odeint.Options, y0 float64) (cost, e float64, err error) {
	want, _, err := s.relaxed(ctx, f, y0, exactly, adjoint.Discrete{})
	if err != nil {
		return 0, 0, err
	}
	in, err := odeint.New[float64](f, opt)
	if err != nil {
		return 0, 0, err
	}
	var sol odeint.Solution[float64]
	err = in.Solve(ctx, &sol, 0, stiffEnd, []float64{y0})
	s.count(sol.Stats)
	switch {
	case errors.Is(err, odeint.ErrNoConvergence):
		return math.NaN(), math.NaN(), nil
	case err != nil:
		return 0, 0, err
	}
	return float64(evaluations(sol.Stats)), math.Abs(sol.Last()[0] - want), nil
}

// relaxGradient returns the relative error of ∂y(end)/∂θ.
func (s *study) relaxGradient(ctx context.Context, f *relaxation, forward odeint.Method, m adjoint.Method, tol, hmax float64) (float64, error) {
	_, want, err := s.relaxed(ctx, f, transient, exactly, adjoint.Discrete{})
	if err != nil {
		return 0, err
	}
	opt := adaptive(forward)
	opt.RTol, opt.ATol, opt.HMax = tol, tol, hmax
	_, got, err := s.relaxed(ctx, f, transient, opt, m)
	return math.Abs(got-want) / math.Abs(want), err
}

// relaxed returns y(end) and ∂y(end)/∂θ, which is NaN if the backward pass gave up.
func (s *study) relaxed(ctx context.Context, f *relaxation, y0 float64, opt odeint.Options, m adjoint.Method) (y, gradient float64, err error) {
	opt.MaxSteps = 1_000_000
	solver, err := adjoint.New[float64](f, opt, m)
	if err != nil {
		return 0, 0, err
	}
	sol, err := solver.Forward(ctx, []float64{0, stiffEnd}, []float64{y0})
	if err != nil {
		return 0, 0, err
	}
	y = sol.Last()[0]
	grad := adjoint.Gradient[float64]{}
	err = solver.Backward(ctx, &grad, []float64{0, 1})
	forward, backward := solver.Stats()
	s.count(forward.Stats)
	s.backward += backward.NFE + backward.VJPs
	var failed *odeint.StepError
	if errors.As(err, &failed) && ctx.Err() == nil {
		return y, math.NaN(), nil
	}
	if err != nil {
		return 0, 0, err
	}
	return y, grad.Theta[0], nil
}
