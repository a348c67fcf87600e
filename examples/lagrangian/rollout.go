package main

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/floats"

	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

// A rollout is the motion from one start, states (q, v), or (q, p) of a Hamiltonian model.
type rollout struct {
	y      []float64
	energy []float64 // true one, mgl
}

// study is the rollouts of all from the same starts.
type study struct {
	times  []float64 // in units √(l/g)
	truth  []rollout
	models map[kind]*judged
}

// judged is how a model does.
type judged struct {
	*model
	runs         []rollout
	end, all     float64 // energy errors: mean over the starts at the end, and over all times
	angle        float64 // RMS error of the angles after 1 s, rad
	acceleration float64 // mean absolute error of the second half of the slopes, rad/s²
	nfe          int
	eval, vjp    time.Duration // of one state
}

// starts draws states as published: anywhere, and almost at rest.
func starts(n int, r *rand.Rand) [][]float64 {
	all := make([][]float64, n)
	for i := range all {
		all[i] = []float64{2 * math.Pi * r.Float64(), 2 * math.Pi * r.Float64(), 0.1 / second * r.Float64(), 0.1 / second * r.Float64()}
	}
	return all
}

func newStudy(ctx context.Context, n int, seed uint64) (*study, error) {
	s := &study{times: train.Grid(100*apart*second, 100), models: map[kind]*judged{}}
	one, err := newSystem(1)
	if err != nil {
		return nil, err
	}
	for _, start := range starts(n, rand.New(rand.NewPCG(seed, 3))) {
		run, _, err := s.roll(ctx, one.velocities, start)
		if err != nil {
			return nil, err
		}
		run.energy = one.energies(lagrangian, run.y)
		s.truth = append(s.truth, run)
	}
	return s, nil
}

// roll solves from a start at the times. Where a model diverges the rollout ends.
func (s *study) roll(ctx context.Context, f odeint.VectorField[float64], start []float64) (r rollout, nfe int, err error) {
	in, err := odeint.New(f, odeint.Options{Method: odeint.Dop853, RTol: 1e-8, ATol: 1e-8, MaxSteps: 20000})
	if err != nil {
		return r, 0, err
	}
	var sol odeint.Solution[float64]
	err = in.SolveAt(ctx, &sol, s.times, start)
	var stopped *odeint.StepError
	if errors.As(err, &stopped) && ctx.Err() == nil {
		err = nil
	}
	return rollout{y: sol.Y}, sol.Stats.NFE, err
}

// energies returns the true energies of states as a kind of model has them.
func (s *system) energies(k kind, y []float64) []float64 {
	f := s.energy
	if k == hamiltonian {
		f = s.hamiltonian
	}
	e := make([]float64, len(y)/dim)
	for i := range e {
		f.Eval(e[i:i+1], 0, y[i*dim:(i+1)*dim])
	}
	return e
}

// judge rolls a model out from all starts.
func (s *study) judge(ctx context.Context, m *model, seed uint64) (*judged, error) {
	one, err := newSystem(1)
	if err != nil {
		return nil, err
	}
	j := &judged{model: m}
	s.models[m.kind] = j
	square, angles := 0.0, 0
	for i, truth := range s.truth {
		start := truth.y[:dim]
		if m.kind == hamiltonian {
			start = one.momentaOf(start)
		}
		run, nfe, err := s.roll(ctx, m.field, start)
		if err != nil {
			return nil, err
		}
		run.energy = one.energies(m.kind, run.y)
		j.runs, j.nfe = append(j.runs, run), j.nfe+nfe
		n := float64(len(s.truth))
		if len(run.energy) < len(s.times) {
			j.end, j.all = math.Inf(1), math.Inf(1)
			continue
		}
		for k, e := range run.energy {
			j.all += math.Abs(e-truth.energy[k]) / scale / n / float64(len(s.times))
		}
		last := len(s.times) - 1
		j.end += math.Abs(run.energy[last]-truth.energy[last]) / scale / n
		for k := range degrees {
			d := run.y[10*dim+k] - s.truth[i].y[10*dim+k]
			square, angles = square+d*d, angles+1
		}
	}
	j.angle = math.Sqrt(square / float64(angles))
	const states = 1000
	draw := rand.New(rand.NewPCG(seed, 4))
	got := make([]float64, dim)
	for range states {
		z, dz := one.slopes(m.kind, one.sample(draw))
		m.field.Eval(got, 0, z)
		j.acceleration += floats.Distance(got[degrees:], dz[degrees:], 1) / (degrees * states) * gravity
	}
	j.eval, j.vjp = m.cost(s.truth[0].y[:dim])
	return j, m.field.Err()
}

// cost is the shortest of many times of an evaluation, and of a vector-Jacobian product,
// of one state.
func (m *model) cost(z []float64) (eval, vjp time.Duration) {
	dz, dy, dtheta := make([]float64, dim), make([]float64, dim), make([]float64, m.field.NumParams())
	return shortest(func() { m.field.Eval(dz, 0, z) }), shortest(func() { m.field.VJP(dz, dy, dtheta, 0, z, z) })
}

func shortest(f func()) time.Duration {
	const calls = 20
	best := time.Duration(math.MaxInt64)
	for range 50 {
		began := time.Now()
		for range calls {
			f()
		}
		best = min(best, time.Since(began)/calls)
	}
	return best
}
