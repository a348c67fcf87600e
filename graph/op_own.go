package graph

import (
	"fmt"
	"hash"
	"hash/fnv"
	"slices"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Ops of our own for what Gorgonia's cannot express safely. Each prints all its
// parameters, which is its identity: Gorgonia merges ops of equal hash.

// ownOp is what they have in common: a name that tells all, and operands and
// result of dims axes.
type ownOp struct {
	name  string
	dims  int
	shape tensor.Shape // of the result; nil: that of the first operand
}

func (o ownOp) String() string        { return o.name }
func (o ownOp) WriteHash(h hash.Hash) { fmt.Fprintf(h, "neuralode %s %v", o.name, o.shape) }
func (o ownOp) ReturnsPtr() bool      { return true }
func (o ownOp) CallsExtern() bool     { return false }
func (o ownOp) OverwritesInput() int  { return -1 }

// typ is the type of an op whose operands have as many axes as the result.
func (o ownOp) typ(operands int) hm.Type {
	return hm.NewFnType(slices.Repeat([]hm.Type{typeOf(o.dims)}, operands+1)...)
}

func typeOf(dims int) hm.Type {
	if dims == 0 {
		return hm.TypeVariable('a')
	}
	return G.TensorType{Dims: dims, Of: hm.TypeVariable('a')}
}

func (o ownOp) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

func (o ownOp) InferShape(operands ...G.DimSizer) (tensor.Shape, error) {
	if o.shape != nil {
		return o.shape.Clone(), nil
	}
	s, ok := operands[0].(tensor.Shape)
	if !ok {
		return nil, fmt.Errorf("graph: op %s needs the shape of its operand", o.name)
	}
	return s.Clone(), nil
}

// new returns a tensor for the result.
func (o ownOp) new(like G.Value) *tensor.Dense {
	shape := o.shape
	if shape == nil {
		shape = like.Shape()
	}
	return tensor.New(tensor.Of(like.Dtype()), tensor.WithShape(shape.Clone()...))
}

// onFloats hands the elements of values to the function of their type.
func onFloats(name string, f64 func([][]float64), f32 func([][]float32), values ...G.Value) error {
	switch values[0].Data().(type) {
	case []float64:
		return onElements(name, f64, values)
	case []float32:
		return onElements(name, f32, values)
	}
	return fmt.Errorf("graph: op %s on %T", name, values[0].Data())
}

func onElements[T Float](name string, f func([][]T), values []G.Value) error {
	data := make([][]T, len(values))
	for i, v := range values {
		d, ok := v.Data().([]T)
		if !ok {
			return fmt.Errorf("graph: op %s on %T and %T", name, values[0].Data(), v.Data())
		}
		if t, ok := v.(*tensor.Dense); ok && t.RequiresIterator() {
			d = t.Materialize().Data().([]T)
		}
		data[i] = d
	}
	f(data)
	return nil
}
