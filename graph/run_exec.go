package graph

import "github.com/neuralode/neuralode/internal/vec"

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

func (r *reduction[T]) run(m *frame[T]) {
	x, dst := m.at(r.x), m.at(r.dst)
	add := r.add && !m.first
	if r.inner > 1 {
		for i := range r.outer {
			to, from := dst[i*r.inner:(i+1)*r.inner], x[i*r.n*r.inner:]
			if r.max {
				vec.MaxRows(to, from, r.n)
			} else {
				vec.SumRows(to, from, r.n, add)
			}
		}
		return
	}
	if !r.max {
		vec.Sums(dst[:r.outer], x, r.n, add)
		return
	}
	for i := range r.outer {
		dst[i] = vec.Largest(x[i*r.n : (i+1)*r.n])
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

func (c *copying[T]) run(m *frame[T]) {
	dst, x := m.at(c.dst)[:c.size], m.at(c.x)
	if len(c.lens) == 2 && c.strides[0] == 1 && c.strides[1] >= c.lens[0] {
		vec.Transpose(dst, c.lens[1], x, c.strides[1], c.lens[1], c.lens[0])
		return
	}
	vec.Gather(dst, x, c.lens, c.strides, 0)
}
