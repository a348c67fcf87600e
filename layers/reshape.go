package layers

import (
	"fmt"
	"hash"
	"hash/fnv"
	"slices"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// reshape returns the elements of x under another shape of as many. Unlike
// Gorgonia's Reshape it copies, so that a TapeMachine does not overwrite what was
// reshaped, and its gradient on a LispMachine leaves other gradients as they are.
func reshape(x *G.Node, to tensor.Shape) (*G.Node, error) {
	return G.ApplyOp(reshapeOp{from: x.Shape().Clone(), to: to.Clone()}, x)
}

// reshapeOp is reshape as an op. Neither shape is a scalar's.
type reshapeOp struct{ from, to tensor.Shape }

var (
	_ G.SDOp            = reshapeOp{}
	_ G.ADOp            = reshapeOp{}
	_ G.UsePreallocDoer = reshapeOp{}
)

// ReshapedTo tells package graph that the op only reshapes.
func (o reshapeOp) ReshapedTo() tensor.Shape { return o.to.Clone() }

func (o reshapeOp) Do(in ...G.Value) (G.Value, error) {
	return o.UsePreallocDo(tensor.New(tensor.Of(in[0].Dtype()), tensor.WithShape(o.to.Clone()...)), in...)
}

func (o reshapeOp) UsePreallocDo(out G.Value, in ...G.Value) (G.Value, error) {
	var err error
	switch in[0].Data().(type) {
	case []float64:
		err = update(out, in[0], func(y *float64, x float64) { *y = x })
	case []float32:
		err = update(out, in[0], func(y *float32, x float32) { *y = x })
	default:
		err = fmt.Errorf("layers: %v of %T", o, in[0].Data())
	}
	return out, err
}

// SymDiff gives the cotangent the shape of the operand.
func (o reshapeOp) SymDiff(_ G.Nodes, _, cotangent *G.Node) (G.Nodes, error) {
	dx, err := reshape(cotangent, o.from)
	return G.Nodes{dx}, err
}

// DoDiff adds the gradient of the result to that of the operand, as a
// LispMachine wants it.
func (o reshapeOp) DoDiff(_ G.ExecutionContext, in G.Nodes, out *G.Node) error {
	dy, err := out.Grad()
	if err != nil {
		return err
	}
	dx, err := in[0].Grad()
	if err != nil {
		return err
	}
	if _, single := dy.Data().([]float32); single {
		return update(dx, dy, func(dx *float32, dy float32) { *dx += dy })
	}
	return update(dx, dy, func(dx *float64, dy float64) { *dx += dy })
}

// update calls f on the elements of y and x in row-major order. Both are tensors,
// of any strides.
func update[T float32 | float64](y, x G.Value, f func(y *T, x T)) error {
	from, ok1 := x.(*tensor.Dense)
	to, ok2 := y.(*tensor.Dense)
	if !ok1 || !ok2 || from.Shape().TotalSize() != to.Shape().TotalSize() {
		return fmt.Errorf("layers: reshape of %T to %T", x, y)
	}
	src, ok1 := from.Data().([]T)
	dst, ok2 := to.Data().([]T)
	if !ok1 || !ok2 {
		return fmt.Errorf("layers: reshape of %v to %v", from.Dtype(), to.Dtype())
	}
	fs, ts := from.Shape(), to.Shape()
	fst, tst := from.Strides(), to.Strides()
	if slices.Equal(fst, fs.CalcStrides()) && slices.Equal(tst, ts.CalcStrides()) {
		for i := range dst {
			f(&dst[i], src[i])
		}
		return nil
	}
	for i := range ts.TotalSize() {
		f(&dst[position(ts, tst, i)], src[position(fs, fst, i)])
	}
	return nil
}

// position is where element i, counted in row-major order, of a tensor lies.
func position(shape tensor.Shape, strides []int, i int) (at int) {
	for axis, n := range slices.Backward(shape) {
		at += i % n * strides[axis]
		i /= n
	}
	return at
}

func (o reshapeOp) Type() hm.Type {
	a := hm.TypeVariable('a')
	return hm.NewFnType(G.TensorType{Dims: o.from.Dims(), Of: a}, G.TensorType{Dims: o.to.Dims(), Of: a})
}

func (o reshapeOp) InferShape(...G.DimSizer) (tensor.Shape, error) { return o.to.Clone(), nil }
func (reshapeOp) Arity() int                                       { return 1 }
func (reshapeOp) DiffWRT(int) []bool                               { return []bool{true} }
func (reshapeOp) ReturnsPtr() bool                                 { return true }
func (reshapeOp) CallsExtern() bool                                { return false }
func (reshapeOp) OverwritesInput() int                             { return -1 }
func (o reshapeOp) String() string                                 { return fmt.Sprintf("Reshape %v to %v", o.from, o.to) }
func (o reshapeOp) WriteHash(h hash.Hash)                          { fmt.Fprintf(h, "layers %v", o) }

func (o reshapeOp) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}
