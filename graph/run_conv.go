package graph

import "github.com/neuralode/neuralode/internal/vec"

// convolution is a convolution or its transpose, compiled.
type convolution[T Float] struct {
	plan         *vec.Conv[T]
	x, w, dst    ref
	size, length int // of dst and x
}

// windowOf is the window of the kernels.
func windowOf(w window) vec.Window {
	return vec.Window{
		H: w.h, W: w.w, PadH: w.padH, PadW: w.padW, StrideH: w.strideH, StrideW: w.strideW,
		DilationH: w.dilationH, DilationW: w.dilationW,
	}
}

func newConvolution[T Float](u *unit, refs func(*value) ref) *convolution[T] {
	v := u.root
	do, x, w := v.do.(convOp), v.args[0], v.args[1]
	c := &convolution[T]{x: refs(x.of), w: refs(w.of), dst: refs(v), size: v.size(), length: x.size()}
	c.x.offset += x.offset
	c.w.offset += w.offset
	images, result := x.shape, v.shape
	if do.back {
		images, result = result, images
	}
	s := vec.ConvShape{
		Window: windowOf(do.window), N: images[0], C: images[1], H: images[2], W: images[3],
		O: result[1], OutH: result[2], OutW: result[3], WO: w.strides[0], WK: w.strides[1],
	}
	if do.back {
		c.plan = vec.NewConvTransposed[T](s)
	} else {
		c.plan = vec.NewConv[T](s)
	}
	return c
}

func (c *convolution[T]) run(m *frame[T]) {
	c.plan.Run(m.at(c.dst)[:c.size], m.at(c.x)[:c.length], m.at(c.w), m.scratch)
}

// convFilters is the cotangent of filters, compiled.
type convFilters[T Float] struct {
	plan       *vec.ConvWeights[T]
	x, g, dst  ref
	nx, ng, nw int // sizes
	add        bool
}

func newConvFilters[T Float](u *unit, refs func(*value) ref) *convFilters[T] {
	v := u.source
	if v == nil {
		v = u.root
	}
	x, g := v.args[0], v.args[1]
	c := &convFilters[T]{x: refs(x.of), g: refs(g.of), dst: refs(u.root), nx: x.size(), ng: g.size(), nw: v.size(), add: u.add}
	c.x.offset += x.offset
	c.g.offset += g.offset
	c.plan = vec.NewConvWeights[T](vec.ConvShape{
		Window: windowOf(v.do.(convFiltersOp).window), N: x.shape[0], C: x.shape[1], H: x.shape[2], W: x.shape[3],
		O: g.shape[1], OutH: g.shape[2], OutW: g.shape[3],
	})
	return c
}

func (c *convFilters[T]) run(m *frame[T]) {
	c.plan.Run(m.at(c.dst)[:c.nw], m.at(c.x)[:c.nx], m.at(c.g)[:c.ng], m.scratch, c.add && !m.first)
}
