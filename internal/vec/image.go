package vec

// Window moves over the last two axes of images of H×W: H and W are its size,
// Pad what is added before and after an axis, Stride the distance between two
// positions and Dilation that between two of its elements.
type Window struct {
	H, W                 int
	PadH, PadW           int
	StrideH, StrideW     int
	DilationH, DilationW int
}

// paddedPlane is how many pixels of one channel, with its padding, are copied to the stack.
const paddedPlane = 48 * 48

// Im2Col stores the patches of n images of c channels as (n, outH, outW,
// c·H·W), with zeros outside of the images.
func Im2Col[T Float](dst, x []T, w Window, n, c, h, wd, outH, outW int) {
	rows, cols := w.padded(outH, outW)
	size := w.H * w.W
	if rows*cols > paddedPlane {
		w.patches(n, c, h, wd, outH, outW, func(at, pixel int) {
			if pixel < 0 {
				dst[at] = 0
			} else {
				dst[at] = x[pixel]
			}
		})
		return
	}
	var plane [paddedPlane]T
	for i := range n * c {
		w.pad(h, wd, rows, cols, func(row, col, count, pixel int) {
			copy(plane[row*cols+col:][:count], x[i*h*wd+pixel:])
		})
		at := i/c*outH*outW*c*size + i%c*size
		for oh := range outH {
			for ow := range outW {
				patch, from := dst[at:][:size], oh*w.StrideH*cols+ow*w.StrideW
				at += c * size
				for len(patch) > 0 {
					switch {
					case w.DilationW == 1 && w.W == 3:
						*(*[3]T)(patch) = *(*[3]T)(plane[from:])
					case w.DilationW == 1 && w.W == 4:
						*(*[4]T)(patch) = *(*[4]T)(plane[from:])
					default:
						for k := range w.W {
							patch[k] = plane[from+k*w.DilationW]
						}
					}
					patch, from = patch[w.W:], from+w.DilationH*cols
				}
			}
		}
	}
}

// Col2Im is the transpose of Im2Col: it stores in dst, n images of c channels,
// for each pixel the sum of the elements of x that Im2Col would have taken
// from it.
func Col2Im[T Float](dst, x []T, w Window, n, c, h, wd, outH, outW int) {
	rows, cols := w.padded(outH, outW)
	size := w.H * w.W
	clear(dst)
	if rows*cols > paddedPlane {
		w.patches(n, c, h, wd, outH, outW, func(at, pixel int) {
			if pixel >= 0 {
				dst[pixel] += x[at]
			}
		})
		return
	}
	var plane [paddedPlane]T
	for i := range n * c {
		clear(plane[:rows*cols])
		at := i/c*outH*outW*c*size + i%c*size
		for oh := range outH {
			for ow := range outW {
				patch, to := x[at:][:size], oh*w.StrideH*cols+ow*w.StrideW
				at += c * size
				for len(patch) > 0 {
					switch {
					case w.DilationW == 1 && w.W == 3:
						d, s := (*[3]T)(plane[to:]), (*[3]T)(patch)
						d[0] += s[0]
						d[1] += s[1]
						d[2] += s[2]
					case w.DilationW == 1 && w.W == 4:
						d, s := (*[4]T)(plane[to:]), (*[4]T)(patch)
						d[0] += s[0]
						d[1] += s[1]
						d[2] += s[2]
						d[3] += s[3]
					default:
						for k := range w.W {
							plane[to+k*w.DilationW] += patch[k]
						}
					}
					patch, to = patch[w.W:], to+w.DilationH*cols
				}
			}
		}
		w.pad(h, wd, rows, cols, func(row, col, count, pixel int) {
			copy(dst[i*h*wd+pixel:][:count], plane[row*cols+col:])
		})
	}
}

// padded returns the rows and columns that the windows see, padding included.
func (w Window) padded(outH, outW int) (rows, cols int) {
	return (outH-1)*w.StrideH + (w.H-1)*w.DilationH + 1, (outW-1)*w.StrideW + (w.W-1)*w.DilationW + 1
}

// pad calls f for the part of each row of a padded plane that shows pixels: count of them,
// from pixel on.
func (w Window) pad(h, wd, rows, cols int, f func(row, col, count, pixel int)) {
	left := min(w.PadW, cols)
	count := min(cols-left, wd)
	if count <= 0 {
		return
	}
	for row := w.PadH; row < min(rows, w.PadH+h); row++ {
		f(row, left, count, (row-w.PadH)*wd)
	}
}

// patches calls f for each element of the patches, in order, with the pixel
// that it shows, or a negative number outside of the image.
func (w Window) patches(n, c, h, wd, outH, outW int, f func(at, pixel int)) {
	at := 0
	for i := range n {
		for oh := range outH {
			for ow := range outW {
				for ch := range c {
					for kh := range w.H {
						row := oh*w.StrideH - w.PadH + kh*w.DilationH
						for kw := range w.W {
							col := ow*w.StrideW - w.PadW + kw*w.DilationW
							if row < 0 || row >= h || col < 0 || col >= wd {
								f(at, -1)
							} else {
								f(at, ((i*c+ch)*h+row)*wd+col)
							}
							at++
						}
					}
				}
			}
		}
	}
}

// MaxPool stores the largest pixel of each window over n images of one
// channel, or the lowest finite number where a window sees no pixel.
func MaxPool[T Float](dst, x []T, w Window, n, h, wd, outH, outW int) {
	w.windows(n, h, wd, outH, outW, func(at int, r rect) {
		if i := largestIn(x, r, wd); i >= 0 {
			dst[at] = x[i]
		} else {
			dst[at] = lowest[T]()
		}
	})
}

// MaxPoolGrad stores in dst the cotangent of MaxPool's x from that of its
// result, g. It goes to the first of equal pixels.
func MaxPoolGrad[T Float](dst, x, g []T, w Window, n, h, wd, outH, outW int) {
	clear(dst)
	w.windows(n, h, wd, outH, outW, func(at int, r rect) {
		if i := largestIn(x, r, wd); i >= 0 {
			dst[i] += g[at]
		}
	})
}

// AveragePool stores the sum of each window divided by its size H·W, pixels
// outside of the image taken as zeros.
func AveragePool[T Float](dst, x []T, w Window, n, h, wd, outH, outW int) {
	size := T(w.H * w.W)
	w.windows(n, h, wd, outH, outW, func(at int, r rect) {
		var s T
		for row := r.top; row < r.bottom; row++ {
			for col := r.left; col < r.right; col++ {
				s += x[r.image+row*wd+col]
			}
		}
		dst[at] = s / size
	})
}

// AveragePoolGrad stores in dst the cotangent of AveragePool's x from that of
// its result, g.
func AveragePoolGrad[T Float](dst, g []T, w Window, n, h, wd, outH, outW int) {
	clear(dst)
	size := T(w.H * w.W)
	w.windows(n, h, wd, outH, outW, func(at int, r rect) {
		d := g[at] / size
		for row := r.top; row < r.bottom; row++ {
			for col := r.left; col < r.right; col++ {
				dst[r.image+row*wd+col] += d
			}
		}
	})
}

// rect is the part of a window that lies in its image, which starts at pixel
// image.
type rect struct{ image, top, bottom, left, right int }

// windows calls f for each position of the window, in order.
func (w Window) windows(n, h, wd, outH, outW int, f func(at int, r rect)) {
	at := 0
	for i := range n {
		for oh := range outH {
			top := oh*w.StrideH - w.PadH
			for ow := range outW {
				left := ow*w.StrideW - w.PadW
				f(at, rect{
					image: i * h * wd,
					top:   max(top, 0), bottom: min(top+w.H, h),
					left: max(left, 0), right: min(left+w.W, wd),
				})
				at++
			}
		}
	}
}

// largestIn returns the index of the largest pixel, or -1 if there is none.
func largestIn[T Float](x []T, r rect, wd int) int {
	best := -1
	for row := r.top; row < r.bottom; row++ {
		for col := r.left; col < r.right; col++ {
			if i := r.image + row*wd + col; best < 0 || x[i] > x[best] || x[i] != x[i] && x[best] == x[best] {
				best = i
			}
		}
	}
	return best
}

// lowest is the most negative finite number.
func lowest[T Float]() T {
	if wide[T]() {
		x := -0x1p1023 * (1 + (1 - 0x1p-52))
		return T(x)
	}
	x := float32(-0x1p127 * (1 + (1 - 0x1p-23)))
	return T(x)
}
