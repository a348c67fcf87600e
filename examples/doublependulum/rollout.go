package main

import (
	"context"
	"errors"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/odeint"
)

// tight are the options of solves through which is trained, so that the loss is smooth where
// the line search looks, and of rollouts that are to show the model and not the solver.
func tight() odeint.Options {
	return odeint.Options{Method: odeint.Tsit5, RTol: 1e-9, ATol: 1e-9}
}

// loose are the tolerances of the paper's rollouts, the defaults of its solver: 1e-3
// relative, and 1e-6 absolute in the pendulum's units, whatever those of the field.
func loose(u units) odeint.Options {
	opt := odeint.Options{Method: odeint.Tsit5, RTol: 1e-3, ATols: make([]float64, dim)}
	for i := range opt.ATols {
		opt.ATols[i] = 1e-6 / u.of(i)
	}
	return opt
}

// gauss is the Gauss–Legendre method of order 6 with a step of h. The implicit
// methods of Gauss are symplectic for any energy; the explicit ones ask for H = T(p) + V(q).
func gauss(h float64) odeint.Options {
	return odeint.Options{Method: odeint.GaussLegendre6, H0: h, Compensated: true}
}

// The steps of Gauss–Legendre, in seconds. Both divide the time between observations.
const (
	step         = 0.025 // of rollouts
	trainingStep = 0.05
)

// A rollout is a trajectory in the pendulum's units.
type rollout struct {
	times, y []float64
	stats    odeint.Stats
}

// roll solves a field of states in units u from the pendulum's start to the time end.
// It keeps the states at times, or if they are nil, at the end of every n-th step.
// Options are in units. Where the field diverges, which a model may do far from its
// data, the rollout ends.
func roll(ctx context.Context, f odeint.VectorField[float64], u units, end float64, times []float64, every int, opt odeint.Options) (*rollout, error) {
	opt.SaveAt = odeint.SaveAt{Times: u.times(times), Every: every, Start: times == nil, End: times == nil}
	in, err := odeint.New(f, opt)
	if err != nil {
		return nil, err
	}
	var sol odeint.Solution[float64]
	err = in.Solve(ctx, &sol, 0, end/u.t, u.scale(start()))
	var stopped *odeint.StepError
	if err != nil && (!errors.As(err, &stopped) || ctx.Err() != nil) {
		return nil, err
	}
	r := &rollout{y: u.unscale(sol.Y), stats: sol.Stats, times: make([]float64, len(sol.T))}
	for i, t := range sol.T {
		r.times[i] = t * u.t
	}
	return r, nil
}

// at rolls the model out to the last of times and keeps the states there.
func (m *model) at(ctx context.Context, times []float64, opt odeint.Options) (*rollout, error) {
	f, err := m.field()
	if err != nil {
		return nil, err
	}
	return roll(ctx, f, m.units, times[len(times)-1], times, 0, opt)
}

// stepwise rolls the model out to a time and keeps every n-th step: its state is the
// method's own there, where one between steps has the error of an interpolant.
func (m *model) stepwise(ctx context.Context, end float64, every int, opt odeint.Options) (*rollout, error) {
	f, err := m.field()
	if err != nil {
		return nil, err
	}
	return roll(ctx, f, m.units, end, nil, every, opt)
}

// field returns the model as a vector field of one state.
func (m *model) field() (*graph.Field[float64], error) {
	f, err := m.newField(1, nil)
	if err != nil {
		return nil, err
	}
	copy(f.Params(), m.theta)
	return f, nil
}

// energy returns the energies that the model itself has learned along a rollout.
func (m *model) energy(r *rollout) ([]float64, error) {
	h, err := hnn.NewEnergy[float64](m.network(), 1, graph.FieldConfig{})
	if err != nil {
		return nil, err
	}
	copy(h.Params(), m.theta)
	e, err := h.Along(r.times, m.scale(r.y))
	for i := range e {
		e[i] *= m.units.energy()
	}
	return e, err
}

// learned is the energy that a Hamiltonian model has learned, along rollouts by two
// methods at the same number of evaluations of the field.
type learned struct {
	far              float64 // their end
	gauss, tsit5     *rollout
	onGauss, onTsit5 []float64
}

// conserve follows the learned energy to t = far by Gauss–Legendre, and by Tsit5 with fixed steps
// of the size at which it costs as many evaluations of the field.
func (m *model) conserve(ctx context.Context, far float64) (*learned, error) {
	const samples = 20000
	l := learned{far: far}
	var err error
	if l.gauss, err = m.stepwise(ctx, far, max(1, int(far/step/samples)), gauss(step/m.t)); err != nil {
		return nil, err
	}
	const stages = 6 // evaluations in a step of Tsit5
	n := l.gauss.stats.NFE / stages
	opt := odeint.Options{Method: odeint.Tsit5, Controller: odeint.Fixed{}, H0: far / float64(n) / m.t}
	if l.tsit5, err = m.stepwise(ctx, far, max(1, n/samples), opt); err != nil {
		return nil, err
	}
	if l.onGauss, err = m.energy(l.gauss); err != nil {
		return nil, err
	}
	l.onTsit5, err = m.energy(l.tsit5)
	return &l, err
}

// until returns how many of increasing times are at most t.
func until(times []float64, t float64) int {
	n := len(times)
	for n > 0 && times[n-1] > t*(1+1e-12) {
		n--
	}
	return n
}
