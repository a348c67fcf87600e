package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/neuralode/neuralode/train/dist"
)

// Options is how Fit trains. Steps or Epochs must be set; the zero value of the rest
// is Adam with rate 1e-3 on the mean squared error of all trajectories.
type Options[T Float] struct {
	// Steps is how many steps are taken at most. Epochs, instead, is how often all
	// trajectories are seen.
	Steps, Epochs int

	// BatchSize is the number of trajectories of a step, drawn without replacement
	// until all were seen. 0: all.
	BatchSize int

	// These are as in MinimizeOptions.
	Optimizer       Optimizer
	Schedule        Schedule
	Clip            float64
	Average         float64
	MaxSkips        int
	ValidateEvery   int
	Patience        int
	Hook            func(Step) error
	Checkpoint      string
	CheckpointEvery int
	Resume          bool

	// Loss compares predicted with observed states. Nil: MSE.
	Loss Loss[T]

	// L2 adds L2/2·Σθ² to the loss: weight decay as part of the objective. Adam's own
	// Decay is not part of it.
	L2 float64

	// Penalty, if not nil, returns one more term of the loss, a function of θ, and
	// adds its gradient to grad unless that is nil.
	Penalty func(grad, theta []float64) float64

	// Horizon is how many intervals of each trajectory a step sees. Nil: all. See
	// GrowingHorizon.
	Horizon func(step int) int

	// Validation are trajectories to be judged by, with the same loss, over their whole
	// length. LBFGS is judged once, at its end.
	Validation Dataset[T]

	// LearnStarts trains the initial states of the trajectories too; Report.Starts
	// has them.
	LearnStarts bool

	// Rand shuffles the minibatches. Nil: rand.New(rand.NewPCG(0, 0)).
	Rand *rand.Rand

	// Chunk is how many trajectories are solved as one batch: those with the same times with
	// common steps, and those that share their times with fewer than seven others each with its own times and steps, if
	// there are no inputs and events (adjoint.Batch). Batches are solved on several cores; the result
	// depends on Chunk but not on their number. 0: 64.
	Chunk int

	// Comm, if not nil, is the group of processes that train together, and this process's rank in
	// it. Each calls Fit with the same model, data and options: they share the batches of each step
	// and add their gradients, so that the result has the same bits on any number of ranks.
	// BatchSize is that of all ranks together and the loss is the mean over it, so a learning rate
	// is as good on many ranks as on one. Rank 0 alone calls Hook and reads and writes Checkpoint;
	// a training may be resumed on another number of ranks. A context that is cancelled, a hook's
	// error or a loss that does not exist on one rank ends Fit on all.
	Comm dist.Comm

	// Blocks is in how many blocks a step's batches are divided, which ranks and cores compute and
	// whose gradients are added in a fixed order. The result depends on Blocks in its last bits; a
	// step's work can use up to as many ranks, and each rank keeps a gradient for each block of its
	// own. 0: 16.
	Blocks int
}

// FitReport is the result of Fit.
type FitReport[T Float] struct {
	Report

	// Starts has the initial state of each trajectory in the units of the data, as
	// trained with LearnStarts.
	Starts [][]T
}

// Fit trains the model on trajectories: the loss is the weighted mean of Options.Loss
// over all values that are there, plus L2 and Penalty. The model gets the parameters
// that Minimize says, also when Fit returns an error after training has begun; until
// then it keeps the old ones.
//
// The errors are an *OptionError, ErrData, a *LossError when the loss stops to exist,
// and ctx's.
func Fit[T Float](ctx context.Context, m *Model[T], data Dataset[T], opt Options[T]) (FitReport[T], error) {
	var r FitReport[T]
	o, v, mo, err := prepare(m, data, &opt)
	if opt.Comm != nil {
		user := ctx
		var g *ranks
		g, ctx = newRanks(user, opt.Comm)
		defer g.stop()
		print := uint32(0)
		if err == nil {
			print = o.print(&opt, &mo, v)
			o.ranks, o.user, mo.ranks = g, user, g
			if v != nil {
				v.ranks, v.user = g, user
			}
		}
		if err = g.agree(err, print); err != nil {
			return r, err
		}
	}
	if err != nil {
		return r, err
	}
	x := o.initial()
	r.Report, err = Minimize(ctx, o.objective(o.everything(), -1), x, mo)
	if _, quasi := opt.Optimizer.(LBFGS); quasi && v != nil && (r.Reason == AllSteps || r.Reason == Converged) {
		var failed error
		r.Validation, failed = v.loss(ctx, nil, x[:v.params], v.everything(), -1)
		err = errors.Join(err, failed)
	}
	if o.ranks != nil {
		err = o.ranks.final(err)
	}
	theta := make([]T, o.params)
	for i := range theta {
		theta[i] = T(x[i])
	}
	m.SetParams(theta)
	r.Starts = o.unscaledStarts(x)
	return r, err
}

// prepare checks everything and returns the objective, that of the validation, or nil, and the
// options of the loop.
func prepare[T Float](m *Model[T], data Dataset[T], opt *Options[T]) (o, v *objective[T], mo MinimizeOptions, err error) {
	if o, err = newObjective(m, data, opt); err != nil {
		return nil, nil, mo, err
	}
	if mo, err = opt.minimize(o); err != nil {
		return nil, nil, mo, err
	}
	if len(opt.Validation) > 0 {
		if v, err = newObjective(m, opt.Validation, &Options[T]{Loss: opt.Loss, Chunk: opt.Chunk, Blocks: opt.Blocks}); err != nil {
			return nil, nil, mo, fmt.Errorf("validation: %w", err)
		}
		if _, quasi := opt.Optimizer.(LBFGS); quasi {
			return o, v, mo, nil
		}
		all := v.everything()
		mo.Validate = func(ctx context.Context, x []float64) (float64, error) {
			return v.loss(ctx, nil, x[:v.params], all, -1)
		}
	}
	return o, v, mo, nil
}

// minimize translates the options.
func (opt *Options[T]) minimize(o *objective[T]) (MinimizeOptions, error) {
	n := len(o.data)
	var f faults
	f.check(opt.BatchSize >= 0, "BatchSize is %d", opt.BatchSize)
	f.check(opt.Epochs >= 0 && opt.Steps >= 0 && (opt.Epochs == 0) != (opt.Steps == 0), "Steps is %d and Epochs is %d; set one of them", opt.Steps, opt.Epochs)
	f.check(opt.L2 >= 0, "L2 is %v", opt.L2)
	f.check(opt.Chunk >= 0, "Chunk is %d", opt.Chunk)
	if opt.Comm != nil {
		blocks, ranks := cmp.Or(opt.Blocks, defaultBlocks), opt.Comm.Size()
		f.check(blocks >= ranks, "Blocks is %d for %d ranks, which leaves some without work; set it to the largest number of ranks you will use", blocks, ranks)
	}
	if err := f.err(); err != nil {
		return MinimizeOptions{}, err
	}
	size := opt.BatchSize
	if size == 0 || size > n {
		size = n
	}
	perEpoch := (n + size - 1) / size
	out := MinimizeOptions{
		Steps: opt.Steps, Optimizer: opt.Optimizer, Schedule: opt.Schedule, Clip: opt.Clip, Average: opt.Average, MaxSkips: opt.MaxSkips,
		ValidateEvery: opt.ValidateEvery, Patience: opt.Patience,
		Checkpoint: opt.Checkpoint, CheckpointEvery: opt.CheckpointEvery, Resume: opt.Resume,
		work: func() Work { return o.work }, worked: func(w Work) { o.work = w },
	}
	if out.Steps == 0 {
		out.Steps = opt.Epochs * perEpoch
	}
	if opt.Hook != nil {
		out.Hook = func(s Step) error {
			s.Epoch = s.Step / perEpoch
			return opt.Hook(s)
		}
	}
	if size == n && opt.Horizon == nil {
		return out, nil
	}
	horizon := func(int) int { return -1 }
	if opt.Horizon != nil {
		horizon = func(step int) int { return max(1, opt.Horizon(step)) }
	}
	if size == n {
		all := o.everything()
		out.phase = horizon
		out.Varying = func(step int) Objective { return o.objective(all, horizon(step)) }
		return out, nil
	}
	r := opt.Rand
	if r == nil {
		r = rand.New(rand.NewPCG(0, 0))
	}
	seed, epoch := r.Uint64(), -1
	out.seed = &seed
	var order []int
	out.Varying = func(step int) Objective {
		if e := step / perEpoch; e != epoch {
			epoch = e
			order = rand.New(rand.NewPCG(seed, uint64(e))).Perm(n)
		}
		lo := step % perEpoch * size
		batch := slices.Clone(order[lo:min(lo+size, n)])
		slices.Sort(batch)
		return o.objective(o.tasks(batch), horizon(step))
	}
	return out, nil
}

// Evaluate returns the loss of the model on trajectories: the weighted mean over the
// values that are there. A nil loss means MSE.
func Evaluate[T Float](ctx context.Context, m *Model[T], data Dataset[T], loss Loss[T]) (float64, error) {
	o, err := newObjective(m, data, &Options[T]{Loss: loss})
	if err != nil {
		return 0, err
	}
	return o.loss(ctx, nil, o.initial(), o.everything(), -1)
}
