package graph

import (
	"fmt"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// shapeOp is a reshape that copies, also from and to scalars.
type shapeOp struct {
	ownOp
	from int // axes of the operand
}

func (shapeOp) Arity() int         { return 1 }
func (o shapeOp) Type() hm.Type    { return hm.NewFnType(typeOf(o.from), typeOf(o.dims)) }
func (shapeOp) DiffWRT(int) []bool { return []bool{true} }
func (shapeOp) decode() op         { return reshapeOp{} }

func (o shapeOp) Do(x ...G.Value) (G.Value, error) {
	if o.dims > 0 {
		return o.UsePreallocDo(o.new(x[0]), x...)
	}
	switch v := x[0].Data().(type) {
	case []float64:
		return G.NewF64(v[0]), nil
	case []float32:
		return G.NewF32(v[0]), nil
	case float64:
		return G.NewF64(v), nil
	case float32:
		return G.NewF32(v), nil
	}
	return nil, fmt.Errorf("graph: op %s on %T", o.name, x[0].Data())
}

func (o shapeOp) SymDiff(x G.Nodes, y, g *G.Node) (ds G.Nodes, err error) {
	defer recoverInto(&err)
	return G.Nodes{reshaped(g, x[0].Shape())}, nil
}

func (o shapeOp) UsePreallocDo(y G.Value, x ...G.Value) (G.Value, error) {
	if o.dims == 0 {
		return o.Do(x...) // a number has no buffer
	}
	switch v := x[0].(type) {
	case *G.F64:
		return y, onFloats(o.name, func(d [][]float64) { d[0][0] = float64(*v) }, nil, y)
	case *G.F32:
		return y, onFloats(o.name, nil, func(d [][]float32) { d[0][0] = float32(*v) }, y)
	}
	return y, onFloats(o.name, func(d [][]float64) { copy(d[0], d[1]) }, func(d [][]float32) { copy(d[0], d[1]) }, y, x[0])
}

// zerosOp is zeros in the shape of its operand, whatever its values are.
type zerosOp struct {
	ownOp
	dt tensor.Dtype
}

func zerosLike(x *G.Node) *G.Node {
	return must(G.ApplyOp(zerosOp{ownOp: ownOp{name: "Zeros", dims: x.Dims(), shape: x.Shape()}, dt: x.Dtype()}, x))
}

func (zerosOp) Arity() int                                         { return 1 }
func (o zerosOp) Type() hm.Type                                    { return o.typ(1) }
func (zerosOp) DiffWRT(int) []bool                                 { return []bool{false} }
func (zerosOp) SymDiff(G.Nodes, *G.Node, *G.Node) (G.Nodes, error) { return nil, nil }

// decode shows the compiler a constant.
func (o zerosOp) decode() op {
	v, _ := o.Do()
	return constantOp{v}
}

func (o zerosOp) Do(...G.Value) (G.Value, error) {
	switch {
	case o.dims > 0:
		return tensor.New(tensor.Of(o.dt), tensor.WithShape(o.shape.Clone()...)), nil
	case o.dt == tensor.Float32:
		return G.NewF32(0), nil
	}
	return G.NewF64(0), nil
}

func (o zerosOp) UsePreallocDo(y G.Value, x ...G.Value) (G.Value, error) {
	if o.dims == 0 {
		return o.Do(x...)
	}
	return y, onFloats(o.name, func(d [][]float64) { clear(d[0]) }, func(d [][]float32) { clear(d[0]) }, y)
}
