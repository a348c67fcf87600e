package graph

import (
	"fmt"
	"hash"
	"hash/fnv"
	"math"
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

// partOp is elements start … end-1 of an axis, which is kept. Unlike
// Gorgonia's slices, whose hash has the bounds modulo 256, parts are never
// confused.
type partOp struct {
	ownOp
	axis, start int
	whole       tensor.Shape
}

// embedOp, of x and g, is zeros in the shape of x with g from start of an axis
// on. It is the transpose of partOp.
type embedOp struct {
	ownOp
	axis, start int
	part        tensor.Shape
}

func part(x *G.Node, axis, start, end int) *G.Node {
	whole := x.Shape()
	shape := whole.Clone()
	shape[axis] = end - start
	if start == 0 && end == whole[axis] {
		return x
	}
	return made(G.ApplyOp(partOp{
		ownOp: ownOp{fmt.Sprintf("Part(axis=%d, %d:%d of %v)", axis, start, end, whole), len(whole), shape},
		axis:  axis, start: start, whole: whole,
	}, x))
}

func embed(x, g *G.Node, axis, start int) *G.Node {
	return made(G.ApplyOp(embedOp{
		ownOp: ownOp{fmt.Sprintf("Embed(axis=%d, %d+%v)", axis, start, g.Shape()), x.Dims(), x.Shape()},
		axis:  axis, start: start, part: g.Shape(),
	}, x, g))
}

func (partOp) Arity() int         { return 1 }
func (o partOp) Type() hm.Type    { return o.typ(1) }
func (partOp) DiffWRT(int) []bool { return []bool{true} }
func (o partOp) decode() op {
	return sliceOp{axis: o.axis, start: o.start, step: 1, count: o.shape[o.axis]}
}
func (o partOp) Do(x ...G.Value) (G.Value, error) { return o.UsePreallocDo(o.new(x[0]), x...) }

func (o partOp) SymDiff(x G.Nodes, y, g *G.Node) (ds G.Nodes, err error) {
	defer recoverInto(&err)
	return G.Nodes{embed(x[0], g, o.axis, o.start)}, nil
}

func (o partOp) UsePreallocDo(y G.Value, x ...G.Value) (G.Value, error) {
	return y, onFloats(o.name, func(d [][]float64) { copyParts(d[0], d[1], o.whole, o.axis, o.start, o.shape[o.axis], false) },
		func(d [][]float32) { copyParts(d[0], d[1], o.whole, o.axis, o.start, o.shape[o.axis], false) }, y, x[0])
}

func (embedOp) Arity() int         { return 2 }
func (o embedOp) Type() hm.Type    { return o.typ(2) }
func (embedOp) DiffWRT(int) []bool { return []bool{false, true} }
func (o embedOp) decode() op {
	return sliceGradOp{sliceOp{axis: o.axis, start: o.start, step: 1, count: o.part[o.axis]}}
}
func (o embedOp) Do(x ...G.Value) (G.Value, error) { return o.UsePreallocDo(o.new(x[0]), x...) }

func (o embedOp) SymDiff(x G.Nodes, y, g *G.Node) (ds G.Nodes, err error) {
	defer recoverInto(&err)
	return G.Nodes{nil, part(g, o.axis, o.start, o.start+o.part[o.axis])}, nil
}

func (o embedOp) UsePreallocDo(y G.Value, x ...G.Value) (G.Value, error) {
	return y, onFloats(o.name, func(d [][]float64) {
		clear(d[0])
		copyParts(d[1], d[0], o.shape, o.axis, o.start, o.part[o.axis], true)
	},
		func(d [][]float32) {
			clear(d[0])
			copyParts(d[1], d[0], o.shape, o.axis, o.start, o.part[o.axis], true)
		}, y, x[1])
}

// copyParts copies between the tensor whole of the given shape and its part
// from start on, of count elements along axis; into the whole if back is set.
func copyParts[T Float](part, whole []T, shape tensor.Shape, axis, start, count int, back bool) {
	after := shape[axis+1:].TotalSize()
	step, n := shape[axis]*after, count*after
	for from := start * after; from < len(whole); from += step {
		if back {
			copy(whole[from:from+n], part)
		} else {
			copy(part, whole[from:from+n])
		}
		part = part[n:]
	}
}

// shapeOp is a reshape that copies, also from and to scalars.
type shapeOp struct {
	ownOp
	from int // axes of the operand
	dt   tensor.Dtype
}

func (shapeOp) Arity() int         { return 1 }
func (o shapeOp) Type() hm.Type    { return hm.NewFnType(typeOf(o.from), typeOf(o.dims)) }
func (shapeOp) DiffWRT(int) []bool { return []bool{true} }
func (shapeOp) decode() op         { return reshapeOp{} }
func (o shapeOp) Do(x ...G.Value) (G.Value, error) {
	if o.dims > 0 {
		return o.UsePreallocDo(o.new(x[0]), x...)
	}
	y := tensor.New(tensor.Of(o.dt), tensor.WithShape(1))
	if _, err := o.UsePreallocDo(y, x...); err != nil {
		return nil, err
	}
	if o.dt == tensor.Float32 {
		return G.NewF32(y.Float32s()[0]), nil
	}
	return G.NewF64(y.Float64s()[0]), nil
}

func (o shapeOp) SymDiff(x G.Nodes, y, g *G.Node) (ds G.Nodes, err error) {
	defer recoverInto(&err)
	return G.Nodes{reshaped(g, x[0].Shape())}, nil
}

func (o shapeOp) UsePreallocDo(y G.Value, x ...G.Value) (G.Value, error) {
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

// deviationOp is 1/√(variance + ε) for each channel of a batch norm in
// evaluation mode, read when it runs, as the batch norm itself does.
type deviationOp struct {
	ownOp
	norm    *G.BatchNormOp
	epsilon float64
}

func inverseDeviation(x *G.Node, norm *G.BatchNormOp, epsilon float64) *G.Node {
	return made(G.ApplyOp(deviationOp{
		ownOp:   ownOp{fmt.Sprintf("Deviation(%p, %v)", norm, epsilon), x.Dims(), tensor.Shape{x.Shape()[1]}},
		norm:    norm,
		epsilon: epsilon,
	}, x))
}

func (deviationOp) Arity() int { return 1 }
func (o deviationOp) Type() hm.Type {
	a := hm.TypeVariable('a')
	return hm.NewFnType(G.TensorType{Dims: o.dims, Of: a}, G.TensorType{Dims: 1, Of: a})
}
func (deviationOp) DiffWRT(int) []bool                                 { return []bool{false} }
func (deviationOp) SymDiff(G.Nodes, *G.Node, *G.Node) (G.Nodes, error) { return nil, nil }
func (o deviationOp) Do(x ...G.Value) (G.Value, error)                 { return o.UsePreallocDo(o.new(x[0]), x...) }

func (o deviationOp) UsePreallocDo(y G.Value, _ ...G.Value) (G.Value, error) {
	_, variance := o.norm.Stats()
	return y, onFloats(o.name, func(d [][]float64) { inverseRoots(d[0], d[1], o.epsilon) },
		func(d [][]float32) { inverseRoots(d[0], d[1], o.epsilon) }, y, variance.(*tensor.Dense))
}

func inverseRoots[T Float](y, variance []T, epsilon float64) {
	for i, v := range variance {
		y[i] = T(1 / math.Sqrt(float64(v)+epsilon))
	}
}
