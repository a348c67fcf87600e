package odeint

import "context"

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

	sol    *Solution[T] // of the current solve
	output output       // what of it is still to be saved
	pace   pace         // where its steps go
	step   Step[T]      // the step being tried; T0 and Y0 are what is reached
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

// New returns an integrator of f. The error is an OptionError with every fault
// of the options, whose slices are copied.
func New[T Float](f VectorField[T], opt Options) (*Integrator[T], error) {
	if f == nil {
		panic("odeint: nil vector field")
	}
	n := f.Dim()
	opt, err := opt.resolved(n)
	if err != nil {
		return nil, err
	}
	if fault := misfit(opt.Method, f); fault != "" {
		return nil, &OptionError{Faults: []string{"Method: " + fault}}
	}
	in := &Integrator[T]{opt: opt, tol: newTolerance[T](&opt), pace: newPace(&opt)}
	in.ev = evaluator[T]{field: f, stats: &in.stats}
	in.ev.quad, _ = f.(Quadrature[T])
	tol := &in.tol
	if in.pace.fixed {
		tol = nil
	}
	in.stepper = newStepper(opt.Method, &in.ev, tol, opt.Compensated)
	_, all := in.stepper.rows()
	in.y[0], in.y[1], in.k = make([]T, n), make([]T, n), make([]T, all*n)
	in.start = startingStep[T]{make([]T, n), make([]T, n), make([]T, n)}
	return in, nil
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
// (Fallible) or of the observer. After a StepError sol has what was reached. NaN or
// Inf ends a solve at once, in a trial step too: HMax or a smaller H0 keeps
// trial steps inside the domain of f.
func (in *Integrator[T]) Solve(ctx context.Context, sol *Solution[T], t0, t1 float64, y0 []T) error {
	save := &in.opt.SaveAt
	out := output{times: save.Times, every: save.Every, start: save.Start, end: save.End}
	return in.solve(ctx, sol, t0, t1, y0, out)
}

// SolveAt is Solve from times[0] to the last of the times, with the rows of sol
// at exactly these times, the first included, in place of the rows that
// Options.SaveAt asks for. times is strictly monotone; a single time gives y0. A row at
// the end of a step is the step's state bit for bit. times is not kept.
func (in *Integrator[T]) SolveAt(ctx context.Context, sol *Solution[T], times []float64, y0 []T) error {
	if len(times) == 0 {
		return &OptionError{Faults: []string{"times: there are none; the first is where y0 holds"}}
	}
	err := in.solve(ctx, sol, times[0], times[len(times)-1], y0, output{times: times})
	in.output.times = nil
	return err
}

func (in *Integrator[T]) solve(ctx context.Context, sol *Solution[T], t0, t1 float64, y0 []T, out output) error {
	if err := in.begin(sol, t0, t1, y0, out); err != nil {
		return err
	}
	for !in.pace.done() {
		if err := ctx.Err(); err != nil {
			return in.stop(err)
		}
		if err := in.aim(); err != nil {
			return in.stop(err)
		}
		scaled, err := in.stepper.attempt(&in.step)
		if err != nil {
			return in.stop(err)
		}
		accepted, err := in.judge(scaled)
		if err != nil {
			return in.stop(err)
		}
		if !accepted {
			in.stepper.reject()
			continue
		}
		if err := in.keep(); err != nil {
			return in.stop(err)
		}
		if in.observe != nil {
			if err := in.observe(&in.step, &in.stats); err != nil {
				in.advance()
				return in.stop(err)
			}
		}
		in.advance()
	}
	return in.finish()
}

// begin checks the arguments, plans the landings and saves the first row.
func (in *Integrator[T]) begin(sol *Solution[T], t0, t1 float64, y0 []T, out output) error {
	if sol == nil {
		panic("odeint: nil solution")
	}
	n := in.ev.field.Dim()
	if len(y0) != n {
		panic("odeint: length of y0 is not the dimension of the field")
	}
	if err := in.pace.plan(t0, t1, &out); err != nil {
		return err
	}
	in.sol, in.output, in.stats = sol, out, Stats{}
	sol.reset(n, t0)
	in.step = Step[T]{T0: t0, T1: t0, Y0: in.y[0]}
	if in.keepsSteps() {
		in.step.Y0 = sol.slab.reserve(n)
		sol.slab.take(n)
	}
	copy(in.step.Y0, y0)
	if in.opt.SaveAt.Dense {
		sol.interp = in.stepper.interpolant()
	}
	in.ev.failure() // what happened before this solve is not its failure
	if err := nonFinite("y0", t0, in.step.Y0); err != nil {
		return in.stop(err)
	}
	in.stepper.restart(nil)
	in.room()
	if in.output.first(t0, t0 == t1) {
		copy(sol.add(t0, -1, 0), in.step.Y0)
	}
	return nil
}

// advance makes the end of the accepted step the state reached.
func (in *Integrator[T]) advance() {
	s := &in.step
	s.T0, s.Y0, s.H = s.T1, s.Y1, 0
	if in.pace.advance(s.T0) {
		in.stepper.restart(nil)
	}
	in.room()
}

// finish ends a solve that reached its end.
func (in *Integrator[T]) finish() error {
	if err := in.ev.failure(); err != nil {
		return in.stop(err)
	}
	in.leave()
	return nil
}

// stop ends a solve early.
func (in *Integrator[T]) stop(err error) error {
	in.leave()
	return &StepError{T: in.step.T0, H: in.step.H, Steps: in.stats.Accepted + in.stats.Rejected, Err: err}
}

// leave hands the state reached to the solution.
func (in *Integrator[T]) leave() {
	in.sol.t, in.sol.last = in.step.T0, append(in.sol.last, in.step.Y0...)
	in.sol.Stats = in.stats
}
