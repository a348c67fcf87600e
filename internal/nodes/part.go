package nodes

import (
	"fmt"
	"iter"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// PartOp is elements Start … Start+Count−1 of an axis, which is kept. Unlike
// Gorgonia's slices, whose hash has the bounds modulo 256, parts are never
// confused.
type PartOp struct {
	Base
	Axis, Start, Count int
	whole              tensor.Shape
}

// EmbedOp, of x and g, is zeros in the shape of x with g, of Count elements of an axis,
// from Start on. It is the transpose of PartOp.
type EmbedOp struct {
	Base
	Axis, Start, Count int
}

var (
	_ G.SDOp            = PartOp{}
	_ G.ADOp            = PartOp{}
	_ G.UsePreallocDoer = PartOp{}
	_ G.SDOp            = EmbedOp{}
	_ G.UsePreallocDoer = EmbedOp{}
)

// Part returns elements start … end−1 of an axis of x, which keeps its axes; x itself if
// these are all.
func Part(x *G.Node, axis, start, end int) (*G.Node, error) {
	whole := x.Shape()
	if axis < 0 || axis >= len(whole) || start < 0 || end <= start || end > whole[axis] {
		return nil, fmt.Errorf("part %d:%d of axis %d of %q of shape %v; stay inside the shape", start, end, axis, x.Name(), whole)
	}
	if start == 0 && end == whole[axis] {
		return x, nil
	}
	shape := whole.Clone()
	shape[axis] = end - start
	return G.ApplyOp(PartOp{
		Base: Base{Name: fmt.Sprintf("Part(axis=%d, %d:%d of %v)", axis, start, end, whole), Dims: len(whole), Shape: shape},
		Axis: axis, Start: start, Count: end - start, whole: whole,
	}, x)
}

// Embed returns zeros in the shape of x with g from start of an axis on.
func Embed(x, g *G.Node, axis, start int) (*G.Node, error) {
	return G.ApplyOp(EmbedOp{
		Base: Base{Name: fmt.Sprintf("Embed(axis=%d, %d+%v)", axis, start, g.Shape()), Dims: x.Dims(), Shape: x.Shape()},
		Axis: axis, Start: start, Count: g.Shape()[axis],
	}, x, g)
}

func (PartOp) Arity() int         { return 1 }
func (o PartOp) Type() hm.Type    { return FunctionType(o.Dims, o.Dims) }
func (PartOp) DiffWRT(int) []bool { return []bool{true} }

// Do copies the part.
func (o PartOp) Do(x ...G.Value) (G.Value, error) { return o.UsePreallocDo(o.New(x[0]), x...) }

// SymDiff embeds the cotangent.
func (o PartOp) SymDiff(x G.Nodes, _, g *G.Node) (G.Nodes, error) {
	d, err := Embed(x[0], g, o.Axis, o.Start)
	return G.Nodes{d}, err
}

// UsePreallocDo is Do into y.
func (o PartOp) UsePreallocDo(y G.Value, x ...G.Value) (G.Value, error) {
	return y, OnFloats(o.Name, func(d [][]float64) { takePart(o, d[0], d[1]) },
		func(d [][]float32) { takePart(o, d[0], d[1]) }, y, x[0])
}

// DoDiff adds the gradient, as a LispMachine wants it.
func (o PartOp) DoDiff(_ G.ExecutionContext, in G.Nodes, out *G.Node) error {
	dy, err := out.Grad()
	if err != nil {
		return err
	}
	dx, err := in[0].Grad()
	if err != nil {
		return err
	}
	return OnFloats(o.Name, func(d [][]float64) { addPart(o, d[0], d[1]) },
		func(d [][]float32) { addPart(o, d[0], d[1]) }, dx, dy)
}

func (EmbedOp) Arity() int         { return 2 }
func (o EmbedOp) Type() hm.Type    { return FunctionType(o.Dims, o.Dims, o.Dims) }
func (EmbedOp) DiffWRT(int) []bool { return []bool{false, true} }

// Do embeds its second operand.
func (o EmbedOp) Do(x ...G.Value) (G.Value, error) { return o.UsePreallocDo(o.New(x[0]), x...) }

// SymDiff takes the part of the cotangent.
func (o EmbedOp) SymDiff(_ G.Nodes, _, g *G.Node) (G.Nodes, error) {
	d, err := Part(g, o.Axis, o.Start, o.Start+o.Count)
	return G.Nodes{nil, d}, err
}

// UsePreallocDo is Do into y.
func (o EmbedOp) UsePreallocDo(y G.Value, x ...G.Value) (G.Value, error) {
	return y, OnFloats(o.Name, func(d [][]float64) { embedPart(o, d[0], d[1]) },
		func(d [][]float32) { embedPart(o, d[0], d[1]) }, y, x[1])
}

func takePart[T float32 | float64](o PartOp, y, x []T) {
	at := 0
	for from, to := range runs(o.whole, o.Axis, o.Start, o.Count) {
		at += copy(y[at:], x[from:to])
	}
}

func addPart[T float32 | float64](o PartOp, dx, dy []T) {
	at := 0
	for from, to := range runs(o.whole, o.Axis, o.Start, o.Count) {
		for i := from; i < to; i++ {
			dx[i] += dy[at]
			at++
		}
	}
}

func embedPart[T float32 | float64](o EmbedOp, y, g []T) {
	clear(y)
	at := 0
	for from, to := range runs(o.Shape, o.Axis, o.Start, o.Count) {
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
