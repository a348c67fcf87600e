package vec

// ConvShape says what is convolved: N images of C channels of H×W pixels, with O filters,
// whose windows stand at OutH×OutW places of an image. Element (o, c, kh, kw) of the
// filters is w[o·WO + (c·Window.H·Window.W + kh·Window.W + kw)·WK].
type ConvShape struct {
	Window     Window
	N, C, H, W int
	O          int
	OutH, OutW int
	WO, WK     int
}

// Conv is a convolution, or its transpose in the images, planned for one shape. It is
// immutable.
//
// Patches are not formed. Images are copied to planes with zeros beside the rows, where
// the pixels that a filter's element meets, for all places of a window in a row, lie one
// after the other: those of one image, or of several, interleaved pixel by pixel where
// rows are short. Elements that stand above or below an image are left out.
//
// Each element of the result is one chain of products, added in the order of (c, kh, kw),
// and of (o, kh, kw) in the transpose, from zero. The assembly rounds a product and its
// addition once. So the result of an image has the same bits in any batch.
type Conv[T Float] struct {
	n, from, to int // images, and their elements on both sides
	ars, out    int // filters: distance between those of two channels of the result; channels
	groups      []convGroup
	scratch     int
}

// convGroup convolves a number of images together.
type convGroup struct {
	count, images int // groups of that many images
	in            planes
	parts         []convPart
	rows, cols    int // of the result
}

// convPart is the part of the result in every strideH-th row and strideW-th column.
type convPart struct {
	row, col, strideH, strideW int
	rows, cols, pitch          int
	runs                       []convRun
}

// convRun is some rows of a part, whose terms are the same.
type convRun struct {
	row, rows int
	table     []int // of the terms: places in the filters, and in the planes from the row on
}

// NewConv plans a convolution: Run stores (N, O, OutH, OutW).
func NewConv[T Float](s ConvShape) *Conv[T] {
	p := &Conv[T]{n: s.N, from: s.C * s.H * s.W, to: s.O * s.OutH * s.OutW, ars: s.WO, out: s.O}
	p.choose(func(images int) convGroup {
		g := convGroup{images: images, rows: s.OutH, cols: s.OutW}
		v, h := s.taps()
		part := convPart{strideH: 1, strideW: 1, rows: s.OutH, cols: s.OutW}
		g.in = newPlanes(s.C, s.H, s.W, s.Window.StrideH, s.Window.StrideW, images)
		g.in.margins(h, s.OutW)
		part.fill(&g.in, v, h, s.C, func(c, kh, kw int) int { return (c*s.Window.H*s.Window.W + kh*s.Window.W + kw) * s.WK })
		g.parts = []convPart{part}
		return g
	})
	return p
}

// NewConvTransposed plans the transpose: Run takes (N, O, OutH, OutW) and stores
// (N, C, H, W), in each pixel the sum over the windows that see it.
func NewConvTransposed[T Float](s ConvShape) *Conv[T] {
	w := s.Window
	size := w.H * w.W
	p := &Conv[T]{n: s.N, from: s.O * s.OutH * s.OutW, to: s.C * s.H * s.W, ars: size * s.WK, out: s.C}
	p.choose(func(images int) convGroup {
		g := convGroup{images: images, rows: s.H, cols: s.W}
		g.in = newPlanes(s.O, s.OutH, s.OutW, 1, 1, images)
		for row := range min(w.StrideH, s.H) {
			for col := range min(w.StrideW, s.W) {
				g.parts = append(g.parts, convPart{row: row, col: col, strideH: w.StrideH, strideW: w.StrideW,
					rows: parts(s.H-row, w.StrideH), cols: parts(s.W-col, w.StrideW)})
				g.in.margins(backTaps(w.W, w.PadW, w.StrideW, w.DilationW, col), parts(s.W-col, w.StrideW))
			}
		}
		for i := range g.parts {
			part := &g.parts[i]
			v := backTaps(w.H, w.PadH, w.StrideH, w.DilationH, part.row)
			h := backTaps(w.W, w.PadW, w.StrideW, w.DilationW, part.col)
			part.fill(&g.in, v, h, s.O, func(o, kh, kw int) int { return o*s.WO + (kh*w.W+kw)*s.WK })
		}
		return g
	})
	return p
}

// parts is how many of n follow each other at a distance.
func parts(n, distance int) int { return (n + distance - 1) / distance }

// tap is an element of a filter along one axis: which one, in which of the interleaved
// planes it looks, and how far from the place of the window.
type tap struct{ k, plane, shift int }

// taps are those of both axes.
func (s *ConvShape) taps() (v, h []tap) {
	along := func(size, pad, stride, dilation int) (t []tap) {
		for k := range size {
			e := k*dilation - pad
			plane := ((e % stride) + stride) % stride
			t = append(t, tap{k, plane, (e - plane) / stride})
		}
		return t
	}
	w := s.Window
	return along(w.H, w.PadH, w.StrideH, w.DilationH), along(w.W, w.PadW, w.StrideW, w.DilationW)
}

// backTaps are the elements of a filter that see the pixels at, at+stride, …
func backTaps(size, pad, stride, dilation, at int) (t []tap) {
	for k := range size {
		if e := at + pad - k*dilation; e%stride == 0 {
			t = append(t, tap{k, 0, e / stride})
		}
	}
	return t
}

// fill makes the runs of a part, with terms for that many channels.
func (p *convPart) fill(in *planes, v, h []tap, channels int, weight func(channel, kh, kw int) int) {
	sees := func(t tap, row int) bool {
		u := row + t.shift
		return u >= 0 && u < parts(in.h-t.plane, in.strideH)
	}
	p.pitch = p.cols
	if in.images == 1 {
		p.pitch = in.pitch
	}
	for row := 0; row < p.rows; {
		end := row + 1
		for end < p.rows && all(v, func(t tap) bool { return sees(t, row) == sees(t, end) }) {
			end++
		}
		var table []int
		for c := range channels {
			for _, a := range v {
				if !sees(a, row) {
					continue
				}
				for _, b := range h {
					table = append(table, weight(c, a.k, b.k), in.at(c, a.plane, b.plane, a.shift)+b.shift*in.images)
				}
			}
		}
		step := 1
		if in.images == 1 {
			step = end - row
		}
		for ; row < end; row += step {
			p.runs = append(p.runs, convRun{row, step, table})
		}
	}
}

func all(v []tap, f func(tap) bool) bool {
	for _, t := range v {
		if !f(t) {
			return false
		}
	}
	return true
}

// mostTogether bounds the images that are convolved together.
const mostTogether = 16

// choose picks the number of images that are convolved together by what it costs.
func (p *Conv[T]) choose(plan func(images int) convGroup) {
	best, least := 1, 0.0
	lanes := max(lanesOf[T](), 1)
	for images := 1; images <= min(p.n, mostTogether) && (images == 1 || lanes > 1); images++ {
		g := plan(images)
		cost := g.cost(lanes) * float64(p.n/images)
		if rest := p.n % images; rest > 0 {
			r := plan(rest)
			cost += r.cost(lanes)
		}
		if images == 1 || cost < least {
			best, least = images, cost
		}
	}
	p.groups = append(p.groups, plan(best))
	p.groups[0].count = p.n / best
	if rest := p.n % best; rest > 0 {
		g := plan(rest)
		g.count = 1
		p.groups = append(p.groups, g)
	}
	for i := range p.groups {
		g := &p.groups[i]
		plane, tmp, out := g.room(p.from, p.to, p.out)
		p.scratch = max(p.scratch, plane+tmp+out)
	}
}

// cost is about the time of one run of the group, in vectors of multiply-adds.
func (g *convGroup) cost(lanes int) float64 {
	sum := 0.0
	for _, p := range g.parts {
		for _, r := range p.runs {
			vectors := (((r.rows-1)*p.pitch+p.cols)*g.images + lanes - 1) / lanes
			whole := float64(vectors)
			if vectors%3 == 1 {
				whole += 0.3
			}
			sum += whole * float64(len(r.table)/2)
		}
	}
	if g.images > 1 {
		sum *= 1.05 // images are interleaved
	}
	return sum
}

// room is the size of the planes, of the interleaved images and of the result.
func (g *convGroup) room(from, to, channels int) (plane, tmp, out int) {
	for _, p := range g.parts {
		out = max(out, channels*p.rows*p.pitch*g.images)
	}
	if g.images > 1 {
		tmp = from * g.images
		if len(g.parts) > 1 {
			tmp = max(tmp, to*g.images)
		}
	}
	return g.in.size(), tmp, out
}

// Scratch is the number of elements of memory that Run needs.
func (p *Conv[T]) Scratch() int { return p.scratch }

// Run convolves x with the filters w. It needs scratch memory of any content, and
// overwrites it.
func (p *Conv[T]) Run(dst, x, w, scratch []T) {
	for i := range p.groups {
		g := &p.groups[i]
		plane, tmp, out := g.room(p.from, p.to, p.out)
		packed, turned, part := scratch[:plane], scratch[plane:][:tmp], scratch[plane+tmp:][:out]
		for range g.count {
			from, to := p.from*g.images, p.to*g.images
			in := packed
			if g.in.plain() {
				in = x[:from]
			} else {
				pack(&g.in, in, x, turned)
			}
			switch only := &g.parts[0]; {
			case len(g.parts) == 1 && g.images > 1:
				convolve(only, &g.in, p.out, part, in, w, p.ars)
				Transpose(dst, p.to, part, g.images, p.to, g.images)
			case len(g.parts) == 1 && only.pitch == only.cols:
				convolve(only, &g.in, p.out, dst[:to], in, w, p.ars)
			default:
				all := dst
				if g.images > 1 {
					all = turned
				}
				for k := range g.parts {
					convolve(&g.parts[k], &g.in, p.out, part, in, w, p.ars)
					unpack(all, part, &g.parts[k], p.out, g.rows, g.cols, g.images)
				}
				if g.images > 1 {
					Transpose(dst, p.to, all, g.images, p.to, g.images)
				}
			}
			x, dst = x[from:], dst[to:]
		}
	}
}

// convolve computes a part of the result, rows of it by channels.
func convolve[T Float](p *convPart, in *planes, channels int, c, x, w []T, ars int) {
	ldc := p.rows * p.pitch * in.images
	for i := range p.runs {
		r := &p.runs[i]
		n := ((r.rows-1)*p.pitch + p.cols) * in.images
		to, from := c[r.row*p.pitch*in.images:], in.front*in.images+r.row*in.pitch*in.images
		terms := len(r.table) / 2
		switch {
		case terms == 0:
			for o := range channels {
				clear(to[o*ldc:][:n])
			}
		case vectorBytes() == 0:
			convGo(channels, n, r.table, w, ars, x, from, to, ldc)
		default:
			convPanels(channels, n, terms, &w[0], ars, &r.table[0], at(&x[0], from), &to[0], ldc)
		}
	}
}

// convPanels computes rows of n elements in panels of one to three vectors.
func convPanels[T Float](m, n, k int, a *T, ars int, table *int, b, c *T, ldc int) {
	lanes := lanesOf[T]()
	vectors := (n + lanes - 1) / lanes
	panels := (vectors + 2) / 3
	for p := range panels {
		from, to := vectors*p/panels, vectors*(p+1)/panels
		j := from * lanes
		w := min(lanes, n-(to-1)*lanes)
		switch bj, cj := at(b, j), at(c, j); to - from {
		case 1:
			convPanel1Asm(m, k, a, ars, table, bj, cj, ldc, w)
		case 2:
			convPanel2Asm(m, k, a, ars, table, bj, cj, ldc, w)
		case 3:
			convPanel3Asm(m, k, a, ars, table, bj, cj, ldc, w)
		}
	}
}

// convGo is convPanels without assembly, in tiles of four rows and two columns.
func convGo[T Float](m, n int, table []int, a []T, ars int, x []T, from int, c []T, ldc int) {
	for i := 0; i < m; i += 4 {
		rows := min(4, m-i)
		ai, ci := a[i*ars:], c[i*ldc:]
		j := 0
		for ; rows == 4 && j+2 <= n; j += 2 {
			var s00, s01, s10, s11, s20, s21, s30, s31 T
			for t := 0; t+1 < len(table); t += 2 {
				p, q := table[t], from+j+table[t+1]
				y, z := x[q], x[q+1]
				u := ai[p]
				s00 += u * y
				s01 += u * z
				u = ai[p+ars]
				s10 += u * y
				s11 += u * z
				u = ai[p+2*ars]
				s20 += u * y
				s21 += u * z
				u = ai[p+3*ars]
				s30 += u * y
				s31 += u * z
			}
			ci[j], ci[j+1], ci[ldc+j], ci[ldc+j+1] = s00, s01, s10, s11
			ci[2*ldc+j], ci[2*ldc+j+1], ci[3*ldc+j], ci[3*ldc+j+1] = s20, s21, s30, s31
		}
		for ; j < n; j++ {
			for r := range rows {
				var s T
				for t := 0; t+1 < len(table); t += 2 {
					s += ai[r*ars+table[t]] * x[from+j+table[t+1]]
				}
				ci[r*ldc+j] = s
			}
		}
	}
}
