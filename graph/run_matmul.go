package graph

import (
	"slices"

	"github.com/neuralode/neuralode/internal/vec"
)

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

// panelBytes is the size a panel aims at, most of a first cache.
const panelBytes = 32 << 10

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
			rows *= max(1, panelBytes/sizeBytes[T](rows*mm.n))
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

func (mm *matmul[T]) run(m *frame[T]) {
	if mm.count == 1 && mm.panel == mm.m {
		mm.product(m, 0, mm.m, m.at(mm.a.ref), m.at(mm.b.ref), m.at(mm.dst))
		if mm.then != nil {
			mm.then.run(m)
		}
		return
	}
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
func (mm *matmul[T]) rows(m *frame[T], i, end int) {
	ai := i * mm.a.ld
	if mm.a.trans {
		ai = i
	}
	a, b, c := m.at(mm.a.ref), m.at(mm.b.ref), m.at(mm.dst)
	if mm.count == 1 {
		mm.product(m, i, end, a[ai:], b, c[i*mm.n:])
		return
	}
	for p := range mm.count {
		pa, pb, pc := a[p*mm.a.batch+ai:], b[p*mm.b.batch:], c[(p*mm.m+i)*mm.n:]
		mm.product(m, i, end, pa, pb, pc)
	}
}

// product computes rows i to end, which begin at a and c, of a product.
func (mm *matmul[T]) product(m *frame[T], i, end int, a, b, c []T) {
	if mm.biased {
		vec.GemmBias(mm.a.trans, mm.b.trans, end-i, mm.n, mm.k, a, mm.a.ld, b, mm.b.ld, m.at(mm.bias), c, mm.n)
		return
	}
	vec.Gemm(mm.a.trans, mm.b.trans, end-i, mm.n, mm.k, a, mm.a.ld, b, mm.b.ld, mm.add && !m.first, c, mm.n)
}
