// Command hnn compares Hamiltonian neural networks with plain networks on the
// mass-spring, pendulum and two-body tasks of Greydanus, Dzamba and Yosinski,
// Hamiltonian Neural Networks (2019), with the set-up of the paper's code, and
// on its three-body task if asked.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

const about = `Compares Hamiltonian neural networks with plain networks on the tasks of
Greydanus, Dzamba and Yosinski (2019).

Writes a figure for each task and metrics.json. Energy MSE is the mean squared
difference between the true energy along a model's rollout and along the truth.`

func main() { experiment.Main("hnn", run) }

type config struct {
	experiment.Common
	tasks    string
	seeds    int
	steps    int
	constant bool
}

// result is what one seed of one task gave.
type result struct {
	models map[kind]*model
	rolls  *rollouts
	err    error
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	began := time.Now()
	c := config{Common: experiment.Common{Out: "out/hnn", Seed: 1}}
	fs := experiment.NewFlags("hnn", about, &c.Common)
	fs.StringVar(&c.tasks, "tasks", "spring,pendulum,twobody", "tasks, of spring, pendulum, twobody and threebody")
	fs.IntVar(&c.seeds, "seeds", 3, "number of seeds, from -seed on; figures show the first")
	fs.IntVar(&c.steps, "steps", 0, "training steps; 0: as the paper, 2000 or, for bodies, 10000")
	fs.BoolVar(&c.constant, "constant", false, "keep the learning rate at 1e-3 as the paper's code does; otherwise it falls to 0 along a cosine")
	if err := experiment.Parse(fs, args, stderr); err != nil {
		return err
	}
	if c.seeds < 1 || c.steps < 0 {
		return experiment.Usagef("-seeds %d and -steps %d: at least 1 seed and no negative steps", c.seeds, c.steps)
	}
	chosen, err := choose(c.tasks)
	if err != nil {
		return err
	}
	if c.Quick {
		quicken(chosen, &c)
	}
	results, err := c.all(ctx, chosen, stderr)
	stopped := errors.Is(err, context.Canceled)
	if err != nil && !stopped {
		return err
	}
	var metrics experiment.Metrics
	metrics.SetUint("seed", c.Seed)
	metrics.SetInt("seeds", c.seeds)
	steps, evals, pulls := 0, 0, 0
	for i := range chosen {
		k := &chosen[i]
		if len(results[i]) == 0 {
			continue
		}
		k.report(&metrics, results[i])
		if err := k.plot(filepath.Join(c.Out, k.name+".png"), results[i][0]); err != nil {
			return err
		}
		for _, r := range results[i] {
			for _, m := range r.models {
				steps, evals, pulls = steps+m.steps, evals+m.evals, pulls+m.pulls
			}
		}
	}
	metrics.SetInt("steps", steps)
	metrics.SetInt("nfe_forward", evals)
	metrics.SetInt("nfe_backward", pulls)
	metrics.Set("seconds", time.Since(began).Seconds())
	fmt.Fprint(stdout, metrics.String())
	if err := metrics.WriteFile(filepath.Join(c.Out, "metrics.json")); err != nil || !stopped {
		return err
	}
	return experiment.Stopped(context.Canceled, steps, c.Out)
}

// choose returns the tasks named in a comma-separated list.
func choose(names string) ([]task, error) {
	var chosen []task
	for _, name := range strings.Split(names, ",") {
		found := false
		for _, k := range tasks {
			if k.name == strings.TrimSpace(name) {
				chosen, found = append(chosen, k), true
			}
		}
		if !found {
			return nil, experiment.Usagef("-tasks: there is no task %q; use spring, pendulum, twobody or threebody", name)
		}
	}
	return chosen, nil
}

// quicken cuts tasks down to a few seconds.
func quicken(chosen []task, c *config) {
	c.seeds = 1
	if c.steps == 0 {
		c.steps = 20
	}
	for i := range chosen {
		k := &chosen[i]
		k.trajectories, k.rollouts, k.evalPoints = min(k.trajectories, 10), 2, 50
		k.evalSpan = min(k.evalSpan, 5)
	}
}

// all trains every task with every seed, as many at a time as there are processors.
// Each draws from a source of its own, so the order does not matter. When ctx is
// cancelled it returns the seeds that were finished.
func (c *config) all(ctx context.Context, chosen []task, stderr io.Writer) ([][]result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	total := 0
	results := make([][]result, len(chosen))
	for i := range chosen {
		total += 2 * c.stepsOf(&chosen[i]) * c.seeds
		results[i] = make([]result, c.seeds)
	}
	bar := experiment.NewBar(stderr, "hnn", total)
	var mu sync.Mutex
	last := 0.0
	after := func(_ int, loss float64) {
		mu.Lock()
		defer mu.Unlock()
		last = loss
		bar.Step(loss)
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range chosen {
		for s := range c.seeds {
			wg.Add(1)
			go func() {
				defer wg.Done()
				slots <- struct{}{}
				defer func() { <-slots }()
				results[i][s] = c.one(ctx, &chosen[i], c.Seed+uint64(s), after)
				if results[i][s].err != nil {
					cancel()
				}
			}()
		}
	}
	wg.Wait()
	bar.Done(last)
	return finished(results)
}

// finished returns the results of the seeds that came to their end, and the error of one
// that did not.
func finished(results [][]result) (done [][]result, err error) {
	done = make([][]result, len(results))
	for i, seeds := range results {
		for _, r := range seeds {
			if r.err == nil {
				done[i] = append(done[i], r)
			} else if err == nil || errors.Is(err, context.Canceled) {
				err = r.err // one that was cancelled for another's failure says least
			}
		}
	}
	return done, err
}

func (c *config) stepsOf(k *task) int {
	if c.steps > 0 {
		return c.steps
	}
	return k.steps
}

// training is how a task is trained.
func (c *config) training(k *task, after func(int, float64)) train.MinimizeOptions {
	o := train.MinimizeOptions{Steps: c.stepsOf(k), Hook: func(s train.Step) error {
		if after != nil {
			after(s.Step, s.Loss)
		}
		return nil
	}}
	if !c.constant {
		o.Schedule = train.Cosine(1e-3, 0, o.Steps)
	}
	return o
}

// one trains and evaluates both kinds of model on a task.
func (c *config) one(ctx context.Context, k *task, seed uint64, after func(int, float64)) result {
	r := rand.New(rand.NewPCG(seed, 0))
	set, test, err := k.sample(ctx, r)
	if err != nil {
		return result{err: err}
	}
	res := result{models: map[kind]*model{}}
	for i, m := range []kind{hamiltonian, baseline} {
		r := rand.New(rand.NewPCG(seed, uint64(1+i)))
		if res.models[m], err = k.fit(ctx, m, set, test, c.training(k, after), r); err != nil {
			return result{err: err}
		}
	}
	res.rolls, err = k.roll(ctx, res.models, rand.New(rand.NewPCG(seed, 3)))
	res.err = err
	return res
}
