package graph

import "slices"

// rowKind says how a value depends on the batch axis of the inputs.
type rowKind uint8

const (
	shared   rowKind = iota // not at all
	perRow                  // each row of it on the same row of the inputs alone
	overRows                // it is a sum over all rows
	after                   // it is computed from sums over all rows
)

// rows knows how the values of a program depend on the batch axis. The batch axis
// of a value or of a view may be merged with axes behind it: its length is then a
// multiple of the batch.
type rows struct {
	batch int
	order []*value // operands first
	kind  map[*value]rowKind
	axis  map[*value]int   // the batch axis of values that are perRow
	along map[*value][]int // the batch axes of the operands of perRow and overRows values; -1: none
}

// newRows classifies the values below targets. It fails if there is a value that
// needs several rows of another at a time and is not a plain sum, as in batch norm,
// or that has its rows elsewhere than one after the other.
func newRows(batch int, inputs []bool, targets []target) (r *rows, ok bool) {
	r = &rows{batch: batch, kind: make(map[*value]rowKind), axis: make(map[*value]int), along: make(map[*value][]int)}
	roots := make([]*value, len(targets))
	for i, t := range targets {
		roots[i] = t.view.of
	}
	r.order, _ = usesOf(roots)
	for _, v := range r.order {
		if in, isInput := v.do.(inputOp); isInput {
			if inputs[in.index] {
				r.kind[v] = perRow
			}
			continue
		}
		if !r.classify(v) {
			return nil, false
		}
	}
	return r, true
}

// classify fills in what is known of v from its operands.
func (r *rows) classify(v *value) bool {
	var some [after + 1]bool
	for _, a := range v.args {
		some[r.kind[a.of]] = true
	}
	switch {
	case some[perRow] && (some[overRows] || some[after]):
		return false
	case some[overRows] || some[after]:
		r.kind[v] = after
		return true
	case !some[perRow]:
		return true
	}
	axis := firstLong(v.shape)
	same := slices.Repeat([]int{axis}, len(v.args))
	switch do := v.do.(type) {
	case unaryOp, binaryOp, gradOp, copyOp:
		return axis >= 0 && r.put(v, axis, same)
	case matmulOp:
		return r.product(v)
	case reduceOp:
		switch x := v.args[0]; {
		case r.hasRows(x, 0):
			return r.put(v, 0, []int{0})
		case !do.max && x.shape[0] == 1 && r.hasRows(x, 1):
			r.kind[v], r.along[v] = overRows, []int{1}
			return true
		}
	case joinOp:
		return axis >= 0 && r.join(v, do, axis)
	case convOp:
		return axis == 0 && r.kind[v.args[1].of] == shared && r.put(v, 0, []int{0, -1})
	case convFiltersOp:
		if r.hasRows(v.args[0], 0) && r.hasRows(v.args[1], 0) {
			r.kind[v], r.along[v] = overRows, []int{0, 0}
			return true
		}
	case factorOp, solveOp, logDetOp:
		return axis == 0 && r.put(v, 0, same)
	case im2colOp, col2imOp, maxPoolOp, maxPoolGradOp, averagePoolOp, averagePoolGradOp:
		return axis == 0 && r.put(v, 0, same)
	}
	return false
}

// product classifies a matrix product: rows by a shared matrix, pairs of matrices
// in rows, or a sum over rows.
func (r *rows) product(v *value) bool {
	x, y := v.args[0], v.args[1]
	if len(v.shape) == 3 {
		return r.put(v, 0, []int{0, 0})
	}
	switch {
	case r.hasRows(x, 0) && r.kind[y.of] == shared:
		return r.put(v, 0, []int{0, -1})
	case r.hasRows(x, 1) && r.hasRows(y, 0):
		r.kind[v], r.along[v] = overRows, []int{1, 0}
		return true
	}
	return false
}

// join classifies a value whose parts have their rows where its own are.
func (r *rows) join(v *value, do joinOp, axis int) bool {
	along := make([]int, len(v.args))
	for i, a := range v.args {
		if along[i] = firstLong(a.shape); along[i] < 0 {
			return false
		}
	}
	if !r.put(v, axis, along) {
		return false
	}
	for i, p := range do.parts {
		if !r.hasRows(p.in(v, v.args[i].shape), along[i]) {
			return false
		}
	}
	return true
}

// put makes v a value with rows along axis, if its operands have theirs along the
// given axes; operands that are shared must repeat there.
func (r *rows) put(v *value, axis int, along []int) bool {
	if v.shape[axis]%r.batch != 0 {
		return false
	}
	for i, a := range v.args {
		if along[i] >= 0 && !r.hasRows(a, along[i]) && !r.repeats(a, along[i]) {
			return false
		}
	}
	r.kind[v], r.axis[v], r.along[v] = perRow, axis, along
	return true
}

// firstLong is the first axis with a length other than 1, or -1.
func firstLong(shape []int) int {
	return slices.IndexFunc(shape, func(n int) bool { return n != 1 })
}

// hasRows tells whether x reads a perRow value row by row along axis.
func (r *rows) hasRows(x view, axis int) bool {
	if r.kind[x.of] != perRow || x.shape[axis]%r.batch != 0 {
		return false
	}
	row, times := x.of.size()/r.batch, x.shape[axis]/r.batch
	last := x.offset + (times-1)*x.strides[axis] // within the first row
	for i, n := range x.shape {
		if i != axis {
			last += (n - 1) * x.strides[i]
		}
	}
	return x.strides[axis]*times == row && last < row
}

// repeats tells whether x is shared and the same for all rows along axis.
func (r *rows) repeats(x view, axis int) bool {
	return r.kind[x.of] == shared && x.strides[axis] == 0 && x.shape[axis]%r.batch == 0
}

// turn replaces shared factors of products of rows, where copies tells that the product
// would copy them block by block, by a copy that is made once.
func (r *rows) turn(b *builder, copies func(transB bool, n, k int) bool) {
	var order []*value
	for _, v := range r.order {
		if _, ok := v.do.(matmulOp); ok && r.kind[v] == perRow && len(v.shape) == 2 {
			y := v.args[1]
			if trans, _, _ := y.matrix(); copies(trans, v.shape[1], y.shape[0]) {
				swap := []int{1, 0}
				if trans {
					y = b.add(copyOp{}, y.shape, y)
				} else {
					y = y.permute(swap)
					y = b.add(copyOp{}, y.shape, y).permute(swap)
				}
				v.args[1] = y
				if !slices.Contains(order, y.of) {
					order = append(order, y.of)
				}
			}
		}
		order = append(order, v)
	}
	r.order = order
}

// outputs tells which of the outputs have rows.
func (r *rows) outputs(targets []target, out int) []bool {
	has := make([]bool, out)
	for _, t := range targets {
		has[t.end] = r.kind[t.view.of] == perRow
	}
	return has
}

// split sorts targets by what computes them.
type split struct {
	*rows
	body []target // by blocks of rows
	rest []target // afterwards
	mids []*value // shared values that are computed before, in the order of the body's inputs
	sums []*value // sums over rows that rest needs, in the order of the body's outputs

	groups map[*value]uint64 // the output groups that a value is needed for
}

// newSplit sorts targets. outputs tells which of them have rows; out is the number
// of outputs.
func newSplit(r *rows, targets []target, outputs []bool, out int) (s *split, ok bool) {
	s = &split{rows: r}
	for _, t := range targets {
		kind := r.kind[t.view.of]
		if outputs[t.end] {
			axis := firstLong(t.view.shape)
			if axis < 0 || !r.hasRows(t.view, axis) && !r.repeats(t.view, axis) {
				return nil, false
			}
			s.body = append(s.body, t)
			continue
		}
		switch {
		case kind == perRow:
			return nil, false
		case kind == overRows && t.add && t.view.whole():
			s.body = append(s.body, t)
		default:
			s.rest = append(s.rest, t)
		}
	}
	if len(s.body) == 0 {
		return nil, false
	}
	s.boundary(out)
	return s, true
}

// boundary finds the values that pass from one part of the program to another.
func (s *split) boundary(out int) {
	groups := make(map[*value]uint64)
	for _, t := range slices.Concat(s.body, s.rest) {
		groups[t.view.of] |= t.groups
	}
	crosses := make(map[*value]bool)
	for _, v := range slices.Backward(s.order) {
		for _, a := range v.args {
			groups[a.of] |= groups[v]
			crosses[a.of] = crosses[a.of] || s.kind[a.of] == shared && s.kind[v] != shared || s.kind[a.of] == overRows
		}
	}
	for _, t := range slices.Concat(s.body, s.rest) {
		v := t.view.of
		crosses[v] = crosses[v] || s.kind[v] == shared
	}
	for _, t := range s.rest {
		crosses[t.view.of] = crosses[t.view.of] || s.kind[t.view.of] == overRows
	}
	for _, v := range s.order {
		switch {
		case !crosses[v] || v.leaf():
		case s.kind[v] == shared:
			s.mids = append(s.mids, v)
		case s.kind[v] == overRows:
			s.body = append(s.body, target{view: v.all(), end: out + len(s.sums), add: true, groups: groups[v]})
			s.sums = append(s.sums, v)
		}
	}
	s.groups = groups
}
