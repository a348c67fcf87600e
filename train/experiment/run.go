package experiment

import (
	"context"
	"io"
	"math/rand/v2"
	"path/filepath"

	"github.com/neuralode/neuralode/train"
)

// Run is one run of a program that has the common flags alone.
type Run struct {
	Common
	Metrics *Metrics
	Rand    *rand.Rand // of Seed
	Stderr  io.Writer

	reports []train.Report
}

// New returns the program called name that parses the common flags, calls f, and
// then prints the run's metrics and writes them to metrics.json. The folder for its files
// is out/name. About is printed by -h. A context that was cancelled ends f early, and
// what it has stored is still written.
func New(name, about string, f func(ctx context.Context, r *Run) error) Program {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		r := &Run{Common: Common{Out: filepath.Join("out", name), Seed: 1}, Stderr: stderr}
		if err := Parse(NewFlags(name, about, &r.Common), args, stderr); err != nil {
			return err
		}
		r.Metrics, r.Rand = Start(r.Common), rand.New(rand.NewPCG(r.Seed, 0))
		if err := f(ctx, r); err != nil && ctx.Err() == nil {
			return err
		}
		return r.Metrics.Finish(ctx, stdout, r.Out)
	}
}

// Path returns the path of a file in the run's folder.
func (r *Run) Path(file string) string { return filepath.Join(r.Out, file) }

// Steps returns n, or with -quick a tenth of it.
func (r *Run) Steps(n int) int {
	if r.Quick {
		return max(1, n/10)
	}
	return n
}

// Fit trains a model, as train.Fit does, with a progress bar, and stores what the trainings
// so far have cost and led to in the metrics: loss, validation_loss, steps, nfe_forward and
// nfe_backward. A hook in the options is called too.
func Fit[T train.Float](ctx context.Context, r *Run, m *train.Model[T], data train.Dataset[T], opt train.Options[T]) (train.FitReport[T], error) {
	steps := opt.Steps
	if opt.Epochs > 0 {
		size := opt.BatchSize
		if size < 1 || size > len(data) {
			size = max(1, len(data))
		}
		steps = opt.Epochs * ((len(data) + size - 1) / size)
	}
	opt.Hook = Progress(r.Stderr, "fit", steps, opt.Hook)
	report, err := train.Fit(ctx, m, data, opt)
	r.reports = append(r.reports, report.Report)
	r.Metrics.Training(r.reports...)
	r.Metrics.Set("validation_loss", report.Validation)
	return report, err
}
