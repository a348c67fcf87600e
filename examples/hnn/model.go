package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/train"
)

// width is the number of units in each of the two hidden layers.
const width = 200

// kind is a way to model dz/dt.
type kind string

const (
	hamiltonian kind = "hnn"      // (∂H/∂p, −∂H/∂q) of a network H
	baseline    kind = "baseline" // a network
)

// module describes the paper's network: 2 hidden layers of tanh, orthogonal weights,
// no bias in the last layer; the biases are those of PyTorch's Linear.
func (m kind) module(dim int) hnn.Module {
	out := dim
	if m == hamiltonian {
		out = 1
	}
	net := layers.Sequential{
		affine(dim, width), layers.Tanh,
		affine(width, width), layers.Tanh,
		layers.Linear{In: width, Out: out, NoBias: true, WeightInit: layers.Orthogonal(1)},
	}
	if m == hamiltonian {
		return hnn.Field{H: net}
	}
	return net
}

func affine(in, out int) layers.Linear {
	bound := 1 / math.Sqrt(float64(in))
	return layers.Linear{In: in, Out: out, WeightInit: layers.Orthogonal(1), BiasInit: layers.Uniform(-bound, bound)}
}

// model is a trained network.
type model struct {
	module hnn.Module
	theta  []float64
	steps  int // of training
	evals  int // of the field during training, in rows
	pulls  int // vector-Jacobian products, in rows

	trainLoss, testLoss float64
}

// fit trains a network on the states and derivatives of set in float32, as the paper's
// code does; weight decay is added to the gradient. The losses are those over the
// whole of both sets.
func (k *task) fit(ctx context.Context, m kind, set, test dataset, o train.MinimizeOptions, r *rand.Rand) (*model, error) {
	dim := k.dim()
	batch := k.batch
	if rows := set.rows(dim); batch == 0 || batch > rows {
		batch = rows
	}
	fitted := &model{module: m.module(dim), steps: o.Steps}
	field, err := graph.NewField[float32](fitted.module, batch, graph.FieldConfig{Name: "net", Rand: r})
	if err != nil {
		return nil, err
	}
	loss := hnn.NewMatching(field, nil)
	theta := field.Params()
	dtheta := make([]float32, len(theta))
	x, dx := make([]float32, batch*dim), make([]float32, batch*dim)

	objective := func(ctx context.Context, grad, at []float64) (float64, error) {
		k.draw(x, dx, set, r)
		narrow(theta, at)
		l := loss.Loss(dtheta, nil, x, dx)
		for i, g := range dtheta {
			grad[i] = float64(g) + k.weightDecay*at[i]
		}
		return l, ctx.Err()
	}
	fitted.theta = widen(theta)
	o.Varying = func(int) train.Objective { return objective } // other samples at each step
	if _, err := train.Minimize(ctx, nil, fitted.theta, o); err != nil {
		return nil, fmt.Errorf("%s of %s: %w", m, k.name, err)
	}
	fitted.evals, fitted.pulls = o.Steps*batch, o.Steps*batch
	if fitted.trainLoss, err = fitted.loss(set, dim); err != nil {
		return nil, err
	}
	fitted.testLoss, err = fitted.loss(test, dim)
	return fitted, err
}

// draw fills a batch: all rows in order, or rows drawn without replacement within
// the batch.
func (k *task) draw(x, dx []float32, set dataset, r *rand.Rand) {
	dim, rows := k.dim(), set.rows(k.dim())
	if len(x) == len(set.x) {
		narrow(x, set.x)
		narrow(dx, set.dx)
		return
	}
	seen := make(map[int]bool, len(x)/dim)
	for i := 0; i < len(x); i += dim {
		row := r.IntN(rows)
		for seen[row] {
			row = r.IntN(rows)
		}
		seen[row] = true
		narrow(x[i:i+dim], set.x[row*dim:(row+1)*dim])
		narrow(dx[i:i+dim], set.dx[row*dim:(row+1)*dim])
	}
}

// field returns the model as a vector field of batch rows, in float64.
func (m *model) field(batch int) (*graph.Field[float64], error) {
	f, err := graph.NewField[float64](m.module, batch, graph.FieldConfig{Name: "net", Rand: rand.New(rand.NewPCG(0, 0))})
	if err != nil {
		return nil, err
	}
	copy(f.Params(), m.theta)
	return f, nil
}

// loss is the mean squared error of the derivatives over a data set.
func (m *model) loss(set dataset, dim int) (float64, error) {
	rows := set.rows(dim)
	block := rows
	for block > 1000 && block%2 == 0 {
		block /= 2
	}
	f, err := m.field(block)
	if err != nil {
		return 0, err
	}
	return hnn.NewMatching(f, nil).Loss(nil, nil, set.x, set.dx), nil
}

func narrow(dst []float32, src []float64) {
	for i, v := range src {
		dst[i] = float32(v)
	}
}

func widen(src []float32) []float64 {
	dst := make([]float64, len(src))
	for i, v := range src {
		dst[i] = float64(v)
	}
	return dst
}
