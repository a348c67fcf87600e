package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
)

// unrolled is RK4 written out as a Gorgonia graph, with the mean square of the state at
// the end as its loss and the gradient by backpropagation through all steps.
type unrolled struct {
	graph     *G.ExprGraph
	inputs    G.Nodes // y0, then the learnables
	loss      *G.Node
	gradients G.Nodes // with respect to the inputs
	y0        []float64
}

func newUnrolled(w workload, f graph.CompiledField[float64], steps int) (*unrolled, error) {
	g := G.NewGraph()
	dim := f.Dim()
	shape := append([]int{w.batch}, w.module.(interface{ StateShape() []int }).StateShape()...)
	y := G.NewTensor(g, tensor.Float64, len(shape), G.WithShape(shape...), G.WithName("y0"))
	layer, err := w.module.Place(g, "f", tensor.Float64, rand.New(rand.NewPCG(0, 0)))
	if err != nil {
		return nil, err
	}
	u := &unrolled{graph: g, inputs: append(G.Nodes{y}, layer.Learnables()...), y0: w.y0(dim)}
	for i, n := range u.inputs[1:] {
		p := f.Layout()[i]
		value := tensor.New(tensor.WithShape(p.Shape...), tensor.WithBacking(append([]float64(nil), f.Params()[p.Offset:][:size(p.Shape)]...)))
		if err := G.Let(n, value); err != nil {
			return nil, err
		}
	}
	if err := G.Let(y, tensor.New(tensor.WithShape(shape...), tensor.WithBacking(append([]float64(nil), u.y0...)))); err != nil {
		return nil, err
	}
	return u, u.build(layer, y, steps)
}

// build writes the steps, the loss and its gradient on the graph.
func (u *unrolled) build(layer graph.Layer, y *G.Node, steps int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("unrolling: %v", p)
		}
	}()
	h := end / float64(steps)
	number := func(x float64) *G.Node { return G.NewConstant(x, G.WithName(fmt.Sprintf("number %b", x))) }
	axpy := func(y *G.Node, c float64, k *G.Node) *G.Node {
		return G.Must(G.Add(y, G.Must(G.HadamardProd(k, number(c)))))
	}
	for range steps {
		k1 := G.Must(layer.Fwd(y))
		k2 := G.Must(layer.Fwd(axpy(y, h/2, k1)))
		k3 := G.Must(layer.Fwd(axpy(y, h/2, k2)))
		k4 := G.Must(layer.Fwd(axpy(y, h, k3)))
		sum := axpy(axpy(G.Must(G.Add(k1, k4)), 2, k2), 2, k3)
		y = axpy(y, h/6, sum)
	}
	u.loss = G.Must(G.Mean(G.Must(G.Square(y))))
	u.gradients, err = graph.Grad(u.loss, u.inputs...)
	return err
}

// outputs are the loss and the gradients.
func (u *unrolled) outputs() G.Nodes { return append(G.Nodes{u.loss}, u.gradients...) }

// compiled measures the graph as a compiled program.
func (u *unrolled) compiled(ctx context.Context, s *study, theta []float64) (*result, error) {
	p, err := graph.Compile[float64](u.inputs, u.outputs())
	if err != nil {
		return nil, err
	}
	src := [][]float64{u.y0}
	for _, n := range u.inputs[1:] {
		k := n.Shape().TotalSize()
		src, theta = append(src, theta[:k]), theta[k:]
	}
	dst := make([][]float64, len(u.inputs)+1)
	for i, n := range u.outputs() {
		dst[i] = make([]float64, n.Shape().TotalSize())
	}
	before := heap()
	m := p.NewInstance()
	r := &result{bytes: heap() - before}
	if r.seconds, err = s.least(ctx, func() error { return m.Run(dst, src) }); err != nil {
		return nil, err
	}
	r.fill(dst)
	return r, nil
}

// tape measures the graph on Gorgonia's TapeMachine.
func (u *unrolled) tape(ctx context.Context, s *study) (*result, error) {
	outputs := u.outputs()
	read := make([]G.Value, len(outputs))
	for i, n := range outputs {
		G.Read(n, &read[i])
	}
	before := heap()
	vm := G.NewTapeMachine(u.graph)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		return nil, err
	}
	r := &result{bytes: heap() - before}
	vm.Reset()
	var err error
	r.seconds, err = s.least(ctx, func() error {
		defer vm.Reset()
		return vm.RunAll()
	})
	if err != nil {
		return nil, err
	}
	dst := make([][]float64, len(outputs))
	for i, v := range read {
		switch d := v.Data().(type) {
		case float64:
			dst[i] = []float64{d}
		case []float64:
			dst[i] = d
		}
	}
	r.fill(dst)
	return r, nil
}

// fill takes the loss and the gradients.
func (r *result) fill(dst [][]float64) {
	r.loss, r.dy0 = dst[0][0], append([]float64(nil), dst[1]...)
	for _, d := range dst[2:] {
		r.dtheta = append(r.dtheta, d...)
	}
	r.normTheta, r.n0 = norm(r.dtheta), norm(r.dy0)
}

// heap is the size of what is reachable.
func heap() int {
	runtime.GC()
	time.Sleep(time.Millisecond)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
