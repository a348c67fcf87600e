package graph

import "slices"

// joinPart is the place of an operand of a joinOp.
type joinPart struct {
	offset  int
	strides []int // one for each axis of the operand
	neg     bool
}

// in is the part of v that an operand of the given shape fills.
func (p joinPart) in(v *value, shape []int) view {
	return view{of: v, offset: p.offset, shape: shape, strides: p.strides}
}

// join returns the value with x in its parts. A negative is taken while it is
// written.
func (b *builder) join(shape []int, parts []joinPart, x ...view) view {
	for i, a := range x {
		if u, ok := a.of.do.(unaryOp); !ok || u.fn != fnNeg || !a.whole() {
			continue
		}
		if w, ok := a.of.args[0].reshape(a.shape); ok {
			x[i] = w
			parts[i].neg = !parts[i].neg
		}
	}
	return b.add(joinOp{parts}, shape, x...)
}

// concat puts operands one after the other along an axis.
func (b *builder) concat(axis int, shape []int, x []view) view {
	parts := make([]joinPart, len(x))
	at, strides := 0, rowMajor(shape)
	for i, a := range x {
		parts[i] = joinPart{offset: at * strides[axis], strides: strides}
		at += a.shape[axis]
	}
	return b.join(shape, parts, slices.Clone(x)...)
}

// joined adds two values with zeros where the other one has its parts.
func (b *builder) joined(x, y view) (view, bool) {
	jx, ok := x.of.do.(joinOp)
	if !ok || !x.whole() {
		return view{}, false
	}
	jy, ok := y.of.do.(joinOp)
	if !ok || !y.whole() || !slices.Equal(x.of.shape, y.of.shape) {
		return view{}, false
	}
	taken := make([]bool, x.size())
	for _, v := range []*value{x.of, y.of} {
		for i, p := range v.do.(joinOp).parts {
			if !p.take(taken, v.args[i].shape) {
				return view{}, false
			}
		}
	}
	v := b.add(joinOp{slices.Concat(jx.parts, jy.parts)}, x.of.shape, slices.Concat(x.of.args, y.of.args)...)
	return v.reshape(x.shape)
}

// take marks the elements of the part. It fails if one is marked already.
func (p joinPart) take(taken []bool, shape []int) bool {
	free := true
	var walk func(axis, at int)
	walk = func(axis, at int) {
		if axis == len(shape) {
			free = free && !taken[at]
			taken[at] = true
			return
		}
		for i := range shape[axis] {
			walk(axis+1, at+i*p.strides[axis])
		}
	}
	walk(0, p.offset)
	return free
}
