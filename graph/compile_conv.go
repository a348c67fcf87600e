package graph

import "slices"

// Gorgonia's convolution is a product of patches and filters. The compiler recognises it,
// and the two cotangents of it, and makes one value of each that needs no patches:
//
//	forward  reshape(im2col(x)·Wᵀ) as (B, H', W', O)
//	images   col2im(g·W) with g of (B·H'·W', O)
//	filters  gᵀ·im2col(x)

// convOp has children images (B, C, H, W) and filters (O, C·h·w): it is the convolution,
// (B, O, H', W'), or with back set, of (B, O, H', W'), the transpose of that.
type convOp struct {
	window
	back bool
}

// convFiltersOp has children images and the cotangent (B, O, H', W') of their convolution:
// the cotangent of the filters, (C·h·w, O).
type convFiltersOp struct{ window }

// patches returns the image that a matrix, one row for each patch, was made of.
func patches(m view) (im *value, ok bool) {
	if len(m.shape) != 2 || !m.whole() {
		return nil, false
	}
	if _, ok := m.of.do.(im2colOp); !ok || m.shape[1] != m.of.shape[3] {
		return nil, false
	}
	return m.of, true
}

// convolved recognises a convolution as it gets its four axes.
func (l *lowering) convolved(x view, shape []int) (view, bool) {
	if _, ok := x.of.do.(matmulOp); !ok || !x.whole() || len(shape) != 4 || len(x.of.shape) != 2 {
		return view{}, false
	}
	im, ok := patches(x.of.args[0])
	if !ok || !slices.Equal(shape[:3], im.shape[:3]) || shape[3] != x.of.shape[1] {
		return view{}, false
	}
	filters := x.of.args[1].permute([]int{1, 0})
	y := l.add(convOp{window: im.do.(im2colOp).window}, []int{shape[0], shape[3], shape[1], shape[2]}, im.args[0], filters)
	return y.permute([]int{0, 2, 3, 1}), true
}

// convolvedBack recognises the cotangent of the images of a convolution.
func (l *lowering) convolvedBack(o col2imOp, x view, shape []int) (view, bool) {
	if _, ok := x.of.do.(matmulOp); !ok || !x.whole() || len(x.of.shape) != 2 {
		return view{}, false
	}
	filters := x.of.args[1]
	g, ok := l.rowsAsImages(x.of.args[0], []int{x.shape[0], filters.shape[0], x.shape[1], x.shape[2]})
	if !ok {
		return view{}, false
	}
	return l.add(convOp{o.window, true}, shape, g, filters), true
}

// convolvedFilters recognises the cotangent of the filters in the product x·y.
func (l *lowering) convolvedFilters(x, y view) (view, bool) {
	swap := []int{1, 0}
	if im, ok := patches(y); ok {
		return l.filters(im, x.permute(swap))
	}
	if im, ok := patches(x.permute(swap)); ok {
		v, ok := l.filters(im, y)
		if ok {
			v = v.permute(swap)
		}
		return v, ok
	}
	return view{}, false
}

// filters returns gᵀ·im, where g has a row for each patch.
func (l *lowering) filters(im *value, g view) (view, bool) {
	images, ok := l.rowsAsImages(g, []int{im.shape[0], g.shape[1], im.shape[1], im.shape[2]})
	if !ok {
		return view{}, false
	}
	w := l.add(convFiltersOp{im.do.(im2colOp).window}, []int{im.shape[3], g.shape[1]}, im.args[0], images)
	return w.permute([]int{1, 0}), true
}

// rowsAsImages returns a matrix, one row of channels for each pixel, as images of a shape,
// if that is what it was made of.
func (l *lowering) rowsAsImages(m view, shape []int) (view, bool) {
	if shape[1] == 1 || shape[2]*shape[3] == 1 {
		return l.dense(l.reshape(m, shape)), true
	}
	if shape[0] == 1 {
		return l.dense(l.reshape(m.permute([]int{1, 0}), shape)), true
	}
	if _, ok := m.of.do.(copyOp); !ok || !m.whole() {
		return view{}, false
	}
	x := m.of.args[0]
	if !slices.Equal(x.shape, []int{shape[0], shape[2], shape[3], shape[1]}) {
		return view{}, false
	}
	return l.dense(x.permute([]int{0, 3, 1, 2})), true
}
