package graph

import "github.com/neuralode/neuralode/internal/vec"

// joining writes its operands into parts of the result, and zeros into the
// rest if there is one.
type joining[T Float] struct {
	size  int
	dst   ref
	zero  bool
	parts []placed
}

// placed is an operand of joining and the place of its elements.
type placed struct {
	x              ref
	offset         int // in the result
	lens, to, from []int
	neg            bool
}

func newJoining[T Float](u *unit, refs func(*value) ref) *joining[T] {
	v := u.root
	j := &joining[T]{size: v.size(), dst: refs(v)}
	left := j.size
	for i, x := range v.args {
		part := v.do.(joinOp).parts[i]
		p := placed{x: refs(x.of), offset: part.offset, neg: part.neg}
		p.x.offset += x.offset
		p.lens, p.to, p.from = commonAxes(x.shape, part.strides, x.strides)
		j.parts = append(j.parts, p)
		left -= x.size()
	}
	j.zero = left > 0
	return j
}

// commonAxes merges neighbouring axes that can be walked as one with both strides.
func commonAxes(shape, to, from []int) (lens, tos, froms []int) {
	for i, d := range shape {
		if d == 1 {
			continue
		}
		if n := len(lens) - 1; n >= 0 && tos[n] == to[i]*d && froms[n] == from[i]*d {
			lens[n] *= d
			tos[n], froms[n] = to[i], from[i]
			continue
		}
		lens, tos, froms = append(lens, d), append(tos, to[i]), append(froms, from[i])
	}
	return lens, tos, froms
}

func (j *joining[T]) run(m *frame[T]) {
	dst := m.at(j.dst)[:j.size]
	if j.zero {
		clear(dst)
	}
	for i := range j.parts {
		p := &j.parts[i]
		vec.Move(dst[p.offset:], m.at(p.x), p.lens, p.to, p.from, p.neg)
	}
}
