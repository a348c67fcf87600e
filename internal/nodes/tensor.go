package nodes

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Tensor returns a node for a constant tensor of like's type on like's graph; of like
// nothing else counts. It takes over values, whose number fits the shape.
//
// It is an op of our own, since Gorgonia merges constant tensors that print alike, and
// it prints the first elements only.
func Tensor(like *G.Node, values []float64, shape ...int) (*G.Node, error) {
	bits := make([]byte, 0, 8*len(values))
	for _, v := range values {
		bits = binary.LittleEndian.AppendUint64(bits, math.Float64bits(v))
	}
	dt := like.Dtype()
	value := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(Backing(values, dt)))
	name := fmt.Sprintf("Constant %v %v %x", dt, shape, sha256.Sum256(bits))
	return G.ApplyOp(ConstantOp{Base{Name: name, Dims: len(shape), Shape: value.Shape().Clone(), Fresh: true}, value, like.Dims()}, like)
}

// ConstantOp is a constant tensor. Package graph knows it.
type ConstantOp struct {
	Base
	value *tensor.Dense
	like  int // axes of the operand
}

var _ G.SDOp = ConstantOp{}

// Constant is the value, not to be changed.
func (o ConstantOp) Constant() *tensor.Dense { return o.value }

func (ConstantOp) Arity() int                                         { return 1 }
func (ConstantOp) DiffWRT(int) []bool                                 { return []bool{false} }
func (ConstantOp) SymDiff(G.Nodes, *G.Node, *G.Node) (G.Nodes, error) { return nil, nil }

// Type leaves the type of the elements open to that of the operand.
func (o ConstantOp) Type() hm.Type { return FunctionType(o.like, o.Dims) }

// Do returns a copy, which a machine may overwrite.
func (o ConstantOp) Do(...G.Value) (G.Value, error) { return o.value.Clone().(*tensor.Dense), nil }

// DoDiff adds nothing.
func (ConstantOp) DoDiff(G.ExecutionContext, G.Nodes, *G.Node) error { return nil }
