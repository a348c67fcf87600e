// Command sweep fits a damped pendulum at every setting of a grid, in as many processes as one likes.
//
//	go build ./examples/sweep
//	./sweep -grid "width=8,16,32 rate=0.003,0.01,0.03 seed=1..5" -shard 0/2 &
//	./sweep -grid "width=8,16,32 rate=0.003,0.01,0.03 seed=1..5" -shard 1/2 &
//	wait
//	./sweep -grid "width=8,16,32 rate=0.003,0.01,0.03 seed=1..5" -merge
//
// In a SLURM job array, a Kubernetes indexed job, or under mpirun the shard is known without the
// flag. A sweep that was interrupted goes on when it is started again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/sweep"
)

func main() { experiment.Main("sweep", run) }

const about = `Sweep fits a damped pendulum at every setting of a grid of width, rate and seed.
Writes results as JSON lines, and with -merge table.csv, validation.png and metrics.json.`

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c := experiment.Common{Seed: 1, Out: "out/sweep"}
	fs := experiment.NewFlags("sweep", about, &c)
	grid := fs.String("grid", "width=8,32 rate=0.01,0.03 seed=1..3", "settings: name=value,value or name=first..last, divided by blanks")
	shard := fs.String("shard", "", "i/n: run jobs i, i+n, …; empty: as the batch system says, or all")
	merge := fs.Bool("merge", false, "run nothing: write the table and figure of the results that are there")
	against := fs.String("against", "rate", "the setting on the figure's horizontal axis")
	steps := fs.Int("steps", 200, "of Adam in each job")
	if err := experiment.Parse(fs, args, stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if c.Quick && !experiment.IsSet(fs, "steps") {
		*steps = 20
	}
	g, err := sweep.ParseGrid(*grid)
	if err != nil {
		return experiment.Usagef("%v", err)
	}
	for i := range g.Len() {
		if _, err := settingsOf(g.Job(i)); err != nil {
			return experiment.Usagef("%v", err)
		}
	}
	part, err := sweep.ShardOf(*shard, os.Getenv)
	if err != nil {
		return experiment.Usagef("%v", err)
	}
	metrics := experiment.Start(c)
	var reports []train.Report
	if !*merge {
		data, err := pendulums(rand.New(rand.NewPCG(c.Seed, 0)))
		if err != nil {
			return err
		}
		err = sweep.Run(ctx, c.Out, g, part, func(ctx context.Context, j sweep.Job) (map[string]float64, error) {
			s, err := settingsOf(j)
			if err != nil {
				return nil, err
			}
			r, err := fit(ctx, data, s, *steps)
			if err != nil {
				return nil, err
			}
			reports = append(reports, r)
			return map[string]float64{"loss": r.Loss, "validation": r.Validation}, nil
		})
		if err != nil || part.Count > 1 {
			return err
		}
	}
	t, err := sweep.Merge(c.Out, g)
	if err != nil {
		return err
	}
	if err := errors.Join(t.WriteCSV(filepath.Join(c.Out, "table.csv")), t.Draw(filepath.Join(c.Out, "validation.png"), "validation", *against)); err != nil {
		return err
	}
	metrics.SetInt("jobs", g.Len())
	metrics.SetInt("missing", t.Missing)
	metrics.SetInt("failed", t.Failed)
	metrics.Training(reports...)
	return metrics.Finish(ctx, stdout, c.Out)
}

// settings are those of a job.
type settings struct {
	width int
	rate  float64
	seed  uint64
}

func settingsOf(j sweep.Job) (settings, error) {
	s := settings{16, 0.01, 1}
	for _, set := range j {
		var err error
		switch set.Name {
		case "width":
			s.width, err = strconv.Atoi(set.Value)
		case "rate":
			s.rate, err = strconv.ParseFloat(set.Value, 64)
		case "seed":
			s.seed, err = strconv.ParseUint(set.Value, 10, 64)
		default:
			err = errors.New("no such setting; there are width, rate and seed")
		}
		if err == nil && (s.width < 1 || !(s.rate > 0)) {
			err = errors.New("it must be positive")
		}
		if err != nil {
			return s, fmt.Errorf("setting %s=%s: %w", set.Name, set.Value, err)
		}
	}
	return s, nil
}

// fit trains one model and judges it on a fifth of the trajectories.
func fit(ctx context.Context, data train.Dataset[float64], s settings, steps int) (train.Report, error) {
	r := rand.New(rand.NewPCG(s.seed, 0))
	data, unseen := data.Split(0.2, r)
	m, err := train.New[float64](layers.MLP{In: 2, Hidden: []int{s.width}, Out: 2}, train.Config{
		Scaler: train.Standardise(data), Rand: r, Solve: odeint.Options{Controller: odeint.Fixed{}, Steps: 1},
	})
	if err != nil {
		return train.Report{}, err
	}
	report, err := train.Fit(ctx, m, data, train.Options[float64]{
		Steps: steps, Schedule: train.Cosine(s.rate, 0, steps), Horizon: train.GrowingHorizon(5, 30, steps/2), Validation: unseen, Rand: r,
	})
	return report.Report, err
}

// pendulums returns 30 trajectories.
func pendulums(r *rand.Rand) (train.Dataset[float64], error) {
	pendulum := odeint.NewFunc(2, func(dydt []float64, _ float64, y []float64) { dydt[0], dydt[1] = y[1], -math.Sin(y[0])-0.2*y[1] })
	var data train.Dataset[float64]
	for range 30 {
		y0 := []float64{3*r.Float64() - 1.5, 2*r.Float64() - 1}
		sol, err := odeint.Solve(pendulum, 0, 6, y0, odeint.Options{SaveAt: odeint.SaveAt{Times: train.Grid(6, 30)}})
		if err != nil {
			return nil, err
		}
		data = append(data, train.Trajectory[float64]{Times: sol.T, States: sol.Y})
	}
	return data, nil
}
