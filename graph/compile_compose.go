package graph

import (
	"slices"

	G "gorgonia.org/gorgonia"
)

// spread repeats a scalar operand of an elementwise op.
func spread(x view, shape []int) view {
	if x.size() == 1 && len(x.shape) < len(shape) {
		return view{of: x.of, offset: x.offset, shape: nil, strides: nil}.broadcast(shape)
	}
	return x
}

func (l *lowering) product(o productOp, x, y view, shape []int) view {
	column := func(v view) view { w, _ := v.reshape([]int{v.size(), 1}); return w }
	if o.kind == matMat || o.kind == matVec || o.kind == batchedMatMat {
		x, y = transposed2(x, o.transA), transposed2(y, o.transB && o.kind != matVec)
	}
	switch o.kind {
	case matVec:
		return l.reshape(l.matmul(x, column(y)), shape)
	case vecDot:
		return l.reshape(l.matmul(transposed2(column(x), true), column(y)), shape)
	case outer:
		rows := column(l.dense(x)).broadcast(shape)
		cols := transposed2(column(l.dense(y)), true).broadcast(shape)
		return l.binary(fnMul, rows, cols)
	case batchedMatMat:
		n := len(shape)
		three := func(v view) view {
			return l.reshape(v, []int{sizeOf(v.shape[:n-2]), v.shape[n-2], v.shape[n-1]})
		}
		return l.reshape(l.matmul(three(x), three(y)), shape)
	}
	if v, ok := l.convolvedFilters(x, y); ok {
		return v
	}
	return l.matmul(x, y)
}

// transposed2 swaps the last two axes if on is set.
func transposed2(v view, on bool) view {
	if !on {
		return v
	}
	perm := make([]int, len(v.shape))
	for i := range perm {
		perm[i] = i
	}
	n := len(perm)
	perm[n-2], perm[n-1] = n-1, n-2
	return v.permute(perm)
}

func (l *lowering) tensordot(o tensordotOp, x, y view, shape []int) view {
	freeX, freeY := others(len(x.shape), o.aAxes), others(len(y.shape), o.bAxes)
	x = x.permute(append(slices.Clone(freeX), o.aAxes...))
	y = y.permute(append(slices.Clone(o.bAxes), freeY...))
	inner := sizeOf(x.shape[len(freeX):])
	x = l.reshape(x, []int{sizeOf(x.shape[:len(freeX)]), inner})
	y = l.reshape(y, []int{inner, sizeOf(y.shape[len(o.bAxes):])})
	return l.reshape(l.matmul(x, y), shape)
}

// repeat repeats the elements of an axis in a row: (…, n, …) is seen as
// (…, n, 1, …), repeated to (…, n, count, …).
func (l *lowering) repeat(o repeatOp, x view, shape []int) view {
	for len(x.shape) < len(shape) {
		x = view{of: x.of, offset: x.offset, shape: append(slices.Clone(x.shape), 1), strides: append(slices.Clone(x.strides), 0)}
	}
	if x.shape[o.axis] == 1 {
		return x.broadcast(shape)
	}
	w := view{
		x.of, x.offset,
		slices.Insert(slices.Clone(x.shape), o.axis+1, o.count),
		slices.Insert(slices.Clone(x.strides), o.axis+1, 0),
	}
	return l.reshape(w, shape)
}

// place puts x where the slice s of zeros of the given shape is.
func (l *lowering) place(s sliceOp, x view, shape []int) view {
	at := view{shape: shape, strides: rowMajor(shape)}.slice(s)
	return l.join(shape, []joinPart{{offset: at.offset, strides: at.strides}}, x)
}

func at(x view, coords []int) view {
	w := view{of: x.of, offset: x.offset}
	for i, c := range coords {
		w.offset += c * x.strides[i]
	}
	return w
}

// upsampled repeats every pixel as (B, C, H, scale, W, scale).
func upsampled(x view, scale int) view {
	s, t := x.shape, x.strides
	return view{
		of: x.of, offset: x.offset,
		shape:   []int{s[0], s[1], s[2], scale, s[3], scale},
		strides: []int{t[0], t[1], t[2], 0, t[3], 0},
	}
}

// over reduces an axis and repeats the result along it.
func (l *lowering) over(largest bool, x view, axis int) view {
	r := l.reduce(largest, x, []int{axis})
	wide := view{
		of: r.of, offset: r.offset,
		shape:   slices.Insert(slices.Clone(r.shape), axis, 1),
		strides: slices.Insert(slices.Clone(r.strides), axis, 0),
	}
	return wide.broadcast(x.shape)
}

func (l *lowering) softmax(o softmaxOp, x view) view {
	shifted := l.binary(fnSub, x, l.over(true, x, o.axis))
	e := l.unary(fnExp, shifted)
	sum := l.over(false, e, o.axis)
	if o.log {
		return l.binary(fnSub, shifted, l.unary(fnLog, sum))
	}
	return l.binary(fnDiv, e, sum)
}

func (l *lowering) softmaxGrad(o softmaxGradOp, y, g view) view {
	if o.log {
		return l.binary(fnSub, g, l.binary(fnMul, l.unary(fnExp, y), l.over(false, g, o.axis)))
	}
	return l.binary(fnMul, y, l.binary(fnSub, g, l.over(false, l.binary(fnMul, g, y), o.axis)))
}

// groupNorm returns the normalised groups as rows, and 1/deviation repeated
// along them.
func (l *lowering) groupNorm(o groupNormOp, x view) (y, rstd view) {
	rows := x.shape[0] * o.groups
	x = l.reshape(x, []int{rows, x.size() / rows})
	c := l.binary(fnSub, x, l.mean(x))
	variance := l.mean(l.unary(fnSquare, c))
	rstd = l.unary(fnInvSqrt, l.binary(fnAdd, variance, l.number(o.epsilon, x.shape)))
	return l.binary(fnMul, c, rstd), rstd
}

// mean is the mean over axis 1, repeated along it.
func (l *lowering) mean(x view) view {
	return l.binary(fnMul, l.over(false, x, 1), l.number(1/float64(x.shape[1]), x.shape))
}

func (l *lowering) groupNormGrad(o groupNormOp, x, g view) view {
	y, rstd := l.groupNorm(o, x)
	g = l.reshape(g, y.shape)
	d := l.binary(fnSub, g, l.mean(g))
	d = l.binary(fnSub, d, l.binary(fnMul, y, l.mean(l.binary(fnMul, g, y))))
	return l.binary(fnMul, rstd, d)
}

// foreign is an op that runs by its own Do.
func (l *lowering) foreign(n *G.Node, x []view) view {
	for i := range x {
		x[i] = l.dense(x[i])
	}
	return l.add(foreignOp{n.Op()}, ints(n.Shape()), x...)
}
