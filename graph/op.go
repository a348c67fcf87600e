package graph

import (
	"errors"
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// errDecode reports that Gorgonia's private ops are not what this file expects.
var errDecode = errors.New("graph: Gorgonia's ops are not those of v0.9.18; pin gorgonia.org/gorgonia to v0.9.18")

const gorgoniaPath = "gorgonia.org/gorgonia"

// decode tells what n computes; nil means that n is a variable. The error is
// errDecode, wrapped.
func decode(n *G.Node) (op, error) {
	if n.Op() == nil {
		return nil, nil
	}
	if own, ok := n.Op().(interface{ decode() op }); ok {
		return own.decode(), nil
	}
	switch o := n.Op().(type) {
	case nodes.ConstantOp:
		return constantOp{o.Constant()}, nil
	case nodes.EmbedOp:
		return sliceGradOp{sliceOp{axis: o.Axis, start: o.Start, step: 1, count: o.Count}}, nil
	case nodes.PartOp:
		return sliceOp{axis: o.Axis, start: o.Start, step: 1, count: o.Count}, nil
	case nodes.ReshapeOp:
		return reshapeOp{}, nil
	case nodes.NormalCDFOp:
		return unaryOp{fnNormalCDF}, nil
	}
	r := newReader(n.Op())
	if r.pkg != gorgoniaPath {
		if p, ok := n.Op().(interface{ PieceOf() (start int) }); ok {
			return pieceOp{p.PieceOf()}, nil
		}
		return foreignOp{n.Op()}, nil
	}
	if c, ok := n.Op().(interface{ Value() G.Value }); ok {
		return constantOp{c.Value()}, nil
	}
	o := r.op(n, childrenOf(n))
	if r.err != nil {
		return nil, fmt.Errorf("%w: %v of node %q: %v", errDecode, r.name, n.Name(), r.err)
	}
	return o, nil
}

// sharesMemory reports whether the value of n is a view of its operand's memory:
// Gorgonia's reshape.
func sharesMemory(n *G.Node) bool {
	if n.Op() == nil {
		return false
	}
	r := newReader(n.Op())
	return r.pkg == gorgoniaPath && r.name == "reshapeOp"
}

// statementKind is what a statement does.
type statementKind uint8

const (
	noStatement statementKind = iota
	readStatement
	setStatement
)

// statement tells what n does if it is a statement.
func statement(n *G.Node) statementKind {
	if n.Op() == nil {
		return noStatement
	}
	if r := newReader(n.Op()); r.pkg == gorgoniaPath {
		switch r.name {
		case "readOp":
			return readStatement
		case "letOp":
			return setStatement
		}
	}
	return noStatement
}

// readInto is where a read statement stores its operand's value.
func readInto(n *G.Node) *G.Value { return newReader(n.Op()).valuePointer("into") }

// op decodes one of Gorgonia's own ops.
func (r *reader) op(n *G.Node, children G.Nodes) op {
	switch r.name {
	case "elemUnaryOp":
		return unaryOp{unaryFn(r.index(unaryNames[:], n.Op().String()))}
	case "elemBinOp":
		code := r.field("ʘBinaryOperator").Elem().FieldByName("ʘBinaryOperatorType")
		if !code.IsValid() || code.Uint() > uint64(fnNe) {
			r.fail("ʘBinaryOperatorType")
			return nil
		}
		return binaryOp{binaryFn(code.Uint())}
	case "minBetween":
		return binaryOp{fnMin}
	case "maxBetween":
		return binaryOp{fnMax}
	case "linAlgBinOp":
		return productOp{productKind(r.int("āBinaryOperator")), r.bool("transA"), r.bool("transB")}
	case "tensordotOp":
		return tensordotOp{r.ints("aAxes"), r.ints("bAxes")}
	case "sumOp":
		return sumOp{r.ints("along")}
	case "maxOp":
		return maxOp{r.ints("along")}
	case "sizeOp":
		return r.size(children[0])
	case "repeatOp":
		return r.repeat(n, children[0])
	case "reshapeOp":
		return reshapeOp{}
	case "transposeOp":
		return transposeOp{r.ints("pattern")}
	case "sliceOp":
		return r.slice(n.Op(), children[0].Shape(), n.Shape())
	case "sliceIncrOp":
		return sliceGradOp{r.slice(n.Op(), children[0].Shape(), children[1].Shape())}
	case "atOp":
		return atOp{r.ints("coordinates")}
	case "concatOp":
		return concatOp{r.int("axis")}
	case "softmaxOp":
		return r.softmax(n)
	case "softmaxDiffOp":
		return softmaxGradOp{r.softmax(n)}
	case "im2colOp":
		return im2colOp{r.patch()}
	case "col2imOp":
		return col2imOp{r.patch()}
	case "maxPoolOp":
		return maxPoolOp{r.pool()}
	case "maxPoolDiffOp":
		return maxPoolGradOp{r.pool()}
	case "avgPoolOp":
		return averagePoolOp{r.pool()}
	case "avgPoolDiffOp":
		return averagePoolGradOp{r.pool()}
	case "globalAveragePoolOp":
		return globalAveragePoolOp{}
	case "upsampleOp":
		return upsampleOp{r.int("stride") + 1}
	case "upsampleDiffOp":
		return upsampleGradOp{r.int("stride") + 1}
	case "GroupNormOp":
		return groupNormOp{r.int("numGroups"), r.float("epsilon")}
	case "groupNormDiffOp":
		return groupNormGradOp{groupNormOp{r.int("numGroups"), r.float("epsilon")}}
	case "BatchNormOp", "batchnormDiffOp":
		return batchNormOp{r.bool("training"), r.float("epsilon")}
	case "dropoutOp":
		return dropoutOp{r.float("probability"), r.bool("isTraining")}
	case "Iop":
		return identityOp{}
	case "dtConvOp":
		return convertOp{children[0].Dtype(), n.Dtype()}
	case "randomOp":
		return randomOp{}
	case "readOp", "letOp", "devTrans":
		return statementOp{}
	}
	return foreignOp{n.Op()}
}

func (r *reader) size(child *G.Node) op {
	shape, axis := child.Shape(), r.int("axis")
	if len(shape) == 0 {
		return sizeOp{1}
	}
	if axis >= len(shape) {
		r.fail("axis")
		return nil
	}
	return sizeOp{shape[axis]}
}

func (r *reader) repeat(n, child *G.Node) op {
	axis, in, out := r.int("along"), child.Shape(), n.Shape()
	if axis >= len(out) {
		r.fail("along")
		return nil
	}
	if axis < len(in) {
		return repeatOp{axis, out[axis] / in[axis]}
	}
	return repeatOp{axis, out[axis]}
}

// slice decodes a slice of a tensor of shape whole that gives one of shape part.
func (r *reader) slice(o G.Op, whole, part tensor.Shape) sliceOp {
	axis := r.int("along")
	sl, ok := o.(interface{ IsSlice() tensor.Slice })
	if !ok || axis >= len(whole) {
		r.fail("slice")
		return sliceOp{}
	}
	s := sliceOp{axis: axis, step: 1, count: whole[axis], drop: len(part) < len(whole)}
	if b := sl.IsSlice(); b != nil && b.End() > b.Start() {
		s.start, s.step = b.Start(), max(b.Step(), 1)
	}
	if s.drop {
		s.count = 1
	} else {
		s.count = part[axis]
	}
	if s.start+(s.count-1)*s.step >= whole[axis] {
		r.fail("slice bounds")
	}
	return s
}

// softmax resolves Gorgonia's default axis: the last one, but the first of a
// column.
func (r *reader) softmax(n *G.Node) softmaxOp {
	s := softmaxOp{r.int("axis"), r.bool("isLog")}
	if s.axis < 0 {
		shape := n.Shape()
		s.axis = len(shape) - 1
		if shape.IsColVec() {
			s.axis = 0
		}
	}
	return s
}

func (r *reader) patch() window {
	return window{
		h: r.int("h"), w: r.int("w"),
		padH: r.int("padH"), padW: r.int("padW"),
		strideH: r.int("strideH"), strideW: r.int("strideW"),
		dilationH: r.int("dilationH"), dilationW: r.int("dilationW"),
	}
}

// pool decodes a pooling window. Gorgonia shifts the window by padSouth and
// padEast when the four paddings are explicit, by padNorth and padWest when
// they are not.
func (r *reader) pool() window {
	win := window{
		h: r.int("h"), w: r.int("w"),
		padH: r.int("padNorth"), padW: r.int("padWest"),
		strideH: r.int("strideH"), strideW: r.int("strideW"),
		dilationH: 1, dilationW: 1,
	}
	if r.bool("explicitPadding") {
		win.padH, win.padW = r.int("padSouth"), r.int("padEast")
	}
	return win
}
