package forecast

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"sync"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

// fitter is a call of Fit on its way.
type fitter struct {
	opt   Options
	group *group // nil: one process

	earlier *trained // the setting that was chosen, fitted to the earlier rows; nil if nothing was chosen

	mu          sync.Mutex // of what follows
	done, total int        // steps
	work        train.Work
	steps       int
}

// trained is a model with the starts of its solves.
type trained struct {
	model   *train.Model[float64]
	anchors []anchor
	starts  [][]float64
	loss    float64
	losses  []float64 // before each step
}

// job is one training.
type job struct {
	stage, run    string
	data          *dataset
	setting       Setting
	seed          uint64
	share         float64 // of the usual steps
	checkpoint    string  // the name of its files
	steps, polish int
}

// onEarlier is the job of fitting a setting to the earlier rows, whose forecast is judged by the rest
// of the fitted ones.
func (f *fitter) onEarlier(stage string, earlier *dataset, s Setting) job {
	return job{stage: stage, data: earlier, setting: s, seed: f.opt.Seed, share: 0.5, checkpoint: "choosing-" + fileName(s.String())}
}

// plan fills in how many steps the job takes.
func (f *fitter) plan(j *job) {
	rows := j.data.rows()
	set, _ := j.data.windows(false)
	seen := min(rows, batchRows)
	if len(set) <= batch(set) {
		seen = rows
	}
	j.steps, j.polish = f.opt.Steps, f.opt.Polish
	if j.steps == 0 {
		j.steps = min(1000, max(150, 1_000_000/max(1, seen)))
	}
	if j.polish == 0 && rows <= 50000 {
		j.polish = min(2000, max(50, 1_000_000/max(1, rows)))
	}
	j.steps, j.polish = int(j.share*float64(max(0, j.steps))), int(j.share*float64(max(0, j.polish)))
	f.mu.Lock()
	f.total += j.steps + j.polish
	f.mu.Unlock()
}

// mostWork is how many evaluations of the field a phase of a training may cost: many times what a
// smooth model needs, and an end to those that become stiffer with every step.
const mostWork = 5_000_000

// errWork ends a phase of a training as if all steps were taken.
var errWork = errors.New("too many evaluations")

// batchRows is how many rows a step of Adam sees, about, where there are many more.
const batchRows = 1600

// batch is how many windows of a set a step of Adam sees.
func batch(set train.Dataset[float64]) int {
	rows := 0
	for i := range set {
		rows += len(set[i].Times)
	}
	return max(1, batchRows*len(set)/max(1, rows))
}

// hook tells about a step. Before are the steps of earlier phases of the job.
func (f *fitter) hook(j *job, before int) func(train.Step) error {
	return func(s train.Step) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.done++
		f.steps++
		s.Step += before
		if f.opt.Progress != nil {
			f.opt.Progress(Event{Stage: j.stage, Run: j.run, Step: s, Done: f.done, Total: f.total})
		}
		if s.Work.NFEForward+s.Work.NFEBackward > mostWork {
			return errWork
		}
		return nil
	}
}

// solve returns the options of the solves while training, of which no trial may take endless
// steps.
func (f *fitter) solve(longest int) odeint.Options {
	solve := f.opt.Solve
	if solve.Method == nil {
		solve.Method = odeint.Auto{} // explicit, unless the model turns out to be stiff
	}
	switch t, ok := solve.Method.(*odeint.Tableau); {
	case ok && t.E == nil:
		if f.opt.Step == 0 && solve.H0 == 0 && solve.Steps == 0 {
			solve.Steps = 1
		}
		return solve
	case solve.RTol == 0 && solve.ATol == 0 && solve.RTols == nil && solve.ATols == nil:
		solve.RTol, solve.ATol = 1e-6, 1e-6
	}
	if solve.MaxSteps == 0 {
		solve.MaxSteps = 500 + 20*longest
	}
	return solve
}

// train runs a job. After an error that ended it early the model is the best so far, or nil.
func (f *fitter) train(ctx context.Context, j job) (*trained, error) {
	set, anchors := j.data.windows(f.opt.Kind.paired())
	longest := 0
	for i := range set {
		longest = max(longest, len(set[i].Times))
	}
	solve := f.solve(longest)
	m, err := f.opt.model(j.data, j.setting, j.seed, solve)
	if err != nil {
		return nil, err
	}
	ranges := decays(m.Layout(), f.opt.Kind, j.setting)
	decay := j.setting.Decay
	opt := train.Options[float64]{
		LearnStarts: true,
		Loss:        train.Scaled(float64(len(j.data.states)), train.MSE[float64]), // summed over the states, the mean over the rows
	}
	if decay > 0 {
		opt.Penalty = func(grad, theta []float64) float64 {
			sum := 0.0
			for _, r := range ranges {
				for i := r[0]; i < r[1]; i++ {
					sum += theta[i] * theta[i]
					if grad != nil {
						grad[i] += decay * theta[i]
					}
				}
			}
			return decay / 2 * sum
		}
	}
	t := &trained{model: m, anchors: anchors, loss: math.NaN()}
	for i := range set {
		t.starts = append(t.starts, set[i].Start)
	}
	phase := func(name string, steps int, o train.Options[float64]) error {
		if steps == 0 {
			return nil
		}
		o.Steps = steps
		if f.opt.Checkpoint != "" {
			o.CheckpointEvery = 500
			o.Checkpoint = filepath.Join(f.opt.Checkpoint, j.checkpoint+"-"+name+".safetensors")
			o.Resume = f.opt.Resume
		}
		for i := range set {
			set[i].Start = t.starts[i]
		}
		o.Blocks = f.opt.Blocks
		report, err := f.group.fit(ctx, m, set, o)
		f.mu.Lock()
		f.work.Solves += report.Work.Solves
		f.work.NFEForward += report.Work.NFEForward
		f.work.NFEBackward += report.Work.NFEBackward
		f.mu.Unlock()
		if report.Starts != nil {
			t.starts = report.Starts
			t.loss = report.Loss
			t.losses = append(t.losses, report.Losses...)
		}
		if errors.Is(err, errWork) {
			return nil
		}
		return err
	}
	adam := opt
	all := max(1, longest-1)
	adam.Optimizer, adam.Schedule = train.Adam{Rate: f.opt.Rate}, train.Cosine(f.opt.Rate, 0, max(1, j.steps))
	adam.Horizon = train.GrowingHorizon(max(3, all/10), all, j.steps/2)
	adam.MaxSkips = 100
	adam.Hook = f.hook(&j, 0)
	if size := batch(set); len(set) > size {
		adam.BatchSize = size
	}
	err = phase("adam", j.steps, adam)
	if err == nil {
		polish := opt
		polish.Optimizer = train.LBFGS{}
		polish.Hook = f.hook(&j, j.steps)
		err = phase("lbfgs", j.polish, polish)
	}
	var loss *train.LossError
	if errors.As(err, &loss) {
		err = fmt.Errorf("%s %s: %w; a model whose solves fail may be stiff: try another solver, a larger decay, or fewer columns", j.stage, j.run, err)
	}
	theta := m.Params()
	for _, v := range theta {
		if v-v != 0 {
			return nil, err
		}
	}
	// From here on a solve may take as long as it needs.
	solve.MaxSteps = f.opt.Solve.MaxSteps
	if t.model, err = f.withSolve(j, solve, theta, err); t.model == nil {
		return nil, err
	}
	return t, err
}

func (f *fitter) withSolve(j job, solve odeint.Options, theta []float64, cause error) (*train.Model[float64], error) {
	m, err := f.opt.model(j.data, j.setting, j.seed, solve)
	if err != nil {
		return nil, errors.Join(cause, err)
	}
	m.SetParams(theta)
	return m, cause
}

// fileName makes a name of a file of any text.
func fileName(text string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, strings.ToLower(text)), "-")
}
