package vec

// planes is how images of channels of h×w pixels are laid out for Conv: for each channel,
// strideH·strideW planes of every strideH-th row and strideW-th column, with zeros between
// the rows. The pixels of several images are interleaved. Distances are in pixels.
type planes struct {
	channels, h, w   int
	strideH, strideW int
	images           int
	rows, cols       int // of a plane
	front            int // zeros before the first row
	pitch            int // from row to row
}

func newPlanes(channels, h, w, strideH, strideW, images int) planes {
	p := planes{channels: channels, h: h, w: w, strideH: strideH, strideW: strideW, images: images}
	p.rows, p.cols = parts(h, strideH), parts(w, strideW)
	p.pitch = p.cols
	return p
}

// margins makes room for zeros beside rows, where windows at n places next to each other
// look.
func (p *planes) margins(h []tap, n int) {
	for _, t := range h {
		p.front = max(p.front, -t.shift, t.shift+n-p.cols)
	}
	p.pitch = max(p.pitch, p.cols+p.front, n)
}

// plain tells whether the planes are the image.
func (p *planes) plain() bool {
	return p.images == 1 && p.pitch == p.cols && p.front == 0 && p.strideH == 1 && p.strideW == 1
}

// size is the number of elements of all planes.
func (p *planes) size() int { return (p.front + p.plane(p.channels, 0, 0)*p.pitch) * p.images }

// plane is the number of rows before a plane of a channel.
func (p *planes) plane(channel, a, b int) int {
	return ((channel*p.strideH+a)*p.strideW + b) * p.rows
}

// at is where a row of a plane begins, behind the front.
func (p *planes) at(channel, a, b, row int) int {
	return (p.plane(channel, a, b) + row) * p.pitch * p.images
}

// pack lays out the images at the start of x. tmp has room for them if there are several.
func pack[T Float](p *planes, dst, x, tmp []T) {
	n := p.channels * p.h * p.w
	if p.images > 1 {
		Transpose(tmp, p.images, x, n, p.images, n)
		x = tmp
	}
	g := p.images
	clear(dst[:p.front*g])
	dst = dst[p.front*g:]
	for c := range p.channels {
		for row := range p.rows * p.strideH {
			a := row % p.strideH
			if p.strideW == 1 {
				to := dst[p.at(c, a, 0, row/p.strideH):][:p.pitch*g]
				k := 0
				if row < p.h {
					k = copy(to, x[(c*p.h+row)*p.w*g:][:p.w*g])
				}
				clear(to[k:])
				continue
			}
			for b := range p.strideW {
				to := dst[p.at(c, a, b, row/p.strideH):][:p.pitch*g]
				if row >= p.h {
					clear(to)
					continue
				}
				k := apart(to, x[(c*p.h+row)*p.w*g:][:p.w*g], b, p.strideW, g)
				clear(to[k:])
			}
		}
	}
}

// apart copies every stride-th piece of g elements from piece b on.
func apart[T Float](to, from []T, b, stride, g int) (n int) {
	switch g {
	case 1:
		for i := b; i < len(from); i += stride {
			to[n] = from[i]
			n++
		}
	case 8:
		for i := b * 8; i < len(from); i += stride * 8 {
			*(*[8]T)(to[n:]) = *(*[8]T)(from[i:])
			n += 8
		}
	default:
		for i := b * g; i < len(from); i += stride * g {
			n += copy(to[n:], from[i:i+g])
		}
	}
	return n
}

// unpack stores a part of the result in its rows and columns of all, rows×cols for each
// channel.
func unpack[T Float](all, part []T, p *convPart, channels, rows, cols, g int) {
	for c := range channels {
		for row := range p.rows {
			from := part[(c*p.rows+row)*p.pitch*g:][:p.cols*g]
			to := all[((c*rows+row*p.strideH+p.row)*cols+p.col)*g:]
			switch {
			case p.strideW == 1:
				copy(to, from)
			case g == 1:
				for i, x := range from {
					to[i*p.strideW] = x
				}
			default:
				for i := 0; i < len(from); i += g {
					copy(to[i*p.strideW:], from[i:i+g])
				}
			}
		}
	}
}
