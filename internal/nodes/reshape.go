package nodes

import (
	"fmt"
	"slices"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Reshape returns the elements of x under another shape of as many, x itself if the
// shape is its own; no axes stand for a number. Unlike Gorgonia's Reshape it copies, so
// that a TapeMachine does not overwrite what was reshaped, and its gradient on a
// LispMachine leaves other gradients as they are.
func Reshape(x *G.Node, to tensor.Shape) (*G.Node, error) {
	if slices.Equal(x.Shape(), to) {
		return x, nil
	}
	if x.Shape().TotalSize() != to.TotalSize() {
		return nil, fmt.Errorf("node %q of shape %v cannot be reshaped to %v", x.Name(), x.Shape(), to)
	}
	return G.ApplyOp(NewReshapeOp(x.Shape(), to), x)
}

// ReshapeOp is Reshape as an op.
type ReshapeOp struct {
	Base
	from tensor.Shape
}

// NewReshapeOp returns the op that takes from to to.
func NewReshapeOp(from, to tensor.Shape) ReshapeOp {
	shape := slices.Clone(to)
	if shape == nil {
		shape = tensor.Shape{}
	}
	return ReshapeOp{Base{Name: fmt.Sprintf("Reshape %v to %v", from, to), Dims: len(to), Shape: shape}, slices.Clone(from)}
}

var (
	_ G.SDOp            = ReshapeOp{}
	_ G.ADOp            = ReshapeOp{}
	_ G.UsePreallocDoer = ReshapeOp{}
)

func (ReshapeOp) Arity() int         { return 1 }
func (o ReshapeOp) Type() hm.Type    { return FunctionType(len(o.from), o.Dims) }
func (ReshapeOp) DiffWRT(int) []bool { return []bool{true} }

// Do copies its operand.
func (o ReshapeOp) Do(in ...G.Value) (G.Value, error) {
	var out G.Value
	switch {
	case o.Dims > 0:
		out = o.New(in[0])
	case in[0].Dtype() == tensor.Float32:
		out = G.NewF32(0)
	default:
		out = G.NewF64(0)
	}
	return o.UsePreallocDo(out, in...)
}

// UsePreallocDo is Do into out.
func (o ReshapeOp) UsePreallocDo(out G.Value, in ...G.Value) (G.Value, error) {
	err := Update(out, in[0], func(y *float64, x float64) { *y = x }, func(y *float32, x float32) { *y = x })
	if err != nil {
		return nil, fmt.Errorf("op %v: %w", o, err)
	}
	return out, nil
}

// SymDiff gives the cotangent the shape of the operand.
func (o ReshapeOp) SymDiff(_ G.Nodes, _, cotangent *G.Node) (G.Nodes, error) {
	dx, err := Reshape(cotangent, o.from)
	return G.Nodes{dx}, err
}

// DoDiff adds the gradient of the result to that of the operand, as a
// LispMachine wants it.
func (o ReshapeOp) DoDiff(_ G.ExecutionContext, in G.Nodes, out *G.Node) error {
	return Accumulate(o, in[0], out, func(dx *float64, dy float64) { *dx += dy }, func(dx *float32, dy float32) { *dx += dy })
}

// Accumulate calls the function of their type on the gradients of an operand and of the
// result.
func Accumulate(o G.Op, in, out *G.Node, f64 func(dx *float64, dy float64), f32 func(dx *float32, dy float32)) error {
	dy, err := out.Grad()
	if err != nil {
		return err
	}
	dx, err := in.Grad()
	if err != nil {
		return err
	}
	if err := Update(dx, dy, f64, f32); err != nil {
		return fmt.Errorf("gradient of op %v: %w", o, err)
	}
	return nil
}
