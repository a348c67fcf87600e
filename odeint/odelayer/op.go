package odelayer

import (
	"context"
	"fmt"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/nodes"
)

// solves does the numerical work of one layer's ops, for one type of number. Its
// methods may be called by several goroutines.
type solves interface {
	// forward solves from in[0] with parameters in[1:] and returns the saved states.
	forward(in []G.Value) (backing any, err error)

	// backward returns the gradients of all inputs, packed, given the cotangent.
	backward(in []G.Value, cotangent G.Value) (backing any, err error)

	// unpack copies size elements of a packed vector from offset on.
	unpack(packed G.Value, offset, size int) (backing any, err error)

	// accumulate adds elements of packed, from offset on, to gradient.
	accumulate(gradient G.Value, packed any, offset int) error

	applied()
	setContext(ctx context.Context)
	stats() (forward, backward adjoint.Stats)
}

// layerOp is what the ops of one layer have in common. It holds no state of a run;
// machines and cloned graphs share it. The layer's name, unique on a graph, stands
// for it in hashes.
type layerOp struct {
	name   string
	dt     tensor.Dtype
	in     []tensor.Shape // of u0 and the parameters
	offset []int          // where the gradients of in begin in the packed vector
	out    tensor.Shape
	solves solves
}

// base is what an op of the layer is to Gorgonia. The results are fresh memory and
// nothing is overwritten, so machines need neither allocate for the ops nor order their
// calls.
func (o *layerOp) base(what string, shape tensor.Shape) nodes.Base {
	return nodes.Base{Name: fmt.Sprintf("odelayer[%s]%s", o.name, what), Dims: shape.Dims(), Shape: shape, Fresh: true}
}

// forwardOp is the solve: (u0, θ…) ↦ u.
type forwardOp struct {
	*layerOp
	nodes.Base
}

func newForward(o *layerOp) *forwardOp { return &forwardOp{o, o.base("", o.out)} }

// gradientOp is the backward pass: (u0, θ…, ∂L/∂u) ↦ the gradients of u0 and the
// parameters, one after another in one vector.
type gradientOp struct {
	*layerOp
	nodes.Base
}

func newGradient(o *layerOp) *gradientOp {
	return &gradientOp{o, o.base(" gradient", tensor.Shape{o.size()})}
}

// unpackOp copies the gradient of input i out of the vector.
type unpackOp struct {
	*layerOp
	nodes.Base
	i int
}

func newUnpack(o *layerOp, i int) *unpackOp {
	return &unpackOp{o, o.base(fmt.Sprintf(" gradient of input %d", i), o.in[i]), i}
}

var (
	_ G.SDOp = (*forwardOp)(nil)
	_ G.ADOp = (*forwardOp)(nil)
	_ G.SDOp = (*gradientOp)(nil)
	_ G.SDOp = (*unpackOp)(nil)
)

func (o *forwardOp) Do(in ...G.Value) (v G.Value, err error) {
	defer o.recover(&err)
	backing, err := o.solves.forward(in)
	return o.value(o.out, backing, err)
}

func (o *gradientOp) Do(in ...G.Value) (v G.Value, err error) {
	defer o.recover(&err)
	last := len(in) - 1
	backing, err := o.solves.backward(in[:last], in[last])
	return o.value(tensor.Shape{o.size()}, backing, err)
}

func (o *unpackOp) Do(in ...G.Value) (v G.Value, err error) {
	defer o.recover(&err)
	shape := o.in[o.i]
	backing, err := o.solves.unpack(in[0], o.offset[o.i], shape.TotalSize())
	return o.value(shape, backing, err)
}

// DoInto32 and DoInto64 are Do on flat memory, for a graph.Machine, which calls the one of
// the layer's type.
func (o *forwardOp) DoInto32(dst []float32, src [][]float32) error {
	return solveInto(o.layerOp, dst, src)
}
func (o *forwardOp) DoInto64(dst []float64, src [][]float64) error {
	return solveInto(o.layerOp, dst, src)
}
func (o *gradientOp) DoInto32(dst []float32, src [][]float32) error {
	return gradientInto(o.layerOp, dst, src)
}
func (o *gradientOp) DoInto64(dst []float64, src [][]float64) error {
	return gradientInto(o.layerOp, dst, src)
}

func solveInto[T graph.Float](o *layerOp, dst []T, src [][]T) (err error) {
	defer o.recover(&err)
	return o.named(o.solves.(*pool[T]).forwardInto(dst, src))
}

func gradientInto[T graph.Float](o *layerOp, dst []T, src [][]T) (err error) {
	defer o.recover(&err)
	last := len(src) - 1
	return o.named(o.solves.(*pool[T]).backwardInto(dst, src[:last], src[last], nil))
}

// PieceOf tells a graph.Machine that the result is that part of the packed vector.
func (o *unpackOp) PieceOf() (start int) { return o.offset[o.i] }

// named adds the layer's name to an error.
func (o *layerOp) named(err error) error {
	if err != nil {
		return &SolveError{Name: o.name, Err: err}
	}
	return nil
}

// value makes the op's result, or adds the layer's name to the error.
func (o *layerOp) value(shape tensor.Shape, backing any, err error) (G.Value, error) {
	if err != nil {
		return nil, o.named(err)
	}
	return tensor.New(tensor.WithShape(shape.Clone()...), tensor.WithBacking(backing)), nil
}

// recover turns a panic into an error: a machine runs its ops on a goroutine
// of its own, where a panic would end the process.
func (o *layerOp) recover(err *error) {
	switch r := recover().(type) {
	case nil:
	case error:
		*err = &SolveError{Name: o.name, Err: fmt.Errorf("panic in the solve: %w", r)}
	default:
		*err = &SolveError{Name: o.name, Err: fmt.Errorf("panic in the solve: %v", r)}
	}
}

// size is the length of the packed vector.
func (o *layerOp) size() (n int) {
	for _, s := range o.in {
		n += s.TotalSize()
	}
	return n
}

// SymDiff adds the gradient and its parts to the graph.
func (o *forwardOp) SymDiff(in G.Nodes, _, cotangent *G.Node) (G.Nodes, error) {
	// A slice of our own: Gorgonia keeps what it is given, and in is another node's.
	children := append(append(make(G.Nodes, 0, len(in)+1), in...), cotangent)
	packed, err := G.ApplyOp(newGradient(o.layerOp), children...)
	if err != nil {
		return nil, fmt.Errorf("odelayer: %s: gradient: %w", o.name, err)
	}
	parts := make(G.Nodes, len(in))
	for i := range in {
		if parts[i], err = G.ApplyOp(newUnpack(o.layerOp, i), packed); err != nil {
			return nil, fmt.Errorf("odelayer: %s: gradient: %w", o.name, err)
		}
	}
	return parts, nil
}

// DoDiff adds the gradients to those of the inputs, as a LispMachine wants it.
func (o *forwardOp) DoDiff(_ G.ExecutionContext, in G.Nodes, out *G.Node) (err error) {
	defer o.recover(&err)
	cotangent, err := out.Grad()
	if err != nil {
		return &SolveError{Name: o.name, Err: err}
	}
	values := make([]G.Value, len(in))
	for i, n := range in {
		values[i] = n.Value()
	}
	packed, err := o.solves.backward(values, cotangent)
	if err != nil {
		return &SolveError{Name: o.name, Err: err}
	}
	for i, n := range in {
		gradient, err := n.Grad()
		if err == nil {
			err = o.solves.accumulate(gradient, packed, o.offset[i])
		}
		if err != nil {
			return &SolveError{Name: o.name, Err: fmt.Errorf("gradient of %v: %w", n, err)}
		}
	}
	return nil
}

// SymDiff reports that there is no second order.
func (o *gradientOp) SymDiff(G.Nodes, *G.Node, *G.Node) (G.Nodes, error) {
	return nil, fmt.Errorf("%w (layer %q)", ErrSecondOrder, o.name)
}

// SymDiff reports that there is no second order.
func (o *unpackOp) SymDiff(G.Nodes, *G.Node, *G.Node) (G.Nodes, error) {
	return nil, fmt.Errorf("%w (layer %q)", ErrSecondOrder, o.name)
}

// DiffWRT holds for all three ops. The gradient's are differentiable in principle, so
// a derivative through them is asked for, and refused, rather than taken for zero.
func (o *layerOp) DiffWRT(inputs int) []bool {
	all := make([]bool, inputs)
	for i := range all {
		all[i] = true
	}
	return all
}

func (o *forwardOp) Arity() int  { return len(o.in) }
func (o *gradientOp) Arity() int { return len(o.in) + 1 }
func (o *unpackOp) Arity() int   { return 1 }

func (o *forwardOp) Type() hm.Type { return functionType(o.in, o.out) }
func (o *gradientOp) Type() hm.Type {
	return functionType(append(o.in[:len(o.in):len(o.in)], o.out), o.Shape)
}
func (o *unpackOp) Type() hm.Type { return functionType([]tensor.Shape{{o.size()}}, o.Shape) }

// functionType is the type of a function of tensors, all of one type of number.
func functionType(in []tensor.Shape, out tensor.Shape) hm.Type {
	dims := make([]int, 0, len(in)+1)
	for _, s := range in {
		dims = append(dims, s.Dims())
	}
	return nodes.FunctionType(append(dims, out.Dims())...)
}
