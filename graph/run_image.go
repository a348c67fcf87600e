package graph

import "github.com/neuralode/neuralode/internal/vec"

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
	im.win = windowOf(w)
	return im
}

func (im *image[T]) run(m *frame[T]) {
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
