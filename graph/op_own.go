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
	return made(G.ApplyOp(zerosOp{ownOp{"Zeros", x.Dims(), x.Shape()}, x.Dtype()}, x))
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
