package main

import (
	"context"
	"math"

	"github.com/neuralode/neuralode/odeint"
)

// samples measures batches in which every sample has its own steps: V256, van der Pol
// oscillators with μ from 1 to 50, and N256, networks with ends from 1 to 10. The first are also
// solved with common steps.
func (s *study) samples(ctx context.Context) error {
	n := 256
	if s.Quick {
		n = 8
	}
	mu := func(i int) float64 { return 1 + 49*float64(i)/float64(n-1) }
	oscillator := func(d []float64, i int, _ float64, y []float64) {
		d[0], d[1] = y[1], mu(i)*(1-y[0]*y[0])*y[1]-y[0]
	}
	opt := odeint.Options{RTol: 1e-6, ATol: 1e-6}
	all := make([]odeint.Sample[float64], n)
	for i := range all {
		all[i] = odeint.Sample[float64]{Y0: []float64{2, 0}, T1: 20}
	}
	rows, err := s.batch(ctx, "V256", odeint.NewSampleFunc(2, oscillator), opt, all)
	if err != nil {
		return err
	}
	y0 := make([]float64, 2*n)
	for i := range all {
		copy(y0[2*i:], all[i].Y0)
	}
	in, err := odeint.New(odeint.NewFunc(2*n, func(d []float64, t float64, y []float64) {
		for i := range n {
			oscillator(d[2*i:2*i+2], i, t, y[2*i:2*i+2])
		}
	}), opt)
	if err != nil {
		return err
	}
	var sol odeint.Solution[float64]
	seconds, err := s.least(ctx, func() error { return in.Solve(ctx, &sol, 0, 20, y0) })
	if err != nil {
		return err
	}
	s.metrics.Set("V256_common_steps_ms", 1e3*seconds)
	s.metrics.Set("V256_common_steps_rows", float64(sol.Stats.NFE*n)/float64(rows))

	w := network("N256", n, 8, 64)
	f, err := w.field(1)
	if err != nil {
		return err
	}
	y0 = w.y0(f.Dim())
	for i := range all {
		all[i] = odeint.Sample[float64]{Y0: y0[8*i : 8*i+8], T1: 1 + 9*float64(i*37%n)/float64(n-1)}
	}
	_, err = s.batch(ctx, w.name, f, opt, all)
	return err
}

// batch measures the solve of samples, and returns how often f was evaluated for one of them.
func (s *study) batch(ctx context.Context, name string, f odeint.VectorField[float64], opt odeint.Options, samples []odeint.Sample[float64]) (rows int, err error) {
	b, err := odeint.NewBatch(f, odeint.BatchOptions{Options: opt, Workers: s.threads})
	if err != nil {
		return 0, err
	}
	sols := make([]odeint.Solution[float64], len(samples))
	seconds, err := s.least(ctx, func() error { return b.Solve(ctx, sols, samples) })
	if err != nil {
		return 0, err
	}
	loss := 0.0
	for i := range sols {
		loss += math.Pow(sols[i].Last()[0], 2) / float64(len(sols))
	}
	s.metrics.Set(name+"_samples_ms", 1e3*seconds)
	s.metrics.Set(name+"_samples_loss", loss)
	return b.Stats().NFE, nil
}
