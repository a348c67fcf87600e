package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Objective returns the loss at x. Unless grad is nil, it also stores the gradient
// there, a number for each of x. It must not modify x. An error other than ctx's
// says that the loss does not exist at x, say because the solve diverged.
type Objective func(ctx context.Context, grad, x []float64) (float64, error)

// MinimizeOptions is how Minimize works. The zero value is not enough: Steps must be
// set.
type MinimizeOptions struct {
	// Steps is how many steps are taken at most.
	Steps int

	// Optimizer is Adam, SGD, LBFGS or a StepOptimizer. Nil: Adam{}.
	Optimizer Optimizer

	// Schedule is the learning rate. Nil: the optimiser's Rate at every step. LBFGS has
	// none.
	Schedule Schedule

	// Clip scales a gradient whose Euclidean norm is larger down to this norm. 0: off.
	Clip float64

	// Average is the decay of an exponential moving average of x, which is then what
	// is validated and returned; 0.99 averages over about the last 100 steps. 0: off.
	Average float64

	// MaxSkips is how many steps in a row may be skipped because the loss or its
	// gradient does not exist or is not finite. x then goes back to the last point
	// whose loss was good; the optimiser's state stays. With an objective that does
	// not change, a skip leads to the same point again, unless the schedule falls. 0:
	// the first ends the training with a *LossError. LBFGS needs none: such a point
	// counts as infinitely high there.
	MaxSkips int

	// Varying, if not nil, gives the objective of each step in place of Minimize's: for
	// minibatches. Losses of different steps are then not compared.
	Varying func(step int) Objective

	// Validate returns the validation loss at x. It is called every ValidateEvery
	// steps (0: 10) and after the last one.
	Validate      func(ctx context.Context, x []float64) (float64, error)
	ValidateEvery int

	// Patience ends the training when so many validations in a row were not lower
	// than the lowest. 0: never.
	Patience int

	// Hook is called after each step. An error ends the training as a cancelled
	// context does.
	Hook func(Step) error

	// phase tells which steps' losses can be compared. Nil: all, unless Varying is set.
	phase func(step int) int

	// Checkpoint is the file in which the state of the training is saved every
	// CheckpointEvery steps (0: 100) and at its end, atomically. Empty: none. A save
	// that fails does not end the training; the error is returned at its end if the
	// last save failed too.
	Checkpoint      string
	CheckpointEvery int

	// Resume goes on from Checkpoint, if that file exists: with the same objective and
	// options, bit for bit as if the training had not been interrupted. LBFGS starts
	// again from the best point with an empty memory.
	Resume bool

	work   func() Work
	worked func(Work) // takes over the work of a training that is resumed
	seed   *uint64    // of the minibatches, saved with the state
	ranks  *ranks     // that train together
}

// Step is what a Hook gets to know.
type Step struct {
	Step       int     // counted from 0
	Epoch      int     // of the minibatches, from 0; the same as Step without them
	Loss       float64 // before the step; NaN if it was skipped
	Validation float64 // after the step; NaN if there was none
	GradNorm   float64 // before clipping; NaN for LBFGS and skipped steps
	Rate       float64 // the learning rate; NaN for LBFGS
	Skipped    bool
	Work       Work    // of the training so far
	Seconds    float64 // since the beginning
}

// Work counts solves and evaluations of the field. A vector-Jacobian product counts as
// one evaluation of the backward pass.
type Work struct{ Solves, NFEForward, NFEBackward int }

func (w *Work) add(v Work) {
	w.Solves += v.Solves
	w.NFEForward += v.NFEForward
	w.NFEBackward += v.NFEBackward
}

// Report is the result of a training.
type Report struct {
	// Loss is the loss at the parameters that the training returned: the lowest, if
	// losses of different steps can be compared; else that of the last step.
	Loss float64

	// Validation is the lowest validation loss; NaN without validation.
	Validation float64

	Losses  []float64 // at each step taken, before it; NaN if it was skipped
	Steps   int       // that were taken
	Skipped int       // of them
	Best    int       // after how many steps the parameters returned were reached
	Reason  Reason    // that ended the training
	Work    Work
	Seconds float64
}

// Reason is why a training ended.
type Reason string

// The reasons.
const (
	AllSteps  Reason = "all steps were taken"
	Converged Reason = "no step lowers the loss"
	Patience  Reason = "the validation loss did not fall any more"
	Stopped   Reason = "the context was cancelled or a hook ended it"
	Failed    Reason = "the loss did not exist"
)

// Minimize changes x in place until the loss is low. What x is at the end:
//
//   - with Validate, the point of the lowest validation loss;
//   - otherwise, with Average, the average;
//   - otherwise the point of the lowest loss or, with Varying, the last one.
//
// The same holds when ctx is cancelled, or a hook or a loss fails; the error then says
// so, and matches ctx's. The last point is evaluated once more at the end.
func Minimize(ctx context.Context, f Objective, x []float64, opt MinimizeOptions) (Report, error) {
	if f == nil && opt.Varying == nil {
		panic("train: Minimize of a nil objective")
	}
	if opt.Optimizer == nil {
		opt.Optimizer = Adam{}
	}
	if err := opt.check(); err != nil {
		return Report{Loss: math.NaN(), Validation: math.NaN(), Reason: Failed}, err
	}
	if opt.ValidateEvery == 0 {
		opt.ValidateEvery = 10
	}
	if opt.CheckpointEvery == 0 {
		opt.CheckpointEvery = 100
	}
	l := &loop{MinimizeOptions: opt, fixed: f, x: x, good: slices.Clone(x), began: time.Now(), best: best{loss: math.Inf(1), x: slices.Clone(x)}, lowest: math.Inf(1)}
	var err error
	if o, ok := opt.Optimizer.(LBFGS); ok {
		err = l.quasiNewton(ctx, o)
	} else {
		err = l.steps(ctx, opt.Optimizer.(StepOptimizer))
	}
	return l.report(), err
}

func (opt *MinimizeOptions) check() error {
	var f faults
	_, quasi := opt.Optimizer.(LBFGS)
	_, steps := opt.Optimizer.(StepOptimizer)
	f.check(quasi || steps, "Optimizer is a %T; use Adam, SGD, LBFGS or a StepOptimizer", opt.Optimizer)
	f.check(opt.Steps > 0, "Steps is %d; say how many steps to take", opt.Steps)
	f.check(opt.Clip >= 0, "Clip is %v; it must be positive, or 0 for off", opt.Clip)
	f.check(opt.Average >= 0 && opt.Average < 1, "Average is %v; it must be in [0, 1)", opt.Average)
	f.check(opt.MaxSkips >= 0, "MaxSkips is %d", opt.MaxSkips)
	f.check(opt.ValidateEvery >= 0, "ValidateEvery is %d", opt.ValidateEvery)
	f.check(opt.Patience >= 0, "Patience is %d", opt.Patience)
	f.check(opt.CheckpointEvery >= 0, "CheckpointEvery is %d", opt.CheckpointEvery)
	f.check(!opt.Resume || opt.Checkpoint != "", "Resume without Checkpoint; say from which file")
	f.check(opt.Patience == 0 || opt.Validate != nil || quasi, "Patience needs validation data")
	if quasi {
		f.check(opt.Varying == nil, "LBFGS with an objective that varies; use Adam for minibatches")
		f.check(opt.Schedule == nil && opt.Clip == 0 && opt.Average == 0, "LBFGS has no Schedule, Clip or Average")
		f.check(opt.Validate == nil, "LBFGS without Validate only; a hook can end it")
		f.check(opt.Patience == 0, "LBFGS has no Patience; it ends when no step lowers the loss")
	}
	return f.err()
}

// best is the best point met.
type best struct {
	loss float64
	step int // after how many steps
	x    []float64
}

// take stores a point.
func (b *best) take(loss float64, step int, x []float64) {
	b.loss, b.step = loss, step
	copy(b.x, x)
}

// loop is a training on its way.
type loop struct {
	MinimizeOptions
	fixed Objective
	began time.Time

	x       []float64
	average []float64 // nil: none
	stepper Stepper
	step    int
	best    best    // by validation, or by loss
	lowest  float64 // validation
	stale   int     // validations in a row that were not lower
	skips   int     // in a row
	skipped int
	losses  []float64
	last    float64 // loss
	reason  Reason
	before  float64   // seconds of the training that was resumed
	good    []float64 // the last point whose loss exists
	saveErr error     // of the last checkpoint
}

// compares reports whether losses of different steps can be compared.
func (l *loop) compares() bool { return (l.Varying == nil || l.phase != nil) && l.average == nil }

func (l *loop) objective(step int) Objective {
	if l.Varying != nil {
		return l.Varying(step)
	}
	return l.fixed
}

// steps runs a StepOptimizer.
func (l *loop) steps(ctx context.Context, o StepOptimizer) error {
	l.stepper = o.Start(len(l.x))
	if l.Average > 0 {
		l.average = slices.Clone(l.x)
	}
	if err := l.continues(); err != nil {
		return err
	}
	err := errors.Join(l.run(ctx, o, make([]float64, len(l.x))), l.saveLast())
	if err != nil {
		copy(l.x, l.good)
	} else if l.compares() && l.Validate == nil {
		// The last step has led to a point that was not seen.
		if loss, e := l.objective(l.step-1)(ctx, nil, l.x); e == nil && !(loss > l.best.loss) {
			l.best.take(loss, l.step, l.x)
		}
	}
	switch {
	case l.Validate != nil:
		if !math.IsInf(l.best.loss, 1) {
			copy(l.x, l.best.x)
		}
	case l.average != nil:
		copy(l.x, l.average)
	case l.compares() && !math.IsInf(l.best.loss, 1):
		copy(l.x, l.best.x)
		l.last = l.best.loss
	}
	return err
}

// run takes the steps.
func (l *loop) run(ctx context.Context, o StepOptimizer, grad []float64) error {
	for l.step < l.Steps {
		if err := ctx.Err(); err != nil {
			l.reason = Stopped
			return err
		}
		loss, err := l.objective(l.step)(ctx, grad, l.x)
		if err == nil && !finite(loss, grad) {
			err = ErrNotFinite
		}
		s := Step{Step: l.step, Epoch: l.step, Loss: loss, Validation: math.NaN(), GradNorm: math.NaN(), Rate: o.LearningRate()}
		if l.Schedule != nil {
			s.Rate = l.Schedule(l.step)
		}
		if err != nil {
			if e := ctx.Err(); e != nil {
				l.reason = Stopped
				return e
			}
			if l.skips++; l.skips > l.MaxSkips {
				l.reason = Failed
				return &LossError{Step: l.step, Cause: err}
			}
			copy(l.x, l.good)
			s.Skipped, s.Loss = true, math.NaN()
			l.skipped++
		} else {
			l.skips, l.last = 0, loss
			copy(l.good, l.x)
			l.observe(loss)
			s.GradNorm = l.clip(grad)
			l.stepper.Step(l.x, grad, s.Rate)
			for i := range l.average {
				l.average[i] += (1 - l.Average) * (l.x[i] - l.average[i])
			}
		}
		l.losses = append(l.losses, s.Loss)
		l.step++
		enough, err := l.validate(ctx, &s)
		if err == nil {
			err = l.after(s)
		}
		l.saveNow(false)
		if err != nil {
			l.reason = Stopped
			copy(l.good, l.x)
			return err
		}
		if enough {
			l.reason = Patience
			return nil
		}
	}
	l.reason = AllSteps
	return nil
}

// observe keeps the point before the step if it is the best so far.
func (l *loop) observe(loss float64) {
	if !l.compares() || l.Validate != nil {
		return
	}
	if l.phase != nil && l.step > 0 && l.phase(l.step) != l.phase(l.step-1) {
		l.best.loss = math.Inf(1)
	}
	if loss < l.best.loss {
		l.best.take(loss, l.step, l.x)
	}
}

// validate looks at the validation loss, if it is time to, and reports whether the
// patience is over.
func (l *loop) validate(ctx context.Context, s *Step) (enough bool, err error) {
	if l.Validate == nil || l.step%l.ValidateEvery != 0 && l.step != l.Steps {
		return false, nil
	}
	x := l.x
	if l.average != nil {
		x = l.average
	}
	v, err := l.Validate(ctx, x)
	if err != nil && ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil || math.IsNaN(v) {
		v = math.Inf(1) // a model that cannot be solved there is a bad one
	}
	s.Validation = v
	if v < l.best.loss {
		l.best.take(v, l.step, x)
		l.lowest, l.stale = v, 0
		return false, nil
	}
	l.stale++
	return l.Patience > 0 && l.stale >= l.Patience, nil
}

// clip returns the norm of the gradient and shortens it.
func (l *loop) clip(grad []float64) float64 {
	norm := norm(grad)
	if l.Clip > 0 && norm > l.Clip {
		for i := range grad {
			grad[i] *= l.Clip / norm
		}
	}
	return norm
}

// after calls the hook.
func (l *loop) after(s Step) error {
	if l.Hook == nil && l.ranks == nil {
		return nil
	}
	if l.work != nil {
		s.Work = l.work()
	}
	s.Seconds = l.before + time.Since(l.began).Seconds()
	if err := l.ranks.fromFirst(func() error {
		if l.Hook == nil {
			return nil
		}
		return l.Hook(s)
	}); err != nil {
		return fmt.Errorf("train: hook after step %d: %w", s.Step, err)
	}
	return nil
}

func (l *loop) report() Report {
	r := Report{
		Loss: l.last, Validation: math.NaN(), Losses: l.losses, Steps: l.step, Skipped: l.skipped,
		Best: l.step, Reason: l.reason, Seconds: l.before + time.Since(l.began).Seconds(),
	}
	if l.Validate != nil && !math.IsInf(l.lowest, 1) {
		r.Validation = l.lowest
	}
	if !math.IsInf(l.best.loss, 1) {
		r.Best = l.best.step
	}
	if l.step == 0 {
		r.Loss = math.NaN()
	}
	if l.work != nil {
		r.Work = l.work()
	}
	return r
}

// finite reports whether the loss and all components of its gradient are.
func finite(loss float64, grad []float64) bool {
	sum := loss - loss // 0, or NaN
	for _, g := range grad {
		sum += g - g
	}
	return sum == 0
}

// norm is the Euclidean norm.
func norm(x []float64) float64 {
	largest := 0.0
	for _, v := range x {
		largest = max(largest, math.Abs(v))
	}
	if largest == 0 || math.IsInf(largest, 1) {
		return largest
	}
	sum := 0.0
	for _, v := range x {
		sum += v / largest * (v / largest)
	}
	return largest * math.Sqrt(sum)
}
