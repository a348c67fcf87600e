package main

import (
	"context"
	"fmt"
	"math"

	"github.com/neuralode/neuralode/odeint"
)

// stiffProblem is one of the IVP test set (Mazzia & Magherini 2008, release 2.4), autonomous
// from t = 0, with its reference state at the end. peers/stiff_peer.py has the same.
type stiffProblem struct {
	name string
	end  float64
	atol float64
	y0   []float64
	want []float64
	f    func(d, y []float64)
}

// Dim, Eval and Autonomous make it a vector field.
func (p *stiffProblem) Dim() int                                 { return len(p.y0) }
func (p *stiffProblem) Eval(d []float64, _ float64, y []float64) { p.f(d, y) }
func (p *stiffProblem) Autonomous() bool                         { return true }

// digits is mescd: −log10 of the largest error over atol/rtol + |y|.
func (p *stiffProblem) digits(y []float64, rtol float64) float64 {
	worst := 0.0
	for i, w := range p.want {
		worst = max(worst, math.Abs(y[i]-w)/(p.atol/rtol+math.Abs(w)))
	}
	return -math.Log10(worst)
}

var stiffProblems = []*stiffProblem{
	{
		"VDPOL", 2, 1e-6, []float64{2, 0}, []float64{1.706167732170483, -0.8928097010247975},
		func(d, y []float64) { d[0], d[1] = y[1], ((1-y[0]*y[0])*y[1]-y[0])/1e-6 },
	},
	{
		"ROBER", 100, 1e-10, []float64{1, 0, 0}, []float64{0.6172348823960878, 6.153591274639123e-6, 0.3827589640126376},
		func(d, y []float64) {
			a, b, c := 0.04*y[0], 3e7*y[1]*y[1], 1e4*y[1]*y[2]
			d[0], d[1], d[2] = c-a, a-b-c, b
		},
	},
	{
		"OREGO", 360, 1e-6, []float64{1, 2, 3}, []float64{1.000814870318523, 1228.178521549917, 132.0554942846706},
		func(d, y []float64) {
			d[0] = 77.27 * (y[1] + y[0]*(1-8.375e-6*y[0]-y[1]))
			d[1] = (y[2] - (1+y[0])*y[1]) / 77.27
			d[2] = 0.161 * (y[0] - y[2])
		},
	},
	{
		"HIRES", 321.8122, 1e-10, []float64{1, 0, 0, 0, 0, 0, 0, 0.0057},
		[]float64{
			7.371312573325668e-4, 1.442485726316185e-4, 5.888729740967575e-5, 1.175651343283149e-3,
			2.386356198831331e-3, 6.238968252742796e-3, 2.849998395185769e-3, 2.850001604814231e-3,
		},
		func(d, y []float64) {
			d[0] = -1.71*y[0] + 0.43*y[1] + 8.32*y[2] + 0.0007
			d[1] = 1.71*y[0] - 8.75*y[1]
			d[2] = -10.03*y[2] + 0.43*y[3] + 0.035*y[4]
			d[3] = 8.32*y[1] + 1.71*y[2] - 1.12*y[3]
			d[4] = -1.745*y[4] + 0.43*y[5] + 0.43*y[6]
			d[5] = -280*y[5]*y[7] + 0.69*y[3] + 1.71*y[4] - 0.43*y[5] + 0.69*y[6]
			d[6] = 280*y[5]*y[7] - 1.81*y[6]
			d[7] = -d[6]
		},
	},
}

// stiff measures the methods for stiff problems at a relative tolerance of 1e-6.
func (s *study) stiff(ctx context.Context) error {
	const rtol = 1e-6
	for _, p := range stiffProblems {
		for _, m := range []odeint.Method{odeint.Kvaerno5, odeint.Rodas5P, odeint.Auto{}, odeint.Auto{Stiff: odeint.Rodas5P}} {
			in, err := odeint.New[float64](p, odeint.Options{Method: m, RTol: rtol, ATol: p.atol})
			if err != nil {
				return err
			}
			var sol odeint.Solution[float64]
			pass := func() error { return in.Solve(ctx, &sol, 0, p.end, p.y0) }
			if err := pass(); err != nil {
				return fmt.Errorf("%s, %v: %w", p.name, m, err)
			}
			seconds, err := s.least(ctx, pass)
			if err != nil {
				return err
			}
			s.storeStiff(peerResult{
				Program: m.String(), Workload: p.name, Pass: "stiff", Ms: 1e3 * seconds,
				Steps: sol.Stats.Accepted, NFE: sol.Stats.NFE, Digits: p.digits(sol.Last(), rtol),
			})
		}
	}
	return nil
}

// storeStiff keeps what a method, of ours or of a peer, needed.
func (s *study) storeStiff(r peerResult) {
	name := fieldName(r.Workload + "_stiff_" + r.Program)
	s.metrics.Set(name+"_ms", r.Ms)
	s.metrics.SetInt(name+"_steps", r.Steps)
	s.metrics.Set(name+"_digits", r.Digits)
	fmt.Fprintf(s.stderr, "%-5s %-22s %9.3f ms, %4d steps, %6d f, %.1f digits\n", r.Workload, r.Program, r.Ms, r.Steps, r.NFE, r.Digits)
}
