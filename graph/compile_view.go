package graph

import "slices"

// value is an intermediate result of a program under construction: a dense,
// row-major tensor of the given shape, computed by do from args.
type value struct {
	id    int
	shape []int
	do    op
	args  []view
}

// view is a way to read a value: element (i, j, …) is element
// offset + i·strides[0] + j·strides[1] + … of the value's storage. Axes that
// repeat have stride 0.
type view struct {
	of      *value
	offset  int
	shape   []int
	strides []int
}

func sizeOf(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// rowMajor returns the strides of a dense tensor.
func rowMajor(shape []int) []int {
	s := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = n
		n *= shape[i]
	}
	return s
}

func (v *value) size() int { return sizeOf(v.shape) }

// all returns the view of the whole value.
func (v *value) all() view { return view{of: v, shape: v.shape, strides: rowMajor(v.shape)} }

func (v view) size() int { return sizeOf(v.shape) }

// dense tells whether the elements lie one after the other in row-major order.
func (v view) dense() bool {
	n := 1
	for i := len(v.shape) - 1; i >= 0; i-- {
		if v.shape[i] != 1 && v.strides[i] != n {
			return false
		}
		n *= v.shape[i]
	}
	return true
}

// whole tells whether v is its value, perhaps under another shape.
func (v view) whole() bool { return v.dense() && v.offset == 0 && v.size() == v.of.size() }

func (v view) permute(perm []int) view {
	w := view{of: v.of, offset: v.offset, shape: make([]int, len(perm)), strides: make([]int, len(perm))}
	for i, p := range perm {
		w.shape[i], w.strides[i] = v.shape[p], v.strides[p]
	}
	return w
}

// broadcast repeats axes of length 1, and adds axes in front, to get shape.
func (v view) broadcast(shape []int) view {
	w := view{of: v.of, offset: v.offset, shape: shape, strides: make([]int, len(shape))}
	lead := len(shape) - len(v.shape)
	for i, s := range v.strides {
		if v.shape[i] != 1 {
			w.strides[lead+i] = s
		}
	}
	return w
}

func (v view) slice(s sliceOp) view {
	w := view{of: v.of, offset: v.offset + s.start*v.strides[s.axis], shape: slices.Clone(v.shape), strides: slices.Clone(v.strides)}
	w.shape[s.axis] = s.count
	w.strides[s.axis] *= s.step
	if s.drop {
		w.shape = slices.Delete(w.shape, s.axis, s.axis+1)
		w.strides = slices.Delete(w.strides, s.axis, s.axis+1)
	}
	return w
}

// axes returns the lengths and strides of v without axes of length 1, with
// neighbours merged that can be walked as one. A single element has none.
func (v view) axes() (lens, strides []int) {
	for i, d := range v.shape {
		if d == 1 {
			continue
		}
		s := v.strides[i]
		if n := len(lens) - 1; n >= 0 && strides[n] == s*d {
			lens[n] *= d
			strides[n] = s
			continue
		}
		lens, strides = append(lens, d), append(strides, s)
	}
	return lens, strides
}

// reshape returns a view of the same elements in the same order with another
// shape, if strides can express it.
func (v view) reshape(shape []int) (view, bool) {
	w := view{of: v.of, offset: v.offset, shape: shape, strides: make([]int, len(shape))}
	lens, strides := v.axes()
	// Axes of the new shape are split off merged axes of the old one, from
	// the last to the first.
	a, left, stride := len(lens)-1, 1, 0
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] == 1 {
			continue
		}
		if left == 1 {
			if a < 0 {
				return view{}, false
			}
			left, stride = lens[a], strides[a]
			a--
		}
		if left%shape[i] != 0 {
			return view{}, false
		}
		w.strides[i] = stride
		stride *= shape[i]
		left /= shape[i]
	}
	return w, true
}

// matrix tells how BLAS reads the last two axes of v: transposed or not, and
// with what distance between rows.
func (v view) matrix() (trans bool, ld int, ok bool) {
	n := len(v.shape)
	r, c, sr, sc := v.shape[n-2], v.shape[n-1], v.strides[n-2], v.strides[n-1]
	switch {
	case (sc == 1 || c == 1) && (sr >= c || r == 1):
		return false, max(sr, c, 1), true
	case (sr == 1 || r == 1) && (sc >= r || c == 1):
		return true, max(sc, r, 1), true
	}
	return false, 0, false
}
