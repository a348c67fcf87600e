package main

import (
	"context"
	"fmt"
	"math"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train/figure"
)

// store keeps what was measured under a name.
func (s *study) store(name string, r *result) {
	s.metrics.Set(name+"_ms", 1e3*r.seconds)
	s.metrics.SetInt(name+"_bytes", r.bytes)
}

// workloads measures every method on every workload: 100 steps of RK4, and Tsit5 to 1e-6.
// Errors are those against a solve to 1e-11.
func (s *study) workloads(ctx context.Context) error {
	tight := 1e-11
	if s.Quick {
		tight = 1e-9
	}
	for _, w := range workloads {
		if s.Quick && w.name != "W1" && w.name != "C8" {
			continue
		}
		f, err := w.field(s.threads)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		opt, times := fixed(100)
		if err := s.storeSolve(ctx, w.name+"_rk4", w, f, opt, times); err != nil {
			return err
		}
		for _, m := range methods[:2] {
			r, err := s.gradient(ctx, w, f, opt, times, m.adjoint)
			if err != nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			s.store(w.name+"_rk4_"+m.key, r)
			if m.key == "discrete" {
				s.metrics.Set(w.name+"_rk4_loss", r.loss)
				s.metrics.Set(w.name+"_rk4_dtheta", r.normTheta)
				s.metrics.Set(w.name+"_rk4_dy0", r.n0)
			}
		}
		opt, times = adaptive(tight)
		want, err := s.gradient(ctx, w, f, opt, times, adjoint.Discrete{})
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		opt, times = adaptive(1e-6)
		if err := s.storeSolve(ctx, w.name+"_tsit5", w, f, opt, times); err != nil {
			return err
		}
		for _, m := range methods {
			r, err := s.gradient(ctx, w, f, opt, times, m.adjoint)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", w.name, m.label, err)
			}
			s.store(w.name+"_tsit5_"+m.key, r)
			s.metrics.Set(w.name+"_tsit5_"+m.key+"_error", r.off(want))
			if m.key == "discrete" {
				s.metrics.Set(w.name+"_tsit5_loss", r.loss)
			}
		}
	}
	return nil
}

// storeSolve measures a solve alone.
func (s *study) storeSolve(ctx context.Context, name string, w workload, f graph.CompiledField[float64], opt odeint.Options, times []float64) error {
	seconds, err := s.solve(ctx, w, f, opt, times)
	s.metrics.Set(name+"_forward_ms", 1e3*seconds)
	return err
}

// series is a line of a figure.
type series struct{ x, y []float64 }

func (l *series) add(x, y float64) { l.x, l.y = append(l.x, x), append(l.y, y) }

// stepCounts measures W1 for numbers of steps from 10 to 10 000, and backpropagation
// through the graph as far as building and running it takes seconds.
func (s *study) stepCounts(ctx context.Context) error {
	w := workloads[0]
	f, err := w.field(1)
	if err != nil {
		return err
	}
	seconds := figure.New("one gradient, 1 × 2-64-2", "steps of RK4", "ms")
	bytes := figure.New("", "steps of RK4", "bytes")
	for _, p := range []*figure.Panel{seconds, bytes} {
		p.LogX()
		p.LogY()
	}
	counts, most, mostTape := []int{10, 30, 100, 300, 1000, 3000, 10_000}, 100, 30
	if s.Quick {
		counts, most, mostTape = []int{3, 6}, 3, 3
	}
	exact := make(map[int]*result)
	for i, m := range methods {
		var ms, kept series
		for _, n := range counts {
			opt, times := fixed(n)
			if m.key == "backsolve" || m.key == "interpolating" {
				opt.MaxSteps = 0
			}
			r, err := s.gradient(ctx, w, f, opt, times, m.adjoint)
			if err != nil {
				return err
			}
			if i == 0 {
				exact[n] = r
			}
			s.store(fmt.Sprintf("steps_%d_%s", n, m.key), r)
			ms.add(float64(n), 1e3*r.seconds)
			kept.add(float64(n), float64(r.bytes))
		}
		seconds.Line(m.label, ms.x, ms.y, figure.Solid(figure.Series(i)))
		bytes.Line(m.label, kept.x, kept.y, figure.Solid(figure.Series(i)))
	}
	var compiled, tape [2]series
	for _, n := range counts {
		if n > most {
			break
		}
		u, err := newUnrolled(w, f, n)
		if err != nil {
			return err
		}
		r, err := u.compiled(ctx, s, f.Params())
		if err != nil {
			return err
		}
		if d := r.off(exact[n]); d > 1e-10 {
			return fmt.Errorf("%d steps: the gradient of the unrolled graph is %.1e off that of Discrete", n, d)
		}
		s.store(fmt.Sprintf("steps_%d_unrolled", n), r)
		compiled[0].add(float64(n), 1e3*r.seconds)
		compiled[1].add(float64(n), float64(r.bytes))
		if n > mostTape {
			continue
		}
		if r, err = u.tape(ctx, s); err != nil {
			return err
		}
		s.metrics.Set(fmt.Sprintf("steps_%d_tape_off", n), r.off(exact[n]))
		s.store(fmt.Sprintf("steps_%d_tape", n), r)
		tape[0].add(float64(n), 1e3*r.seconds)
		tape[1].add(float64(n), float64(r.bytes))
	}
	for i, p := range []*figure.Panel{seconds, bytes} {
		p.Line("unrolled graph, compiled", compiled[i].x, compiled[i].y, figure.Dashed(figure.Series(4)))
		p.Line("unrolled graph, TapeMachine", tape[i].x, tape[i].y, figure.Dashed(figure.Series(5)))
	}
	return figure.Save(s.path("steps.png"), 9*figure.Inch, 8*figure.Inch, []*figure.Panel{seconds, bytes})
}

// fronts measures error against time over tolerances, on W1 and W2.
func (s *study) fronts(ctx context.Context) error {
	digits, tight := []int{3, 4, 5, 6, 7, 8, 9}, 1e-12
	if s.Quick {
		digits, tight = []int{3, 5}, 1e-9
	}
	var columns [][]*figure.Panel
	for _, w := range workloads[:2] {
		f, err := w.field(1)
		if err != nil {
			return err
		}
		opt, times := adaptive(tight)
		want, err := s.gradient(ctx, w, f, opt, times, adjoint.Discrete{})
		if err != nil {
			return err
		}
		p := figure.New(fmt.Sprintf("%s, %s, Tsit5", w.name, w.about), "ms", "relative error of the gradient")
		p.LogX()
		p.LogY()
		for i, m := range methods {
			var line series
			for _, d := range digits {
				opt, times := adaptive(math.Pow(10, -float64(d)))
				r, err := s.gradient(ctx, w, f, opt, times, m.adjoint)
				if err != nil {
					return err
				}
				line.add(1e3*r.seconds, r.off(want))
			}
			p.Line(m.label, line.x, line.y, figure.Solid(figure.Series(i)))
			p.Points("", line.x, line.y, figure.Dots(figure.Series(i)))
		}
		columns = append(columns, []*figure.Panel{p})
	}
	return figure.Save(s.path("fronts.png"), 12*figure.Inch, 5*figure.Inch, columns...)
}

// sizes measures 100 steps of RK4 over the batch size and over the width of the network.
func (s *study) sizes(ctx context.Context) error {
	batches, widths := []int{1, 4, 16, 64, 256, 1024}, []int{8, 32, 128, 512, 1024}
	if s.Quick {
		batches, widths = []int{1, 4}, []int{8, 16}
	}
	panel := func(title, x string, all []workload, at []float64, name string) (*figure.Panel, error) {
		p := figure.New(title, x, "ms a gradient")
		p.LogX()
		p.LogY()
		for i, m := range methods[:2] {
			var line series
			for k, w := range all {
				f, err := w.field(s.threads)
				if err != nil {
					return nil, err
				}
				opt, times := fixed(100)
				r, err := s.gradient(ctx, w, f, opt, times, m.adjoint)
				if err != nil {
					return nil, err
				}
				s.store(fmt.Sprintf("%s_%v_%s", name, at[k], m.key), r)
				line.add(at[k], 1e3*r.seconds)
			}
			p.Line(m.label, line.x, line.y, figure.Solid(figure.Series(i)))
		}
		return p, nil
	}
	var all []workload
	var at []float64
	for _, b := range batches {
		all, at = append(all, network("", b, 2, 64)), append(at, float64(b))
	}
	left, err := panel("2-64-2, 100 steps of RK4", "batch", all, at, "batch")
	if err != nil {
		return err
	}
	all, at = nil, nil
	for _, h := range widths {
		all, at = append(all, network("", 64, 16, h)), append(at, float64(33*h+16))
	}
	right, err := panel("64 × 16-h-16, 100 steps of RK4", "parameters", all, at, "params")
	if err != nil {
		return err
	}
	return figure.Save(s.path("sizes.png"), 12*figure.Inch, 5*figure.Inch, []*figure.Panel{left}, []*figure.Panel{right})
}
