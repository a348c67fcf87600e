package main

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

// end is where all solves end; they begin at 0.
const end = 10

// result is what a gradient is and costs.
type result struct {
	seconds       float64 // see least
	bytes         int     // kept by both passes
	loss          float64
	dtheta, dy0   []float64
	normTheta, n0 float64
}

// method is a way to a gradient.
type method struct {
	key, label string
	adjoint    adjoint.Method
}

var methods = []method{
	{"discrete", "discrete", adjoint.Discrete{}},
	{"discrete_states", "discrete, states kept", adjoint.Discrete{Memory: adjoint.States{}}},
	{"interpolating", "interpolating", adjoint.Interpolating{}},
	{"backsolve", "backsolve", adjoint.Backsolve{}},
}

// fixed is RK4 with a number of steps and the loss at the end alone.
func fixed(steps int) (odeint.Options, []float64) {
	return odeint.Options{Method: odeint.RK4, H0: end / float64(steps)}, []float64{0, end}
}

// adaptive is Tsit5 at a tolerance with the loss at 101 times.
func adaptive(tol float64) (odeint.Options, []float64) {
	return odeint.Options{Method: odeint.Tsit5, RTol: tol, ATol: tol}, train.Grid(end, 100)
}

// gradient measures the gradient of the mean square of the saved states; with two times,
// of the last one alone.
func (s *study) gradient(ctx context.Context, w workload, f graph.CompiledField[float64], opt odeint.Options, times []float64, m adjoint.Method) (*result, error) {
	solver, err := adjoint.New[float64](f, opt, m)
	if err != nil {
		return nil, err
	}
	y0 := w.y0(f.Dim())
	dys := make([]float64, len(times)*len(y0))
	first := 0
	if len(times) == 2 {
		first = len(y0)
	}
	var g adjoint.Gradient[float64]
	r := &result{}
	pass := func() error {
		sol, err := solver.Forward(ctx, times, y0)
		if err != nil {
			return err
		}
		r.loss = 0
		n := float64(len(dys) - first)
		for i := first; i < len(dys); i++ {
			r.loss += sol.Y[i] * sol.Y[i] / n
			dys[i] = 2 * sol.Y[i] / n
		}
		return solver.Backward(ctx, &g, dys)
	}
	if err := pass(); err != nil {
		return nil, err
	}
	forward, backward := solver.Stats()
	s.steps += forward.Accepted
	s.forward += forward.NFE
	s.backward += backward.NFE + backward.VJPs
	r.bytes = forward.Bytes + backward.Bytes
	r.dtheta, r.dy0 = slices.Clone(g.Theta), slices.Clone(g.Y0)
	r.normTheta, r.n0 = norm(r.dtheta), norm(r.dy0)
	r.seconds, err = s.least(ctx, pass)
	return r, err
}

// solve measures a solve alone.
func (s *study) solve(ctx context.Context, w workload, f graph.CompiledField[float64], opt odeint.Options, times []float64) (seconds float64, err error) {
	in, err := odeint.New[float64](f, opt)
	if err != nil {
		return 0, err
	}
	var sol odeint.Solution[float64]
	y0 := w.y0(f.Dim())
	pass := func() error { return in.SolveAt(ctx, &sol, times, y0) }
	if err := pass(); err != nil {
		return 0, err
	}
	s.steps += sol.Stats.Accepted
	s.forward += sol.Stats.NFE
	return s.least(ctx, pass)
}

// leastBatch is how long calls are repeated before the clock is read again.
const leastBatch = 5 * time.Millisecond

// least repeats f for the time of a measurement and returns the shortest mean time of a
// call over a batch of calls.
func (s *study) least(ctx context.Context, f func() error) (float64, error) {
	best := math.Inf(1)
	batches := 3
	if s.Quick {
		batches = 1
	}
	for began := time.Now(); batches > 0 || time.Since(began) < s.budget; batches-- {
		calls, start := 0, s.clock()
		for calls == 0 || s.clock()-start < min(leastBatch, s.budget) {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			if err := f(); err != nil {
				return 0, err
			}
			calls++
		}
		best = min(best, (s.clock()-start).Seconds()/float64(calls))
	}
	return best, nil
}

// clock is the processor time of the program, which other programs on the machine
// disturb least, or the time of day if several threads are to share the work.
func (s *study) clock() time.Duration {
	if s.threads == 1 {
		if t, ok := processorTime(); ok {
			return t
		}
	}
	return time.Since(s.began)
}

func norm(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}

// off is the relative distance of the gradients of r from those of want.
func (r *result) off(want *result) float64 {
	return max(distance(r.dtheta, want.dtheta)/want.normTheta, distance(r.dy0, want.dy0)/want.n0)
}

func distance(x, y []float64) float64 {
	var sum float64
	for i, v := range x {
		sum += (v - y[i]) * (v - y[i])
	}
	return math.Sqrt(sum)
}
