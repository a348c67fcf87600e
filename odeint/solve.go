package odeint

import (
	"context"
	"slices"
	"unsafe"
)

// Integrator solves initial value problems of one field. It owns all workspace:
// from the second solve into the same Solution on it allocates nothing, unless more
// has to be kept. It belongs to one goroutine at a time, like its field.
type Integrator[T Float] struct {
	opt     Options // resolved
	ev      evaluator[T]
	tol     tolerance[T]
	stepper stepper[T]
	observe func(s *Step[T], st *Stats) error
	stats   Stats
	start   startingStep[T]

	y [2][]T // states of a step that is not kept
	k []T    // its stages

	sol   *Solution[T] // of the current solve
	saver saver        // what of it is still to be saved
	plan  plan         // where its steps go
	watch *watcher[T]  // its events; nil: none

	suspicion suspicion // of a jump of f
	retreats  int       // steps in a row that met NaN or Inf
	step      Step[T]   // the step being tried; T0 and Y0 are what is reached
}

// Solve solves dy/dt = f(t, y) from y0 at t0 to t1, which may lie before t0. It
// is New and Integrator.Solve in one, for those who solve once. After a StepError
// the Solution has what was reached; after an OptionError it is nil.
func Solve[T Float](f VectorField[T], t0, t1 float64, y0 []T, opt Options) (*Solution[T], error) {
	in, err := New(f, opt)
	if err != nil {
		return nil, err
	}
	sol := new(Solution[T])
	err = in.Solve(context.Background(), sol, t0, t1, y0)
	if _, bad := err.(*OptionError); bad {
		return nil, err
	}
	return sol, err
}

// SolveAt solves dy/dt = f(t, y) from y0 at times[0] and saves the states at all times,
// which are strictly monotone in either direction: Solution.Row(i) is the state at times[i].
// It is New and Integrator.SolveAt in one; options that say which rows to save are ignored.
// Errors are as those of Solve.
func SolveAt[T Float](f VectorField[T], times []float64, y0 []T, opt Options) (*Solution[T], error) {
	in, err := New(f, opt)
	if err != nil {
		return nil, err
	}
	sol := new(Solution[T])
	err = in.SolveAt(context.Background(), sol, times, y0)
	if _, bad := err.(*OptionError); bad {
		return nil, err
	}
	return sol, err
}

// New returns an integrator of f. The error is an OptionError with every fault
// of the options, whose slices are copied.
func New[T Float](f VectorField[T], opt Options) (*Integrator[T], error) {
	if f == nil {
		panic("odeint: nil vector field")
	}
	n := f.Dim()
	opt, err := opt.Resolve(n)
	var bad faults
	if e, ok := err.(*OptionError); ok {
		bad = e.Faults
	}
	if opt.Method.validate() == nil {
		if fault := misfit(opt.Method, f); fault != "" {
			bad.add("Method: %s", fault)
		}
	}
	var events Events[T]
	if opt.Events != nil && opt.Events.Len() > 0 {
		var ok bool
		if events, ok = opt.Events.(Events[T]); !ok {
			bad.add("Events: they are %T, the field needs %T", opt.Events, events)
		}
	}
	if err := bad.err(); err != nil {
		return nil, err
	}
	in := &Integrator[T]{opt: opt, tol: newTolerance[T](&opt), plan: newPlan(&opt)}
	in.ev = evaluator[T]{field: f, stats: &in.stats}
	in.ev.quad, _ = f.(Quadrature[T])
	tol := &in.tol
	if opt.fixed() {
		tol = nil
	}
	in.stepper = newStepper(opt.Method, &in.ev, tol, opt.Compensated)
	_, all := in.stepper.stages()
	if len(events) > 0 {
		in.watch = newWatcher(in, events, opt.MaxEvents)
		in.plan.due = in.watch.due
	}
	in.y[0], in.y[1], in.k = make([]T, n), make([]T, n), make([]T, all*n)
	in.start = startingStep[T]{f0: make([]T, n), f1: make([]T, n), probe: make([]T, n)}
	return in, nil
}

// Options returns the options with all defaults filled in, as Options.Resolve does.
func (in *Integrator[T]) Options() Options {
	opt := in.opt
	opt.RTols, opt.ATols = slices.Clone(opt.RTols), slices.Clone(opt.ATols)
	opt.Stops, opt.Jumps = slices.Clone(opt.Stops), slices.Clone(opt.Jumps)
	opt.SaveAt.Times = slices.Clone(opt.SaveAt.Times)
	if opt.Events != nil {
		opt.Events = opt.Events.cloned()
	}
	return opt
}

// Observe calls fn after every accepted step, when the outputs inside it are
// saved. The step and its slices are valid during the call only and must not be
// modified. An error stops the solve, which returns it inside a StepError.
// Nil: no calls.
func (in *Integrator[T]) Observe(fn func(s *Step[T], st *Stats) error) { in.observe = fn }

// Solve solves from y0 at t0 to t1, which may lie before t0 or be equal to it, into
// sol, whose memory is used again. It checks ctx before each step.
//
// The error is an OptionError if the times make no sense, otherwise a StepError
// whose cause is ErrMaxSteps, ErrStepTooSmall, ErrNonFinite, that of ctx, of the field
// (Fallible), of an event (EventError) or of the observer. After a StepError sol has what was
// reached. NaN or Inf in a trial step has adaptive steps shrink; see Options.EndAtNaN.
func (in *Integrator[T]) Solve(ctx context.Context, sol *Solution[T], t0, t1 float64, y0 []T) error {
	at := &in.opt.SaveAt
	save := saver{times: at.Times, every: at.Every, start: at.Start, end: at.End}
	return in.solve(ctx, sol, t0, t1, y0, save)
}

// SolveAt is Solve from times[0] to the last of the times, with the rows of sol
// at exactly these times, the first included, in place of the rows that
// Options.SaveAt asks for. times is strictly monotone; a single time gives y0. A row at
// the end of a step is the step's state bit for bit. times is not kept.
func (in *Integrator[T]) SolveAt(ctx context.Context, sol *Solution[T], times []float64, y0 []T) error {
	if len(times) == 0 {
		return &OptionError{Faults: []string{"times: there are none; the first is where y0 holds"}}
	}
	err := in.solve(ctx, sol, times[0], times[len(times)-1], y0, saver{times: times})
	in.saver.times = nil
	return err
}

// NextStep returns the absolute step size with which the last solve would have
// gone on, 0 if there was none. A step that was cut short to land on a time does
// not count. With SetH0 it lets one solve go on where another ended, as when a
// state jumps in between.
func (in *Integrator[T]) NextStep() float64 { return in.plan.h }

// SetH0 replaces Options.H0 for the solves to come. It panics if h is negative
// or not finite.
func (in *Integrator[T]) SetH0(h float64) {
	if !(h >= 0) || !finite(h) {
		panic("odeint: SetH0 of a size that is negative or not finite")
	}
	in.opt.H0, in.plan.h0 = h, h
}

// Bytes returns the memory of the workspace, without what is small beside a state.
func (in *Integrator[T]) Bytes() int {
	var x T
	_, all := in.stepper.stages()
	// Two states, three vectors for the first step, two of the stepper.
	return (all + 7) * len(in.y[0]) * int(unsafe.Sizeof(x))
}
