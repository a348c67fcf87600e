package odelayer

import (
	"context"
	"fmt"
	"sync"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint"
)

// rows is the number of saved times: of the sample that has most.
func (cfg *Config) rows() int {
	rows := len(cfg.Times)
	for _, ts := range cfg.SampleTimes {
		rows = max(rows, len(ts))
	}
	return rows
}

// timeFaults lists what is wrong with Times and SampleTimes.
func (cfg *Config) timeFaults() (faults []string) {
	if cfg.SampleTimes == nil {
		if fault := checkTimes("Times", cfg.Times); fault != "" {
			return []string{fault}
		}
		return nil
	}
	if cfg.Times != nil {
		faults = append(faults, "Times and SampleTimes are both set; choose one")
	}
	if cfg.Input != nil {
		faults = append(faults, "SampleTimes and Input are both set; samples with inputs have common Times")
	}
	if cfg.Events != nil || cfg.Solve.Events != nil {
		faults = append(faults, "SampleTimes and events are both set; a layer with events has common Times, and an adjoint.Batch takes both")
	}
	if len(cfg.SampleTimes) != cfg.Batch {
		faults = append(faults, fmt.Sprintf("SampleTimes has %d lists for a batch of %d; give one for each sample", len(cfg.SampleTimes), cfg.Batch))
	}
	for i, ts := range cfg.SampleTimes {
		if fault := checkTimes(fmt.Sprintf("SampleTimes[%d]", i), ts); fault != "" {
			faults = append(faults, fault)
		}
	}
	return faults
}

// ownTimes solves samples with times of their own.
type ownTimes[T graph.Float] struct {
	batch   *adjoint.Batch[T]
	samples []odeint.Sample[T]
	n, dim  int // of a sample and of all
	final   bool
	states  []T // as the layer's result has them
	grad    adjoint.BatchGradient[T]
	dys     [][]T
}

func newOwnTimes[T graph.Float](field graph.CompiledField[T], cfg Config, rows int) (*ownTimes[T], error) {
	batch, err := adjoint.NewBatch[T](field, odeint.BatchOptions{Options: cfg.Solve}, cfg.Adjoint)
	if err != nil {
		return nil, err
	}
	if observe := cfg.Observe; observe != nil {
		var one sync.Mutex
		batch.Observe(func(_ int, step *odeint.Step[T], st *odeint.Stats) error {
			one.Lock()
			defer one.Unlock()
			return observe(step.T1, st)
		})
	}
	o := &ownTimes[T]{batch: batch, dim: field.Dim(), n: field.Dim() / cfg.Batch, final: cfg.Final, states: make([]T, rows*field.Dim())}
	for _, ts := range cfg.SampleTimes {
		o.samples = append(o.samples, odeint.Sample[T]{Times: ts})
		o.dys = append(o.dys, make([]T, len(ts)*o.n))
	}
	return o, nil
}

// place returns where row r of sample i, which has rows of them, is in states; nil: it is not there.
func (o *ownTimes[T]) place(states []T, i, r, rows int) []T {
	switch {
	case !o.final:
	case r < rows-1:
		return nil
	default:
		r = 0
	}
	at := r*o.dim + i*o.n
	return states[at : at+o.n]
}

func (o *ownTimes[T]) forward(ctx context.Context, y0 []T) ([]T, error) {
	for i := range o.samples {
		o.samples[i].Y0 = y0[i*o.n : (i+1)*o.n]
	}
	sols, err := o.batch.Forward(ctx, o.samples)
	if err != nil {
		return nil, err
	}
	for i := range sols {
		rows := sols[i].Len()
		for r := range rows {
			copy(o.place(o.states, i, r, rows), sols[i].Row(r))
		}
	}
	return o.states, nil
}

func (o *ownTimes[T]) backward(ctx context.Context, g *adjoint.Gradient[T], dys []T) error {
	for i, dy := range o.dys {
		rows := len(dy) / o.n
		for r := range rows {
			copy(dy[r*o.n:(r+1)*o.n], o.place(dys, i, r, rows))
		}
	}
	o.grad.Y0, o.grad.Theta = g.Y0, g.Theta
	err := o.batch.Backward(ctx, &o.grad, o.dys)
	o.grad.Y0, o.grad.Theta = nil, nil
	return err
}
