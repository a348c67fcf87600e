package vec

import (
	"math"
	"math/rand/v2"
	"testing"
)

func testTranspose[T Float](t *testing.T) {
	const guard = 8
	r := rand.New(rand.NewPCG(1, 2))
	for rows := range 23 {
		for cols := range 23 {
			src, lds := spread[T](r, rows, cols)
			ldd := rows + r.IntN(3)
			buf := make([]T, guard+cols*ldd+guard)
			for i := range buf {
				buf[i] = T(math.NaN())
			}
			dst := buf[guard:][:max(0, (cols-1)*ldd+rows)]
			Transpose(dst, max(ldd, 1), src, lds, rows, cols)
			for i := range rows {
				for j := range cols {
					x := &dst[j*ldd+i]
					if *x != src[i*lds+j] {
						t.Fatalf("%T %d×%d: element %d, %d is %v, want %v", *x, rows, cols, j, i, *x, src[i*lds+j])
					}
					*x = T(math.NaN())
				}
			}
			for i, x := range buf {
				if x == x {
					t.Fatalf("%T %d×%d: wrote %d outside of the result", x, rows, cols, i-guard)
				}
			}
		}
	}
}

func TestTranspose(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		testTranspose[float64](t)
		testTranspose[float32](t)
	})
}
