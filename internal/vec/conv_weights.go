package vec

// ConvWeights is the cotangent of the filters of a convolution, planned for one shape. It
// is immutable.
//
// It is a product of matrices for each element of the window: the images at the places
// that the element meets, by what arrives there.
type ConvWeights[T Float] struct {
	shape  ConvShape
	images int // that are interleaved
	x      planes
	y      planes
	v, h   []tap
	turned bool // y is held with the filters in its columns
}

// NewConvWeights plans the cotangents of convolutions. WO and WK of the shape do not count.
func NewConvWeights[T Float](s ConvShape) *ConvWeights[T] {
	p := &ConvWeights[T]{shape: s, images: 1}
	p.v, p.h = s.taps()
	terms := s.OutH * s.OutW
	if few := !CopiesB[T](false, true, s.O, terms); few { // sums in parts, better of many terms
		for p.images < min(s.N, mostTogether) && s.N%(2*p.images) == 0 {
			p.images *= 2
		}
	}
	p.x = newPlanes(s.C, s.H, s.W, s.Window.StrideH, s.Window.StrideW, p.images)
	p.x.margins(p.h, s.OutW)
	p.y = newPlanes(s.O, s.OutH, s.OutW, 1, 1, p.images)
	p.y.pitch = p.x.pitch
	p.turned = p.images == 1 && CopiesB[T](false, true, s.O, terms)
	return p
}

func (p *ConvWeights[T]) room() (x, y, tmp int) {
	if p.images > 1 {
		tmp = p.images * max(p.shape.C*p.shape.H*p.shape.W, p.shape.O*p.shape.OutH*p.shape.OutW)
	}
	return p.x.size(), p.y.size(), tmp
}

// Scratch is the number of elements of memory that Run needs.
func (p *ConvWeights[T]) Scratch() int {
	x, y, tmp := p.room()
	return x + y + tmp
}

// Run stores (C, kh, kw, O), or adds it to dst if add is set, from the images x and the
// cotangent g, (N, O, OutH, OutW), of the result. It overwrites scratch.
func (p *ConvWeights[T]) Run(dst, x, g, scratch []T, add bool) {
	s := &p.shape
	nx, ny, nt := p.room()
	px, py, tmp := scratch[:nx], scratch[nx:][:ny], scratch[nx+ny:][:nt]
	from, to := s.C*s.H*s.W*p.images, s.O*s.OutH*s.OutW*p.images
	for range s.N / p.images {
		xs := px
		if p.x.plain() {
			xs = x[:from]
		} else {
			pack(&p.x, px, x, tmp)
		}
		if p.turned {
			p.turn(py, g)
		} else {
			pack(&p.y, py, g, tmp)
		}
		p.products(dst, xs, py, add)
		x, g, add = x[from:], g[to:], true
	}
}

// turn stores the cotangent of an image with a row for each pixel of the planes.
func (p *ConvWeights[T]) turn(dst, g []T) {
	s := &p.shape
	if p.y.pitch == s.OutW {
		Transpose(dst, s.O, g, s.OutH*s.OutW, s.O, s.OutH*s.OutW)
		return
	}
	for row := range s.OutH {
		to := dst[row*p.y.pitch*s.O:][:p.y.pitch*s.O]
		Transpose(to, s.O, g[row*s.OutW:], s.OutH*s.OutW, s.O, s.OutW)
		clear(to[s.OutW*s.O:])
	}
}

// products adds one product for each element of the window.
func (p *ConvWeights[T]) products(dst, x, y []T, add bool) {
	s := &p.shape
	size := s.Window.H * s.Window.W
	lda, ldb := p.x.at(1, 0, 0, 0), s.O
	if !p.turned {
		ldb = p.y.at(1, 0, 0, 0)
	}
	for i, a := range p.v {
		first, end := max(0, -a.shift), min(s.OutH, parts(s.H-a.plane, s.Window.StrideH)-a.shift)
		for j, b := range p.h {
			c := dst[(i*s.Window.W+j)*s.O:]
			if first >= end {
				for ch := 0; ch < s.C && !add; ch++ {
					clear(c[ch*size*s.O:][:s.O])
				}
				continue
			}
			k := ((end-first-1)*p.x.pitch + s.OutW) * p.images
			ax := x[(p.x.front+b.shift)*p.images+p.x.at(0, a.plane, b.plane, first+a.shift):]
			by := y[first*p.y.pitch*p.images:]
			if p.turned {
				by = y[first*p.y.pitch*s.O:]
			}
			Gemm(false, !p.turned, s.C, s.O, k, ax, lda, by, ldb, add, c, size*s.O)
		}
	}
}
