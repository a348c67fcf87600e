package main

import (
	"context"
	"fmt"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
	"github.com/neuralode/neuralode/train"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// road is a way to the loss and its gradient.
type road interface {
	// init returns the parameters to begin with.
	init() []float64

	// loss is the loss over the first intervals of the data.
	loss(intervals int) train.Objective

	// work counts what the losses cost so far.
	work() train.Work
}

// direct solves the compiled field without a Gorgonia graph around it.
type direct struct{ *train.Problem[float64] }

func newDirect(seed uint64, opt odeint.Options, m adjoint.Method, times, data []float64) (*direct, error) {
	p, err := problem(seed, opt, m, times, data)
	return &direct{p}, err
}

// problem is the fit of the network to data, with the loss (2.2).
func problem(seed uint64, opt odeint.Options, m adjoint.Method, times, data []float64) (*train.Problem[float64], error) {
	model, err := train.New[float64](network(), train.Config{Solve: opt, Adjoint: m, Rand: source(seed)})
	if err != nil {
		return nil, err
	}
	return train.NewProblem(model, train.Dataset[float64]{{Times: times, States: data, Start: start()}}, train.Options[float64]{Loss: train.Scaled(2, train.MSE[float64])})
}

func newField(seed uint64) (*graph.Field[float64], error) {
	return graph.NewField[float64](network(), 1, graph.FieldConfig{Rand: source(seed)})
}

func (d *direct) init() []float64                    { return d.Init() }
func (d *direct) loss(intervals int) train.Objective { return d.Loss(intervals) }
func (d *direct) work() train.Work                   { return d.Work() }

// layered has the solve as a layer of an ordinary Gorgonia model that runs on a
// TapeMachine. The loss is made of Gorgonia's operations, and its gradient by G.Grad. A
// model's shapes are fixed: the horizon grows by weights that leave later times out.
type layered struct {
	vm      G.VM
	layer   *odelayer.Layer
	weights *tensor.Dense // of the times in the loss
	weight  *G.Node
	cost    *G.Node
	total   train.Work
}

func newLayered(seed uint64, opt odeint.Options, m adjoint.Method, times, data []float64) (*layered, error) {
	g := G.NewGraph()
	layer, err := odelayer.New(g, "ode", network(), odelayer.Config{
		Batch: 1, Times: times, Solve: opt, Adjoint: m, Rand: source(seed),
	})
	if err != nil {
		return nil, err
	}
	n := len(times)
	dense := func(values []float64, shape ...int) *tensor.Dense {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(values))
	}
	l := &layered{layer: layer, weights: dense(make([]float64, 2*n), n, 1, 2)}
	u0 := G.NewMatrix(g, tensor.Float64, G.WithShape(1, 2), G.WithName("u0"), G.WithValue(dense(start(), 1, 2)))
	target := G.NewTensor(g, tensor.Float64, 3, G.WithShape(n, 1, 2), G.WithName("data"), G.WithValue(dense(data, n, 1, 2)))
	l.weight = G.NewTensor(g, tensor.Float64, 3, G.WithShape(n, 1, 2), G.WithName("weights"), G.WithValue(l.weights))

	u, err := layer.Fwd(u0)
	if err != nil {
		return nil, err
	}
	if l.cost, err = weightedSquares(u, target, l.weight); err != nil {
		return nil, err
	}
	if _, err := G.Grad(l.cost, layer.Learnables()...); err != nil {
		return nil, err
	}
	l.vm = G.NewTapeMachine(g, G.BindDualValues(layer.Learnables()...))
	return l, nil
}

// weightedSquares is Σ weight·(u − target)².
func weightedSquares(u, target, weight *G.Node) (*G.Node, error) {
	e, err := G.Sub(u, target)
	if err != nil {
		return nil, err
	}
	if e, err = G.Square(e); err != nil {
		return nil, err
	}
	if e, err = G.HadamardProd(e, weight); err != nil {
		return nil, err
	}
	return G.Sum(e)
}

func (l *layered) init() []float64 {
	var x []float64
	for _, n := range l.layer.Learnables() {
		x = append(x, n.Value().Data().([]float64)...)
	}
	return x
}

func (l *layered) loss(intervals int) train.Objective {
	return func(ctx context.Context, grad, x []float64) (float64, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		w := l.weights.Data().([]float64)
		for i := range w {
			w[i] = 0
			if i < 2*(intervals+1) {
				w[i] = 1 / float64(intervals+1)
			}
		}
		if err := G.Let(l.weight, l.weights); err != nil {
			return 0, err
		}
		at := 0
		for _, n := range l.layer.Learnables() {
			at += copy(n.Value().Data().([]float64), x[at:])
		}
		defer l.vm.Reset()
		if err := l.vm.RunAll(); err != nil {
			return 0, err
		}
		loss, ok := l.cost.Value().Data().(float64)
		if !ok {
			return 0, fmt.Errorf("the loss is a %T", l.cost.Value().Data())
		}
		at = 0
		for _, n := range l.layer.Learnables() {
			d, err := n.Grad()
			if err != nil {
				return 0, err
			}
			values := d.Data().([]float64)
			if grad != nil {
				copy(grad[at:], values)
			}
			at += len(values)
			clear(values) // BindDualValues adds up the gradients of one run after the other.
		}
		forward, backward := l.layer.Stats()
		l.total.Solves++
		l.total.NFEForward += forward.NFE
		l.total.NFEBackward += backward.NFE + backward.VJPs
		return loss, nil
	}
}

func (l *layered) work() train.Work { return l.total }
