package graph

import (
	"slices"

	"github.com/neuralode/neuralode/internal/vec"
)

// instruction is one unit, compiled. It is immutable; what changes is in the
// instance.
type instruction[T Float] interface{ run(m *Instance[T]) }

// ref is a place in an instance's memory.
type ref struct{ buffer, offset int }

// at returns the memory from r on.
func (m *Instance[T]) at(r ref) []T { return m.buffers[r.buffer][r.offset:] }

// matrix is an operand of a product.
type matrix struct {
	ref
	trans bool
	ld    int
	batch int // distance between two matrices
}

// matmul is a product, or several of the same form, followed by a chain on
// each panel of its result while that is in cache. The product starts from
// zeros, from what the destination holds, or from a row of biases.
type matmul[T Float] struct {
	count   int
	m, n, k int
	a, b    matrix
	dst     ref
	add     bool
	bias    ref
	biased  bool
	then    *chain[T]
	panel   int // rows
}

// panelElements is the size a panel aims at, half a first cache.
const panelElements = 2048

func newMatmul[T Float](u *unit, refs func(*value) ref) *matmul[T] {
	v := u.source
	if v == nil {
		v = u.root
	}
	x, y := v.args[0], v.args[1]
	d := len(v.shape)
	mm := &matmul[T]{
		count: sizeOf(v.shape[:d-2]),
		m:     v.shape[d-2], n: v.shape[d-1], k: x.shape[d-1],
		a: newMatrix(x, refs), b: newMatrix(y, refs),
		dst: refs(u.root), add: u.add,
	}
	mm.panel = mm.m
	if row, rest, ok := u.biasRow(mm.n); ok {
		mm.bias, mm.biased = refs(row.of), true
		mm.bias.offset += row.offset
		u = rest
	}
	if len(u.chain) > 0 {
		mm.then = newChain[T](u, refs)
		if mm.count == 1 {
			rows := lcm(mm.then.block, mm.n) / mm.n
			rows *= max(1, panelElements/(rows*mm.n))
			mm.panel = min(rows, mm.m)
		}
	}
	return mm
}

// biasRow recognises a chain that starts by adding the same row to all rows of
// length n of the product. It returns the row and the unit without that step,
// whose value counts as the product.
func (u *unit) biasRow(n int) (row view, rest *unit, ok bool) {
	if len(u.chain) == 0 {
		return view{}, nil, false
	}
	first := u.chain[0]
	if sum, isBinary := first.do.(binaryOp); !isBinary || sum.fn != fnAdd {
		return view{}, nil, false
	}
	for _, v := range u.chain[1:] {
		if slices.ContainsFunc(v.args, func(a view) bool { return a.of == u.source }) {
			return view{}, nil, false
		}
	}
	product, row := first.args[0], first.args[1]
	if product.of != u.source {
		product, row = row, product
	}
	if product.of != u.source || row.of == u.source {
		return view{}, nil, false
	}
	lens, strides := row.axes()
	switch {
	case tileLength(row) == n:
	case len(lens) == 1 && strides[0] == 1 && lens[0] == n && u.root.size() == n:
	default:
		return view{}, nil, false
	}
	return row, &unit{root: u.root, chain: u.chain[1:], source: first}, true
}

func lcm(a, b int) int {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
}

func newMatrix(v view, refs func(*value) ref) matrix {
	r := refs(v.of)
	r.offset += v.offset
	trans, ld, _ := v.matrix()
	x := matrix{ref: r, trans: trans, ld: ld}
	if len(v.shape) == 3 {
		x.batch = v.strides[0]
	}
	return x
}

func (mm *matmul[T]) run(m *Instance[T]) {
	if mm.then == nil {
		mm.rows(m, 0, mm.m)
		return
	}
	mm.then.begin(m)
	if mm.count > 1 {
		mm.rows(m, 0, mm.m)
		mm.then.span(m, 0, mm.then.size)
		return
	}
	for i := 0; i < mm.m; i += mm.panel {
		end := min(i+mm.panel, mm.m)
		mm.rows(m, i, end)
		mm.then.span(m, i*mm.n, end*mm.n)
	}
}

// rows computes rows i to end of every product.
func (mm *matmul[T]) rows(m *Instance[T], i, end int) {
	ai := i * mm.a.ld
	if mm.a.trans {
		ai = i
	}
	a, b, c := m.at(mm.a.ref), m.at(mm.b.ref), m.at(mm.dst)
	for p := range mm.count {
		if mm.biased {
			bias := m.at(mm.bias)[:mm.n]
			for r := i; r < end; r++ {
				copy(c[(p*mm.m+r)*mm.n:], bias)
			}
		}
		vec.Gemm(mm.a.trans, mm.b.trans, end-i, mm.n, mm.k,
			a[p*mm.a.batch+ai:], mm.a.ld, b[p*mm.b.batch:], mm.b.ld,
			mm.add || mm.biased, c[(p*mm.m+i)*mm.n:], mm.n)
	}
}

// reduction reduces the middle axis of (outer, n, inner).
type reduction[T Float] struct {
	outer, n, inner int
	x, dst          ref
	max, add        bool
}

func newReduction[T Float](u *unit, refs func(*value) ref) *reduction[T] {
	v := u.source
	if v == nil {
		v = u.root
	}
	x := v.args[0]
	r := &reduction[T]{
		outer: x.shape[0], n: x.shape[1], inner: x.shape[2],
		x: refs(x.of), dst: refs(u.root), max: v.do.(reduceOp).max, add: u.add,
	}
	r.x.offset += x.offset
	return r
}

func (r *reduction[T]) run(m *Instance[T]) {
	x, dst := m.at(r.x), m.at(r.dst)
	if r.inner > 1 {
		for i := range r.outer {
			to, from := dst[i*r.inner:(i+1)*r.inner], x[i*r.n*r.inner:]
			if r.max {
				vec.MaxRows(to, from, r.n)
			} else {
				vec.SumRows(to, from, r.n, r.add)
			}
		}
		return
	}
	for i := range r.outer {
		from := x[i*r.n : (i+1)*r.n]
		switch {
		case r.max:
			dst[i] = vec.Largest(from)
		case r.add:
			dst[i] += vec.Sum(from)
		default:
			dst[i] = vec.Sum(from)
		}
	}
}

// copying makes a strided view dense.
type copying[T Float] struct {
	size          int
	x, dst        ref
	lens, strides []int
}

func newCopying[T Float](u *unit, refs func(*value) ref) *copying[T] {
	x := u.root.args[0]
	c := &copying[T]{size: x.size(), x: refs(x.of), dst: refs(u.root)}
	c.x.offset += x.offset
	c.lens, c.strides = x.axes()
	return c
}

func (c *copying[T]) run(m *Instance[T]) {
	vec.Gather(m.at(c.dst)[:c.size], m.at(c.x), c.lens, c.strides, 0)
}

// joining writes its operands into parts of the result, and zeros into the
// rest if there is one.
type joining[T Float] struct {
	size  int
	dst   ref
	zero  bool
	parts []part_
}

// part_ is a dense operand of joining and the place of its elements.
type part_ struct {
	size          int
	x             ref
	offset        int
	lens, strides []int
}

func newJoining[T Float](u *unit, refs func(*value) ref) *joining[T] {
	v := u.root
	j := &joining[T]{size: v.size(), dst: refs(v)}
	whole := v.all()
	at := 0
	for _, x := range v.args {
		to := whole
		switch do := v.do.(type) {
		case concatOp:
			to = whole.slice(sliceOp{axis: do.axis, start: at, step: 1, count: x.shape[do.axis]})
			at += x.shape[do.axis]
		case placeOp:
			to = view{v, do.offset, x.shape, do.strides}
			j.zero = true
		}
		p := part_{size: x.size(), x: refs(x.of), offset: to.offset}
		p.x.offset += x.offset
		p.lens, p.strides = to.axes()
		j.parts = append(j.parts, p)
	}
	return j
}

func (j *joining[T]) run(m *Instance[T]) {
	dst := m.at(j.dst)[:j.size]
	if j.zero {
		clear(dst)
	}
	for i := range j.parts {
		p := &j.parts[i]
		vec.Scatter(dst[p.offset:], m.at(p.x)[:p.size], p.lens, p.strides)
	}
}

// image is one of the ops on moving windows.
type image[T Float] struct {
	do        op
	win       vec.Window
	in, out   []int // shapes of the image and of the result of the window
	x, g, dst ref
	xs, gs    int // sizes
	size      int
}

func newImage[T Float](u *unit, refs func(*value) ref) *image[T] {
	v := u.root
	im := &image[T]{do: v.do, in: v.args[0].shape, out: v.shape, dst: refs(v), size: v.size()}
	operand := func(i int) (ref, int) {
		a := v.args[i]
		r := refs(a.of)
		r.offset += a.offset
		return r, a.size()
	}
	im.x, im.xs = operand(0)
	var w window
	switch do := v.do.(type) {
	case im2colOp:
		w = do.window
	case col2imOp:
		w, im.in, im.out = do.window, v.shape, v.args[0].shape
	case maxPoolOp:
		w = do.window
	case maxPoolGradOp:
		w, im.out = do.window, v.args[1].shape
		im.g, im.gs = operand(1)
	case averagePoolOp:
		w = do.window
	case averagePoolGradOp:
		w, im.in, im.out = do.window, v.shape, v.args[0].shape
	}
	im.win = vec.Window{
		H: w.h, W: w.w, PadH: w.padH, PadW: w.padW, StrideH: w.strideH, StrideW: w.strideW,
		DilationH: w.dilationH, DilationW: w.dilationW,
	}
	return im
}

func (im *image[T]) run(m *Instance[T]) {
	dst, x := m.at(im.dst)[:im.size], m.at(im.x)[:im.xs]
	n, c, h, w := im.in[0], im.in[1], im.in[2], im.in[3]
	switch im.do.(type) {
	case im2colOp:
		vec.Im2Col(dst, x, im.win, n, c, h, w, im.out[1], im.out[2])
	case col2imOp:
		vec.Col2Im(dst, x, im.win, n, c, h, w, im.out[1], im.out[2])
	case maxPoolOp:
		vec.MaxPool(dst, x, im.win, n*c, h, w, im.out[2], im.out[3])
	case maxPoolGradOp:
		vec.MaxPoolGrad(dst, x, m.at(im.g)[:im.gs], im.win, n*c, h, w, im.out[2], im.out[3])
	case averagePoolOp:
		vec.AveragePool(dst, x, im.win, n*c, h, w, im.out[2], im.out[3])
	case averagePoolGradOp:
		vec.AveragePoolGrad(dst, x, im.win, n*c, h, w, im.out[2], im.out[3])
	}
}
