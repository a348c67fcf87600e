// Command benchmark measures gradients of Neural ODEs: by the adjoint methods and by
// backpropagation through the unrolled solver, in time, memory and error.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/neuralode/neuralode/train/experiment"
)

const about = `Measures one gradient of a Neural ODE by every adjoint method, and by
backpropagation through the unrolled solver as a Gorgonia graph, compiled and on
Gorgonia's TapeMachine: time, memory and error, against the number of steps, the
tolerance, the size of the state and the number of parameters. Then stiff problems of the IVP
test set: time, steps and digits; and batches in which every sample has its own steps and end.

    steps.png     time and bytes against the number of RK4 steps
    fronts.png    error of the gradient against its time, tolerances 1e-3 to 1e-9
    sizes.png     time against the batch and against the number of parameters
    metrics.json  all numbers

With -peers, peers/*.py compute the same gradients with JAX, diffrax, PyTorch and
torchdiffeq where one of the -python can import them, solve the stiff problems with SciPy and
diffrax, and the batches with diffrax and torchode; losses and gradients must agree.`

func main() { experiment.Main("benchmark", run) }

// study is one run of the program.
type study struct {
	experiment.Common
	metrics  *experiment.Metrics
	stderr   io.Writer
	budget   time.Duration // of one measurement
	began    time.Time
	threads  int
	parts    string
	peers    string
	python   string
	steps    int // accepted ones of all first solves
	forward  int // evaluations of f of the first forward solves
	backward int // evaluations and vector-Jacobian products of the first backward passes
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s := &study{Common: experiment.Common{Out: "out/benchmark", Seed: 1}, stderr: stderr, began: time.Now()}
	fs := experiment.NewFlags("benchmark", about, &s.Common)
	s.flags(fs)
	if err := experiment.Parse(fs, args, stderr); err != nil {
		return err
	}
	if s.threads < 0 || s.budget <= 0 {
		return experiment.Usagef("-threads %d and -seconds %v: threads are not negative, seconds are positive", s.threads, s.budget.Seconds())
	}
	if s.Quick {
		s.budget = min(s.budget, 5*time.Millisecond)
	}
	s.metrics = experiment.Start(s.Common)
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"workloads", s.workloads}, {"steps", s.stepCounts}, {"fronts", s.fronts}, {"sizes", s.sizes}, {"stiff", s.stiff}, {"samples", s.samples}, {"peers", s.peerPrograms},
	} {
		if s.parts != "" && !slices.Contains(strings.Split(s.parts, ","), part.name) {
			continue
		}
		fmt.Fprintf(stderr, "%s\n", part.name)
		if err := part.run(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	s.metrics.SetInt("steps", s.steps)
	s.metrics.SetInt("nfe_forward", s.forward)
	s.metrics.SetInt("nfe_backward", s.backward)
	return s.metrics.Finish(ctx, stdout, s.Out)
}

func (s *study) flags(fs *flag.FlagSet) {
	s.budget = time.Second
	fs.Func("seconds", "how long to repeat a measurement (default 1)", func(v string) error {
		var x float64
		if _, err := fmt.Sscan(v, &x); err != nil || math.IsNaN(x) || x > 3600 {
			return fmt.Errorf("%q is not a number of seconds", v)
		}
		s.budget = time.Duration(x * float64(time.Second))
		return nil
	})
	fs.IntVar(&s.threads, "threads", 1, "goroutines that share a batch; 0: as many as pay. With 1 times are processor times")
	fs.StringVar(&s.parts, "parts", "", "the parts to run, of workloads,steps,fronts,sizes,stiff,samples,peers; empty: all")
	fs.StringVar(&s.peers, "peers", "", "folder of the Python programs to compare with, examples/benchmark/peers, or one of them")
	fs.StringVar(&s.python, "python", "python3", "the Python that runs them; of several, with commas between them, the first that can import what is needed")
}

func (s *study) path(name string) string { return filepath.Join(s.Out, name) }
