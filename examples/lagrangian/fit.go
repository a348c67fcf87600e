package main

import (
	"context"
	"io"
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train"
	"github.com/neuralode/neuralode/train/experiment"
	G "gorgonia.org/gorgonia"
)

// kind is a way to model the motion.
type kind string

const (
	lagrangian  kind = "lnn"        // (∂²L/∂v²)⁻¹(…) of a network L(q, v)
	mechanical  kind = "mechanical" // the same of L = ½ vᵀM(q)v − V(q) with networks for M and V
	hamiltonian kind = "hnn"        // (∂H/∂p, −∂H/∂q) of a network H(q, p)
	baseline    kind = "baseline"   // a network for the accelerations
)

var kinds = []kind{lagrangian, mechanical, hamiltonian, baseline}

// module returns the field of states (q, v), or (q, p), on networks of one size.
func (k kind) module() graph.Module {
	net := layers.MLP{In: 3 * degrees, Hidden: []int{width, width}, Out: 1, Activation: layers.GELU}
	if k == baseline {
		net.Out = degrees
	}
	onCircle := hnn.Angles{Of: net, Columns: []int{0, 1}}
	switch k {
	case lagrangian:
		return hnn.Lagrangian{L: hnn.Sum{inertia(), onCircle}}
	case mechanical:
		matrix := layers.MLP{In: dim, Hidden: []int{width / 2, width / 2}, Out: degrees * degrees, Activation: layers.Softplus}
		potential := layers.MLP{In: dim, Hidden: []int{width / 2}, Out: 1, Activation: layers.Softplus}
		return hnn.Lagrangian{
			L: hnn.Mechanical{
				C: hnn.Angles{Of: matrix, Columns: []int{0, 1}},
				V: hnn.Angles{Of: potential, Columns: []int{0, 1}},
			},
			Solve: graph.SolveOptions{Factorisation: graph.Cholesky},
		}
	case hamiltonian:
		return hnn.Field{H: onCircle}
	}
	return layers.Custom{
		Modules: []layers.Member{{Name: "acceleration", Module: onCircle}},
		State:   []int{dim},
		Forward: func(z *G.Node, in layers.Parts) (*G.Node, error) {
			v, err := graph.Part(z, 1, degrees, dim)
			if err != nil {
				return nil, err
			}
			a, err := in.Layers[0].Fwd(z)
			if err != nil {
				return nil, err
			}
			return G.Concat(1, v, a)
		},
	}
}

const width = 64

// inertia is |v|²/2, to which the network is added so that the first steps of the training
// do not meet a singular ∂²L/∂v².
func inertia() hnn.Module {
	return layers.Func(func(z *G.Node) (*G.Node, error) {
		v, err := graph.Part(z, 1, degrees, dim)
		if err != nil {
			return nil, err
		}
		square, err := G.Square(v)
		if err != nil {
			return nil, err
		}
		sum, err := G.Sum(square, 1)
		if err != nil {
			return nil, err
		}
		half, err := G.Mul(sum, layers.Const(sum, 0.5))
		if err != nil {
			return nil, err
		}
		return G.Reshape(half, []int{z.Shape()[0], 1})
	})
}

// model is a trained field of one state, and what its training has cost.
type model struct {
	kind
	field  *graph.Field[float64]
	report train.Report
	evals  int
}

// fit trains a model on slopes: with Adam on ever new random states, then with L-BFGS on
// states that stay. There is no solver in it.
func fit(ctx context.Context, k kind, plan plan, seed uint64, stderr io.Writer) (*model, error) {
	field, err := graph.NewField[float64](k.module(), 1, graph.FieldConfig{Rand: rand.New(rand.NewPCG(seed, 1))})
	if err != nil {
		return nil, err
	}
	m := &model{kind: k, field: field}
	draw := rand.New(rand.NewPCG(seed, 2))
	var total train.Report
	for _, phase := range []struct {
		states, steps int
		optimizer     train.Optimizer
	}{{256, plan.adam, train.Adam{}}, {plan.states, plan.lbfgs, train.LBFGS{}}} {
		truth, err := newSystem(phase.states)
		if err != nil {
			return nil, err
		}
		batch, err := field.WithBatch(phase.states)
		if err != nil {
			return nil, err
		}
		next := m.objective(truth, batch, draw)
		bar := experiment.NewBar(stderr, string(k)+", "+phase.optimizer.String(), phase.steps)
		opt := train.MinimizeOptions{Steps: phase.steps, Optimizer: phase.optimizer, Hook: func(s train.Step) error { bar.Step(s.Loss); return nil }}
		var fixed train.Objective
		if phase.optimizer == (train.LBFGS{}) {
			fixed = next(0)
		} else {
			opt.Varying, opt.Schedule, opt.Clip, opt.MaxSkips = next, train.Cosine(3e-3, 1e-4, phase.steps), 10, 20
		}
		theta := append([]float64(nil), field.Params()...)
		report, err := train.Minimize(ctx, fixed, theta, opt)
		bar.Done(report.Loss)
		copy(field.Params(), theta)
		total.Steps, total.Seconds, total.Loss = total.Steps+report.Steps, total.Seconds+report.Seconds, report.Loss
		if err != nil {
			m.report = total
			return m, err
		}
	}
	m.report = total
	return m, nil
}

// plan is how long to train.
type plan struct{ adam, lbfgs, states int }

// objective returns the loss on newly drawn states of a step.
func (m *model) objective(truth *system, field *graph.Field[float64], draw *rand.Rand) func(step int) train.Objective {
	n := field.Dim()
	dydt, lambda, dy := make([]float64, n), make([]float64, n), make([]float64, n)
	return func(int) train.Objective {
		z, dz := truth.slopes(m.kind, truth.sample(draw))
		return func(ctx context.Context, grad, x []float64) (float64, error) {
			copy(field.Params(), x)
			field.Eval(dydt, 0, z)
			loss := absolute(lambda, dydt, dz)
			m.evals++
			if grad != nil {
				clear(grad)
				field.VJP(nil, dy, grad, 0, z, lambda)
			}
			if err := field.Err(); err != nil {
				return 0, err
			}
			return loss, ctx.Err()
		}
	}
}

// absolute is the mean of √(0.01 + r²) over the residuals, and its gradient: an absolute
// error, as published, since accelerations have a few large values.
func absolute(lambda, y, target []float64) float64 {
	sum, n := 0.0, float64(len(y))
	for i := range y {
		r := y[i] - target[i]
		size := math.Sqrt(0.01 + r*r)
		sum += size / n
		lambda[i] = r / (size * n)
	}
	return sum
}
