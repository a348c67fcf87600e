package main

import (
	"context"
	"io"
	"math/rand/v2"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/control"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
)

// circle is a network of the angle's cosine and sine, or of these and the momentum.
func circle(columns, out int, hidden ...int) hnn.Module {
	return hnn.Angles{Of: layers.MLP{In: columns + 1, Hidden: hidden, Out: out}, Columns: []int{0}}
}

// The networks of the structured model: M⁻¹ = C² + ε, V and g.
var (
	inverseMass = circle(1, 1, width, width)
	potential   = circle(1, 1, width)
	input       = circle(1, 1, width)
)

const (
	width   = 32
	epsilon = 0.1
)

// The Hamiltonians: SymODEN's ½ pᵀM⁻¹(q)p + V(q), and one network for H(q, p); both with a
// port g(q)u.
var (
	structured = hnn.Field{
		H:     hnn.MechanicalEnergy{C: inverseMass, V: potential, Epsilon: epsilon},
		Drive: hnn.Port{G: input, Inputs: 1},
	}
	unstructured = hnn.Field{H: circle(2, 1, width, width), Drive: hnn.Port{G: input, Inputs: 1}}
)

// model is a trained field, and what its training has cost.
type model struct {
	field  *graph.Field[float64]
	report train.Report
}

// rk4 is one step of RK4 between states, as published.
func rk4() odeint.Options {
	return odeint.Options{Method: odeint.RK4, Controller: odeint.Fixed{}, H0: apart}
}

// fit trains a module on windows of so many states, through the solver.
func fit(ctx context.Context, name string, m graph.Module, w []window, steps int, r *rand.Rand, stderr io.Writer) (*model, error) {
	const batch = 128
	points := len(w[0].z) / 2
	field, err := graph.NewField[float64](m, batch, graph.FieldConfig{Rand: r, Input: &graph.InputConfig{Channels: 1}})
	if err != nil {
		return nil, err
	}
	solver, err := adjoint.New[float64](field, rk4(), adjoint.Discrete{})
	if err != nil {
		return nil, err
	}
	times := train.Grid(apart*float64(points-1), points-1)
	start, target, torques := make([]float64, 2*batch), make([]float64, 2*batch*points), make([]float64, batch)
	grads := make([]float64, len(target))
	var work train.Work
	objective := func(int) train.Objective { // as published: the mean counts the torque as a fourth component
		for i := range batch {
			pick := w[r.IntN(len(w))]
			torques[i] = pick.u
			copy(start[2*i:], pick.z[:2])
			for k := range points {
				copy(target[2*(batch*k+i):], pick.z[2*k:2*k+2])
			}
		}
		loss := func(ctx context.Context, grad, x []float64) (float64, error) {
			copy(field.Params(), x)
			if err := hold(field, torques); err != nil {
				return 0, err
			}
			sol, err := solver.Forward(ctx, times, start)
			if err != nil {
				return 0, err
			}
			mean := 1 / float64(4*batch*points)
			loss := compare(grads, sol.Y, target, mean) * mean
			var g adjoint.Gradient[float64]
			if err := solver.Backward(ctx, &g, grads); err != nil {
				return 0, err
			}
			copy(grad, g.Theta)
			work.Solves++
			forward, backward := solver.Stats()
			work.NFEForward += forward.NFE
			work.NFEBackward += backward.NFE + backward.VJPs
			return loss, ctx.Err()
		}
		return train.WithDecay(loss, 1e-4, field.NumParams())
	}
	bar := experiment.NewBar(stderr, name, steps)
	theta := append([]float64(nil), field.Params()...)
	report, err := train.Minimize(ctx, nil, theta, train.MinimizeOptions{
		Steps: steps, Varying: objective, Schedule: train.Cosine(3e-3, 1e-4, steps), Clip: 1,
		Hook: func(s train.Step) error { bar.Step(s.Loss); return nil },
	})
	bar.Done(report.Loss)
	report.Work = work
	copy(field.Params(), theta)
	return &model{field, report}, err
}

// hold gives a field constant torques, one for each sample.
func hold(f *graph.Field[float64], torques []float64) error {
	times := make([][]float64, len(torques))
	for i := range times {
		times[i] = []float64{0}
	}
	u, err := control.New(control.Previous, 1, times, torques)
	if err != nil {
		return err
	}
	return f.SetInput(u)
}

// predict is the prediction loss as published: the squared error of whole trajectories
// from their first states, summed over times and components, the mean over trajectories. The
// predicted states have the axes (time, trajectory, component).
func (m *model) predict(ctx context.Context, all []series) (loss float64, y []float64, err error) {
	field, err := m.field.WithBatch(len(all))
	if err != nil {
		return 0, nil, err
	}
	start, torques := make([]float64, 0, 2*len(all)), make([]float64, len(all))
	for i, s := range all {
		start, torques[i] = append(start, s.z[:2]...), s.u
	}
	if err := hold(field, torques); err != nil {
		return 0, nil, err
	}
	points := len(all[0].z) / 2
	in, err := odeint.New[float64](field, rk4())
	if err != nil {
		return 0, nil, err
	}
	var sol odeint.Solution[float64]
	if err := in.SolveAt(ctx, &sol, train.Grid(apart*float64(points-1), points-1), start); err != nil {
		return 0, nil, err
	}
	for i, s := range all {
		for k := range points {
			at := 2 * (k*len(all) + i)
			loss += compare(nil, sol.Y[at:at+2], s.z[2*k:2*k+2], 0) / float64(len(all))
		}
	}
	return loss, sol.Y, nil
}
