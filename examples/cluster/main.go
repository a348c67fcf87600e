// Command cluster learns a damped pendulum from many trajectories, on one process or on many.
//
//	go run ./examples/cluster
//
//	CC=mpicc go build -tags mpi ./examples/cluster
//	mpirun -n 4 ./cluster
//
// The result has the same bits either way: metrics.json has a hash of the parameters. Rank 0 alone
// draws the progress, prints, and writes files.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/dist"
	"github.com/neuralode/neuralode/train/dist/mpi"
	"github.com/neuralode/neuralode/train/experiment"
)

func main() { experiment.Main("cluster", run) }

const about = `Cluster learns a damped pendulum from many trajectories, on as many processes as mpirun starts.
Writes model.safetensors, checkpoint.safetensors and metrics.json.`

// config is what the flags say.
type config struct {
	experiment.Common
	trajectories, batch, width, steps, chunk, blocks, every int
	resume                                                  bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	comm, finalize, err := mpi.Open()
	if err != nil {
		return err
	}
	if comm.Rank() > 0 {
		stdout, stderr = io.Discard, io.Discard
	}
	err = work(ctx, comm, args, stdout, stderr)
	// Errors are the same on all ranks unless the group has failed: one of them reports.
	if comm.Barrier() == nil {
		err = errors.Join(err, finalize())
		if comm.Rank() > 0 {
			return nil
		}
	}
	return err
}

func work(ctx context.Context, comm dist.Comm, args []string, stdout, stderr io.Writer) error {
	c := &config{Common: experiment.Common{Seed: 1, Out: "out/cluster"}}
	fs := experiment.NewFlags("cluster", about, &c.Common)
	fs.IntVar(&c.trajectories, "trajectories", 1024, "how many there are")
	fs.IntVar(&c.batch, "batch", 0, "how many a step sees, on all ranks together; 0: all")
	fs.IntVar(&c.width, "width", 64, "of the two hidden layers")
	fs.IntVar(&c.steps, "steps", 200, "of Adam")
	fs.IntVar(&c.chunk, "chunk", 32, "trajectories that are solved as one batch")
	fs.IntVar(&c.blocks, "blocks", 32, "into which the batches are divided, at least the number of ranks")
	fs.IntVar(&c.every, "checkpoint-every", 50, "how many steps")
	fs.BoolVar(&c.resume, "resume", false, "go on from the checkpoint, on any number of ranks")
	if err := experiment.Parse(fs, args, stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if c.trajectories < 1 || c.width < 1 || c.steps < 1 {
		return experiment.Usagef("-trajectories, -width and -steps must be positive")
	}
	if c.Quick && !experiment.IsSet(fs, "steps") {
		c.steps = 10
	}
	metrics := experiment.Start(c.Common)
	data, err := pendulums(c.trajectories, rand.New(rand.NewPCG(c.Seed, 0)))
	if err != nil {
		return err
	}
	model, err := train.New[float64](layers.MLP{In: 2, Hidden: []int{c.width, c.width}, Out: 2}, train.Config{
		Scaler: train.Standardise(data), Rand: rand.New(rand.NewPCG(c.Seed, 1)),
		Solve: odeint.Options{Controller: odeint.Fixed{}, Steps: 1},
	})
	if err != nil {
		return err
	}
	report, err := train.Fit(ctx, model, data, train.Options[float64]{
		Steps: c.steps, BatchSize: c.batch, Horizon: train.GrowingHorizon(5, 30, c.steps/2), Chunk: c.chunk, Blocks: c.blocks, Schedule: train.Cosine(0.01, 0, c.steps),
		Rand: rand.New(rand.NewPCG(c.Seed, 2)), Comm: comm, Hook: experiment.Progress(stderr, "fit", c.steps, nil),
		Checkpoint: filepath.Join(c.Out, "checkpoint.safetensors"), CheckpointEvery: c.every, Resume: c.resume,
	})
	if comm.Rank() > 0 || err != nil && report.Steps == 0 && ctx.Err() == nil {
		return err
	}
	metrics.Training(report.Report)
	metrics.SetInt("ranks", comm.Size())
	metrics.SetInt("parameters", model.NumParams())
	metrics.Set("training_seconds", report.Seconds)
	metrics.SetUint("bits", bits(report.Losses, model.Params()))
	return errors.Join(err, model.Save(filepath.Join(c.Out, "model.safetensors")), metrics.Finish(ctx, stdout, c.Out))
}

// pendulums returns trajectories of 30 steps of time 0.2 from random starts.
func pendulums(n int, r *rand.Rand) (train.Dataset[float64], error) {
	pendulum := odeint.NewFunc(2, func(dydt []float64, _ float64, y []float64) { dydt[0], dydt[1] = y[1], -math.Sin(y[0])-0.2*y[1] })
	var data train.Dataset[float64]
	for range n {
		y0 := []float64{3*r.Float64() - 1.5, 2*r.Float64() - 1}
		sol, err := odeint.Solve(pendulum, 0, 6, y0, odeint.Options{SaveAt: odeint.SaveAt{Times: train.Grid(6, 30)}})
		if err != nil {
			return nil, fmt.Errorf("data: %w", err)
		}
		data = append(data, train.Trajectory[float64]{Times: sol.T, States: sol.Y})
	}
	return data, nil
}

// bits is a hash of all bits of the losses and parameters, short enough for a float64.
func bits(all ...[]float64) uint64 {
	h := fnv.New64a()
	for _, v := range all {
		for _, x := range v {
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], math.Float64bits(x))
			h.Write(b[:])
		}
	}
	return h.Sum64() >> 11
}
