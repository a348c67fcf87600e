package nodes

import (
	"fmt"
	"hash"
	"hash/fnv"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Base is what ops of our own have in common. Gorgonia merges ops of equal hash, so Name
// must tell every parameter of the op; the shape of the result is hashed with it.
type Base struct {
	Name  string
	Dims  int          // axes of the result
	Shape tensor.Shape // of the result; nil: that of the first operand
	Fresh bool         // Do returns new memory that nobody else holds
}

func (o Base) String() string        { return o.Name }
func (o Base) WriteHash(h hash.Hash) { fmt.Fprintf(h, "neuralode %s %v", o.Name, o.Shape) }
func (o Base) ReturnsPtr() bool      { return !o.Fresh }
func (o Base) CallsExtern() bool     { return false }
func (o Base) OverwritesInput() int  { return -1 }

// Hashcode is the 32-bit FNV hash of what WriteHash writes.
func (o Base) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// InferShape returns Shape, or the shape of the first operand.
func (o Base) InferShape(operands ...G.DimSizer) (tensor.Shape, error) {
	if o.Shape != nil {
		return o.Shape.Clone(), nil
	}
	s, ok := operands[0].(tensor.Shape)
	if !ok {
		return nil, fmt.Errorf("op %s needs the shape of its operand", o.Name)
	}
	return s.Clone(), nil
}

// New returns a tensor for the result, of the element type of like.
func (o Base) New(like G.Value) *tensor.Dense {
	shape := o.Shape
	if shape == nil {
		shape = like.Shape()
	}
	return tensor.New(tensor.Of(like.Dtype()), tensor.WithShape(shape.Clone()...))
}

// FunctionType is the type of an op whose operands and result have these numbers of
// axes, the result's last, and one type of element.
func FunctionType(dims ...int) hm.Type {
	types := make([]hm.Type, len(dims))
	for i, d := range dims {
		types[i] = hm.TypeVariable('a')
		if d > 0 {
			types[i] = G.TensorType{Dims: d, Of: hm.TypeVariable('a')}
		}
	}
	return hm.NewFnType(types...)
}
