// Command workprecision measures what accuracy costs: of solves, of gradients, of energies
// over long times, and of stiffness.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train/experiment"
)

const about = `Measures what accuracy costs, on Lotka–Volterra, Kepler, the double pendulum, a stiff
equation and tanh networks of 2-64-2 and 16-64-64-16 with random weights:

    precision.png   error at the end against evaluations, every explicit method
    gradient.png    error and memory of every adjoint method
    energy.png      energy error over long times at equal evaluations
    stiff.png       evaluations and gradient error against the stiffness

and all numbers in metrics.json. Evaluations, errors and bytes are the same in every run;
times are ratios of this run.`

func main() { experiment.Main("workprecision", run) }

// study is one run of the program.
type study struct {
	experiment.Common
	stderr   io.Writer
	metrics  experiment.Metrics
	steps    int // accepted ones of all solves
	forward  int // evaluations of all forward solves
	backward int // evaluations and vector-Jacobian products of all backward passes
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	began := time.Now()
	s := study{Common: experiment.Common{Out: "out/workprecision", Seed: 1}, stderr: stderr}
	fs := experiment.NewFlags("workprecision", about, &s.Common)
	if err := experiment.Parse(fs, args, stderr); err != nil {
		return err
	}
	problems, err := newProblems(s.Seed)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		run  func(context.Context, []*problem) error
	}{
		{"precision", s.precision}, {"gradient", s.gradient}, {"energy", s.energy}, {"stiff", s.stiff},
	} {
		fmt.Fprintf(stderr, "%s\n", part.name)
		if err := part.run(ctx, problems); err != nil {
			err = fmt.Errorf("%s: %w", part.name, err)
			return errors.Join(experiment.Stopped(err, s.steps, s.Out), s.write(began, stdout))
		}
	}
	return s.write(began, stdout)
}

// write reports what was measured.
func (s *study) write(began time.Time, stdout io.Writer) error {
	s.metrics.SetUint("seed", s.Seed)
	s.metrics.SetInt("steps", s.steps)
	s.metrics.SetInt("nfe_forward", s.forward)
	s.metrics.SetInt("nfe_backward", s.backward)
	s.metrics.Set("seconds", time.Since(began).Seconds())
	fmt.Fprint(stdout, s.metrics.String())
	return s.metrics.WriteFile(filepath.Join(s.Out, "metrics.json"))
}

// count adds the work of a forward solve.
func (s *study) count(st odeint.Stats) {
	s.steps += st.Accepted
	s.forward += evaluations(st)
}

// evaluations is the cost of a solve in evaluations of f. A splitting evaluates halves
// of it; Newton's iteration has vector-Jacobian products, which count as one here.
func evaluations(st odeint.Stats) int { return st.NFE + st.VJPs + (st.Drifts+st.Kicks+1)/2 }
