package vec

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPatches compares Im2Col and Col2Im with their definition, for windows of all kinds
// and images that do and do not fit on the stack. Small whole numbers make sums exact.
func TestPatches(t *testing.T) {
	t.Run("float64", testPatches[float64])
	t.Run("float32", testPatches[float32])
}

func testPatches[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, image := range [][2]int{{1, 1}, {3, 5}, {6, 6}, {7, 4}, {60, 50}} {
		for range 60 {
			w := Window{
				H: 1 + r.IntN(4), W: 1 + r.IntN(5), PadH: r.IntN(3), PadW: r.IntN(3),
				StrideH: 1 + r.IntN(3), StrideW: 1 + r.IntN(3), DilationH: 1 + r.IntN(2), DilationW: 1 + r.IntN(2),
			}
			n, c, h, wd := 2, 1+r.IntN(3), image[0], image[1]
			outH := (h+2*w.PadH-(w.H-1)*w.DilationH-1)/w.StrideH + 1
			outW := (wd+2*w.PadW-(w.W-1)*w.DilationW-1)/w.StrideW + 1
			if h+2*w.PadH <= (w.H-1)*w.DilationH || wd+2*w.PadW <= (w.W-1)*w.DilationW {
				continue
			}
			numbers := func(size int) []T {
				x := make([]T, size)
				for i := range x {
					x[i] = T(r.IntN(19) - 9)
				}
				return x
			}
			x, g := numbers(n*c*h*wd), numbers(n*outH*outW*c*w.H*w.W)
			patches, sums := make([]T, len(g)), make([]T, len(x))
			w.patches(n, c, h, wd, outH, outW, func(at, pixel int) {
				if pixel >= 0 {
					patches[at] = x[pixel]
					sums[pixel] += g[at]
				}
			})
			got, back := numbers(len(g)), numbers(len(x))
			Im2Col(got, x, w, n, c, h, wd, outH, outW)
			Col2Im(back, g, w, n, c, h, wd, outH, outW)
			if !slices.Equal(got, patches) || !slices.Equal(back, sums) {
				t.Fatalf("%+v of (%d, %d, %d, %d): wrong patches or sums", w, n, c, h, wd)
			}
		}
	}
}
