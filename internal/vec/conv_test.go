package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// convCase is a convolution of random shape.
func convCase(r *rand.Rand, h, w int) (s ConvShape, ok bool) {
	s = ConvShape{
		Window: Window{
			H: 1 + r.IntN(4), W: 1 + r.IntN(4), PadH: r.IntN(4), PadW: r.IntN(4),
			StrideH: 1 + r.IntN(3), StrideW: 1 + r.IntN(3), DilationH: 1 + r.IntN(2), DilationW: 1 + r.IntN(2),
		},
		N: 1 + r.IntN(19), C: 1 + r.IntN(4), H: h, W: w, O: 1 + r.IntN(18),
	}
	v := s.Window
	if h+2*v.PadH <= (v.H-1)*v.DilationH || w+2*v.PadW <= (v.W-1)*v.DilationW {
		return s, false
	}
	s.OutH = (h+2*v.PadH-(v.H-1)*v.DilationH-1)/v.StrideH + 1
	s.OutW = (w+2*v.PadW-(v.W-1)*v.DilationW-1)/v.StrideW + 1
	s.WO, s.WK = s.C*v.H*v.W, 1
	if r.IntN(2) == 0 {
		s.WO, s.WK = 1, s.O
	}
	return s, true
}

// TestConv compares convolutions, their transposes and the cotangents of their filters with
// the sums over patches, for windows of all kinds. Small whole numbers make sums exact.
func TestConv(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		t.Run("float64", testConv[float64])
		t.Run("float32", testConv[float32])
	})
}

func testConv[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	numbers := func(size int) []T {
		x := make([]T, size)
		for i := range x {
			x[i] = T(r.IntN(9) - 4)
		}
		return x
	}
	for _, image := range [][2]int{{1, 1}, {3, 5}, {6, 6}, {7, 4}, {13, 20}} {
		for range 40 {
			s, ok := convCase(r, image[0], image[1])
			if !ok {
				continue
			}
			size, p := s.Window.H*s.Window.W, s.OutH*s.OutW
			x, w, g := numbers(s.N*s.C*s.H*s.W), numbers(s.O*s.C*size), numbers(s.N*s.O*p)
			y, dx, dw := make([]T, len(g)), make([]T, len(x)), numbers(len(w))
			start := slices.Clone(dw)
			s.Window.patches(s.N, s.C, s.H, s.W, s.OutH, s.OutW, func(at, pixel int) {
				if pixel < 0 {
					return
				}
				k, place := at%(s.C*size), at/(s.C*size)
				for o := range s.O {
					to := (place/p*s.O+o)*p + place%p
					f := w[o*s.WO+k*s.WK]
					y[to] += f * x[pixel]
					dx[pixel] += f * g[to]
					dw[k*s.O+o] += x[pixel] * g[to]
				}
			})
			forward, back, weights := NewConv[T](s), NewConvTransposed[T](s), NewConvWeights[T](s)
			nan := slices.Repeat([]T{T(math.NaN())}, max(forward.Scratch(), back.Scratch(), weights.Scratch()))
			scratch := func(n int) []T { return slices.Clone(nan[:n]) }
			got, gotX, gotW := scratch(0), numbers(len(dx)), slices.Clone(start)
			got = append(got, g...)
			forward.Run(got, x, w, scratch(forward.Scratch()))
			back.Run(gotX, g, w, scratch(back.Scratch()))
			weights.Run(gotW, x, g, scratch(weights.Scratch()), true)
			first := numbers(len(dw))
			weights.Run(first, x, g, scratch(weights.Scratch()), false)
			for i := range first {
				first[i] += start[i]
			}
			if !slices.Equal(got, y) || !slices.Equal(gotX, dx) || !slices.Equal(gotW, dw) || !slices.Equal(first, dw) {
				t.Fatalf("%+v: right are the result %v, images %v, filters %v and %v", s, slices.Equal(got, y), slices.Equal(gotX, dx), slices.Equal(gotW, dw), slices.Equal(first, dw))
			}
		}
	}
}

// TestConvBits: an image's result has the same bits in any batch, and at any level of
// assembly, and no patch is needed for what it is.
func TestConvBits(t *testing.T) {
	t.Run("float64", testConvBits[float64])
	t.Run("float32", testConvBits[float32])
}

func testConvBits[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		s, ok := convCase(r, 7, 6)
		if !ok {
			continue
		}
		size, p := s.Window.H*s.Window.W, s.OutH*s.OutW
		x, w, g := fill[T](r, s.N*s.C*s.H*s.W), fill[T](r, s.O*s.C*size), fill[T](r, s.N*s.O*p)
		x[r.IntN(len(x))], w[r.IntN(len(w))] = T(math.Inf(1)), T(math.NaN())
		var y, dx []T
		forEachLevel(t, func(t *testing.T) {
			for _, n := range []int{1, 2, s.N} {
				part := s
				part.N = n
				forward, back := NewConv[T](part), NewConvTransposed[T](part)
				got, gotX := make([]T, len(g)), make([]T, len(x))
				for i := 0; i+n <= s.N; i += n {
					nx, ng := s.C*s.H*s.W, s.O*p
					forward.Run(got[i*ng:(i+n)*ng], x[i*nx:], w, make([]T, forward.Scratch()))
					back.Run(gotX[i*nx:(i+n)*nx], g[i*ng:], w, make([]T, back.Scratch()))
				}
				done := s.N / n * n
				if y == nil || n == 1 && vectorBytes() == 32 {
					y, dx = got, gotX
				}
				for i := range got[:done*s.O*p] {
					if !same(got[i], y[i]) {
						t.Fatalf("%+v, %d images: result %d is %v, alone %v", s, n, i, got[i], y[i])
					}
				}
				for i := range gotX[:done*s.C*s.H*s.W] {
					if !same(gotX[i], dx[i]) {
						t.Fatalf("%+v, %d images: pixel %d is %v, alone %v", s, n, i, gotX[i], dx[i])
					}
				}
			}
		})
	}
}

// BenchmarkConv is the convolution of the block of examples/mnist and its two cotangents,
// beside the products of their patches.
func BenchmarkConv(b *testing.B) {
	b.Run("float32", benchConv[float32])
	b.Run("float64", benchConv[float64])
}

func benchConv[T Float](b *testing.B) {
	for _, c := range []struct{ n, c, side, k, stride, pad int }{{8, 64, 6, 3, 1, 1}, {1, 64, 6, 3, 1, 1}, {8, 64, 26, 4, 2, 1}, {8, 4, 8, 3, 1, 1}} {
		s := ConvShape{
			Window: Window{H: c.k, W: c.k, PadH: c.pad, PadW: c.pad, StrideH: c.stride, StrideW: c.stride, DilationH: 1, DilationW: 1},
			N:      c.n, C: c.c, H: c.side, W: c.side, O: c.c, WO: c.c * c.k * c.k, WK: 1,
		}
		s.OutH = (s.H+2*c.pad-c.k)/c.stride + 1
		s.OutW = s.OutH
		r := rand.New(rand.NewPCG(3, 4))
		x, w, g := fill[T](r, s.N*s.C*s.H*s.W), fill[T](r, s.O*s.WO), fill[T](r, s.N*s.O*s.OutH*s.OutW)
		forward, back, weights := NewConv[T](s), NewConvTransposed[T](s), NewConvWeights[T](s)
		scratch := make([]T, max(forward.Scratch(), back.Scratch(), weights.Scratch()))
		patches, rows, dw := make([]T, s.N*s.OutH*s.OutW*s.WO), make([]T, len(g)), make([]T, len(w))
		name := fmt.Sprintf("%dx%dx%dx%d/", s.N, s.C, s.H, s.W)
		products := float64(len(patches) * s.O)
		run := func(what string, f func()) {
			b.Run(name+what, func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(products*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFMA/s")
			})
		}
		places := s.N * s.OutH * s.OutW
		run("patches", func() { Im2Col(patches, x, s.Window, s.N, s.C, s.H, s.W, s.OutH, s.OutW) })
		run("product", func() { Gemm(false, true, places, s.O, s.WO, patches, s.WO, w, s.WO, false, rows, s.O) })
		run("forward", func() { forward.Run(g, x, w, scratch) })
		run("back", func() { back.Run(x, g, w, scratch) })
		run("weights", func() { weights.Run(dw, x, g, scratch, true) })
	}
}
