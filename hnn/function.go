package hnn

import (
	"fmt"
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
)

// function is a placed layer compiled as x ↦ y(t, x; θ), with its
// vector-Jacobian products. It belongs to one goroutine.
type function[T Float] struct {
	eval, vjp *graph.Program[T]
	run, back *graph.Instance[T]
	in, out   int  // lengths of x and y
	timed     bool // t is an input
	column    []T  // t, once for each row

	theta  []T // live parameters
	dtheta []T // what one VJP gives
	views  [][]T
	dviews [][]T
	src    [][]T // inputs of eval and vjp
	dst    [][]T // outputs of vjp
	spareY []T
	spareX []T
}

// dtype is Gorgonia's name of T.
func dtype[T Float]() tensor.Dtype {
	var x T
	if _, ok := any(x).(float32); ok {
		return tensor.Float32
	}
	return tensor.Float64
}

// compile compiles the layer l on graph g for x of shape (batch, width).
func compile[T Float](g *G.ExprGraph, l Layer, batch, width int) (*function[T], error) {
	dt := dtype[T]()
	x := G.NewMatrix(g, dt, G.WithShape(batch, width), G.WithName("hnn x"))
	f := &function[T]{in: batch * width, timed: isTimed(l)}
	var inputs G.Nodes
	var t *G.Node
	if f.timed {
		t = G.NewMatrix(g, dt, G.WithShape(batch, 1), G.WithName("hnn t"))
		inputs = append(inputs, t)
		f.column = make([]T, batch)
	}
	inputs = append(inputs, x)
	y, err := forward(l, t, x)
	if err != nil {
		return nil, err
	}
	lambda := G.NewTensor(g, dt, y.Dims(), G.WithShape(y.Shape()...), G.WithName("hnn lambda"))
	theta := l.Learnables()
	grads, err := graph.VJP(G.Nodes{y}, G.Nodes{lambda}, append(G.Nodes{x}, theta...))
	if err != nil {
		return nil, err
	}
	if f.eval, err = graph.Compile[T](append(inputs[:len(inputs):len(inputs)], theta...), G.Nodes{y}); err != nil {
		return nil, err
	}
	if f.vjp, err = graph.Compile[T](append(append(inputs, lambda), theta...), append(G.Nodes{y}, grads...)); err != nil {
		return nil, err
	}
	f.out = y.Shape().TotalSize()
	size := 0
	for _, n := range theta {
		size += n.Shape().TotalSize()
	}
	f.bind(make([]T, size), theta)
	for i, n := range theta {
		values, ok := n.Value().Data().([]T)
		if !ok || len(values) != len(f.views[i]) {
			return nil, &ConfigError{What: n.Name(), Faults: []string{fmt.Sprintf("the learnable's value is %T; it must be a tensor of %v", n.Value().Data(), dt)}}
		}
		copy(f.views[i], values)
	}
	f.workspace()
	return f, nil
}

// bind cuts the flat parameters by learnables.
func (f *function[T]) bind(theta []T, nodes G.Nodes) {
	f.theta, f.dtheta = theta, make([]T, len(theta))
	at := 0
	for _, n := range nodes {
		size := n.Shape().TotalSize()
		f.views = append(f.views, theta[at:at+size:at+size])
		f.dviews = append(f.dviews, f.dtheta[at:at+size:at+size])
		at += size
	}
}

// rebind moves the parameters into theta, which it keeps.
func (f *function[T]) rebind(theta []T) {
	copy(theta, f.theta)
	f.theta, f.views = theta, likewise(f.views, theta)
}

// likewise cuts x as views cut the vector they are of.
func likewise[T any](views [][]T, x []T) [][]T {
	cut := make([][]T, len(views))
	at := 0
	for i, v := range views {
		cut[i] = x[at : at+len(v) : at+len(v)]
		at += len(v)
	}
	return cut
}

func (f *function[T]) workspace() {
	f.run, f.back = f.eval.NewInstance(), f.vjp.NewInstance()
	f.spareX, f.spareY = make([]T, f.in), make([]T, f.out)
	f.src, f.dst = make([][]T, 0, 3+len(f.views)), make([][]T, 0, 2+len(f.views))
}

// clone returns a function of its own buffers and parameters theta, to which the
// present values are copied.
func (f *function[T]) clone(theta []T) *function[T] {
	c := *f
	c.rebind(theta)
	c.dtheta = make([]T, len(f.dtheta))
	c.dviews = likewise(f.dviews, c.dtheta)
	if f.timed {
		c.column = make([]T, len(f.column))
	}
	c.workspace()
	return &c
}

// inputs lists the inputs of eval, or of vjp if lambda is given.
func (f *function[T]) inputs(t float64, x, lambda []T) [][]T {
	s := f.src[:0]
	if f.timed {
		for i := range f.column {
			f.column[i] = T(t)
		}
		s = append(s, f.column)
	}
	s = append(s, x)
	if lambda != nil {
		s = append(s, lambda)
	}
	return append(s, f.views...)
}

// at stores y(t, x) in dst, NaN after an error.
func (f *function[T]) at(dst []T, t float64, x []T) error {
	if len(dst) != f.out || len(x) != f.in {
		panic("hnn: slice length mismatch")
	}
	f.dst = append(f.dst[:0], dst)
	err := f.run.Run(f.dst, f.inputs(t, x, nil))
	if err != nil {
		fillNaN(dst)
	}
	return err
}

// pull stores y in dst and λᵀ∂y/∂x in dx, and adds λᵀ∂y/∂θ to dtheta; nil
// destinations are not wanted.
func (f *function[T]) pull(dst, dx, dtheta []T, t float64, x, lambda []T) error {
	if dst == nil {
		dst = f.spareY
	}
	if dx == nil {
		dx = f.spareX
	}
	if len(dst) != f.out || len(dx) != f.in || len(x) != f.in || len(lambda) != f.out || dtheta != nil && len(dtheta) != len(f.theta) {
		panic("hnn: slice length mismatch")
	}
	f.dst = append(append(f.dst[:0], dst, dx), f.dviews...)
	if err := f.back.Run(f.dst, f.inputs(t, x, lambda)); err != nil {
		fillNaN(dst)
		fillNaN(dx)
		fillNaN(dtheta)
		return err
	}
	for i := range dtheta {
		dtheta[i] += f.dtheta[i]
	}
	return nil
}

func fillNaN[T Float](x []T) {
	for i := range x {
		x[i] = T(math.NaN())
	}
}

// resolve fills in the defaults of graph.NewField and returns the width 2n of
// the module's state.
func resolve(what string, m Module, cfg *graph.FieldConfig) (width int, err error) {
	if cfg.Name == "" {
		cfg.Name = "field"
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(0, 0))
	}
	if cfg.Shape == nil {
		cfg.Shape = stateShape(m)
	}
	if len(cfg.Shape) != 1 || cfg.Shape[0] < 2 || cfg.Shape[0]%2 != 0 {
		return 0, &ConfigError{What: what, Faults: []string{fmt.Sprintf("the state's shape is %v; it must be (2n): set FieldConfig.Shape", cfg.Shape)}}
	}
	return cfg.Shape[0], nil
}

// layout lists learnables as graph.Field does.
func layout(nodes G.Nodes) []graph.Param {
	var ps []graph.Param
	at := 0
	for _, n := range nodes {
		ps = append(ps, graph.Param{Name: n.Name(), Shape: append([]int(nil), n.Shape()...), Offset: at})
		at += n.Shape().TotalSize()
	}
	return ps
}
