package graph

import (
	"math/rand/v2"
	"testing"
)

// TestPerceptronKernel holds the fused kernel of one hidden layer against the program that
// it replaces, bit for bit, and against a batch that has the sample among others.
func TestPerceptronKernel(t *testing.T) {
	t.Run("float64", testPerceptronKernel[float64])
	t.Run("float32", testPerceptronKernel[float32])
}

func testPerceptronKernel[T Float](t *testing.T) {
	for _, hidden := range []int{16, 50, 64} {
		for dim := 1; dim <= 4; dim++ {
			f, err := NewField[T](testMLP{in: dim, hidden: hidden}, 1, FieldConfig{Shape: []int{dim}})
			if err != nil {
				t.Fatal(err)
			}
			if f.kernel == nil {
				t.Fatalf("%d-%d-%d has no kernel", dim, hidden, dim)
			}
			r := rand.New(rand.NewPCG(1, uint64(dim)))
			random := func(n int) []T {
				x := make([]T, n)
				for i := range x {
					x[i] = T(r.NormFloat64())
				}
				return x
			}
			x, lambda, start := random(dim), random(dim), random(f.NumParams())
			run := func() (y, dx, dtheta []T) {
				y, dx, dtheta = make([]T, dim), make([]T, dim), append([]T(nil), start...)
				f.VJP(y, dx, dtheta, 0, x, lambda)
				again := make([]T, dim)
				f.Eval(again, 0, x)
				sameBits(t, "Eval and VJP", again, y)
				return y, dx, dtheta
			}
			y, dx, dtheta := run()
			kernel := f.kernel
			f.kernel = nil
			wantY, wantDx, wantDtheta := run()
			sameBits(t, "y", y, wantY)
			sameBits(t, "dx", dx, wantDx)
			sameBits(t, "dtheta", dtheta, wantDtheta)
			f.kernel = kernel

			many, err := f.WithBatch(3)
			if err != nil {
				t.Fatal(err)
			}
			xs := append(random(dim), append(x, random(dim)...)...)
			ys := make([]T, 3*dim)
			many.Eval(ys, 0, xs)
			sameBits(t, "y in a batch", y, ys[dim:2*dim])
			if n := testing.AllocsPerRun(20, func() { f.VJP(y, dx, dtheta, 0, x, lambda) }); n > 0 {
				t.Errorf("a VJP allocates %v times", n)
			}
		}
	}
	for _, m := range []testMLP{{in: 2, hidden: 64, timed: true}, {in: 5, hidden: 64}, {in: 2, hidden: 8}} {
		f, err := NewField[T](m, 1, FieldConfig{Shape: []int{m.in}})
		if err != nil {
			t.Fatal(err)
		}
		if f.kernel != nil {
			t.Errorf("%+v has a kernel", m)
		}
	}
}

func sameBits[T Float](t *testing.T, what string, got, want []T) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}
