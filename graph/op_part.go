package graph

import (
	"fmt"
	"iter"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

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

// Part returns elements start … end-1 of an axis of x, which keeps its axes. It
// does what gorgonia.Slice does, but two parts are never confused: Gorgonia takes
// slices of one node for equal when their bounds are equal modulo 256, as those
// of the halves of a state of 512. Errors: ErrShape if the bounds are not inside.
func Part(x *G.Node, axis, start, end int) (y *G.Node, err error) {
	if s := x.Shape(); axis < 0 || axis >= len(s) || start < 0 || end <= start || end > s[axis] {
		return nil, fmt.Errorf("graph: part %d:%d of axis %d of %q of shape %v: %w; stay inside the shape",
			start, end, axis, x.Name(), s, ErrShape)
	}
	defer recoverInto(&err)
	return part(x, axis, start, end), nil
}

func part(x *G.Node, axis, start, end int) *G.Node {
	whole := x.Shape()
	shape := whole.Clone()
	shape[axis] = end - start
	if start == 0 && end == whole[axis] {
		return x
	}
	return must(G.ApplyOp(partOp{
		ownOp: ownOp{fmt.Sprintf("Part(axis=%d, %d:%d of %v)", axis, start, end, whole), len(whole), shape},
		axis:  axis, start: start, whole: whole,
	}, x))
}

func embed(x, g *G.Node, axis, start int) *G.Node {
	return must(G.ApplyOp(embedOp{
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
	return y, onFloats(o.name, func(d [][]float64) { takePart(o, d[0], d[1]) },
		func(d [][]float32) { takePart(o, d[0], d[1]) }, y, x[0])
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
	return y, onFloats(o.name, func(d [][]float64) { embedPart(o, d[0], d[1]) },
		func(d [][]float32) { embedPart(o, d[0], d[1]) }, y, x[1])
}

func takePart[T Float](o partOp, y, x []T) {
	at := 0
	for from, to := range runs(o.whole, o.axis, o.start, o.shape[o.axis]) {
		at += copy(y[at:], x[from:to])
	}
}

func embedPart[T Float](o embedOp, y, g []T) {
	clear(y)
	at := 0
	for from, to := range runs(o.shape, o.axis, o.start, o.part[o.axis]) {
		at += copy(y[from:to], g[at:])
	}
}

// runs yields the bounds of the contiguous pieces of a tensor of shape whole
// that its part of count elements of axis from start on consists of.
func runs(whole tensor.Shape, axis, start, count int) iter.Seq2[int, int] {
	after := whole[axis+1:].TotalSize()
	return func(yield func(int, int) bool) {
		for from := start * after; from < whole.TotalSize(); from += whole[axis] * after {
			if !yield(from, from+count*after) {
				return
			}
		}
	}
}
