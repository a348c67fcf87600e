package graph

import (
	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// zerosOp is zeros in the shape of its operand, whatever its values are.
type zerosOp struct {
	nodes.Base
	dt tensor.Dtype
}

func zerosLike(x *G.Node) *G.Node { return zerosNamed("Zeros", x) }

// zerosNamed returns zeros that Gorgonia does not merge with those of another
// name.
func zerosNamed(name string, x *G.Node) *G.Node {
	return must(G.ApplyOp(zerosOp{Base: nodes.Base{Name: name, Dims: x.Dims(), Shape: x.Shape()}, dt: x.Dtype()}, x))
}

func (zerosOp) Arity() int                                         { return 1 }
func (o zerosOp) Type() hm.Type                                    { return nodes.FunctionType(o.Dims, o.Dims) }
func (zerosOp) DiffWRT(int) []bool                                 { return []bool{false} }
func (zerosOp) SymDiff(G.Nodes, *G.Node, *G.Node) (G.Nodes, error) { return nil, nil }

// decode shows the compiler a constant.
func (o zerosOp) decode() op {
	v, _ := o.Do()
	return constantOp{v}
}

func (o zerosOp) Do(...G.Value) (G.Value, error) {
	switch {
	case o.Dims > 0:
		return tensor.New(tensor.Of(o.dt), tensor.WithShape(o.Shape.Clone()...)), nil
	case o.dt == tensor.Float32:
		return G.NewF32(0), nil
	}
	return G.NewF64(0), nil
}

func (o zerosOp) UsePreallocDo(y G.Value, x ...G.Value) (G.Value, error) {
	if o.Dims == 0 {
		return o.Do(x...)
	}
	return y, nodes.OnFloats(o.Name, func(d [][]float64) { clear(d[0]) }, func(d [][]float32) { clear(d[0]) }, y)
}
