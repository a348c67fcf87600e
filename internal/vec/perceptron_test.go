package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestPerceptron holds the fused kernels against the products and functions that they
// fuse, bit for bit, for every number of hidden units left over after whole blocks.
func TestPerceptron(t *testing.T) {
	t.Run("float64", testPerceptron[float64])
	t.Run("float32", testPerceptron[float32])
}

func testPerceptron[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	fill := func(n int) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(r.NormFloat64())
		}
		return x
	}
	forEachLevel(t, func(t *testing.T) {
		for d := 1; d <= maxPerceptron; d++ {
			for h := 16; h <= 82; h++ {
				const gap = 3
				w1 := gap
				b1 := w1 + d*h + gap
				w2 := b1 + h + gap
				b2 := w2 + d*h + gap
				p := NewPerceptron[T](d, h, w1, b1, w2, b2)
				if p == nil {
					t.Fatalf("no network of %d-%d-%d", d, h, d)
				}
				theta, start := fill(b2+d+gap), fill(b2+d+gap)
				for trial := range 3 {
					x, lambda := fill(d), fill(d)
					switch trial {
					case 1:
						x[d-1] = T(math.Inf(1))
					case 2:
						lambda[0] = T(math.NaN())
					}
					what := fmt.Sprintf("%d-%d-%d, x = %v", d, h, d, x)
					y, dx, dtheta := fill(d), fill(d), append([]T(nil), start...)
					p.Value(y, theta, x)
					p.Grad(dx, dtheta, theta, x, lambda)

					z, g, wantY, wantDx, want := make([]T, h), make([]T, h), make([]T, d), make([]T, d), append([]T(nil), start...)
					GemmBias(false, false, 1, h, d, x, d, theta[w1:], h, theta[b1:], z, h)
					Tanh(z, z)
					if GemmBias(false, false, 1, d, h, z, h, theta[w2:], d, theta[b2:], wantY, d); d == 1 {
						Gemm(false, false, 1, d, h, z, h, theta[w2:], d, false, wantY, d)
						Add(wantY, wantY, theta[b2:])
					}
					Gemm(false, true, 1, h, d, lambda, d, theta[w2:], d, false, g, h)
					TanhGrad(g, g, z)
					Gemm(false, true, 1, d, h, g, h, theta[w1:], h, false, wantDx, d)
					Gemm(true, false, d, h, 1, x, d, g, h, true, want[w1:], h)
					Add(want[b1:][:h], want[b1:], g)
					Gemm(true, false, h, d, 1, z, h, lambda, d, true, want[w2:], d)
					Add(want[b2:][:d], want[b2:], lambda)
					sameAll(t, what+": y", y, wantY)
					sameAll(t, what+": dx", dx, wantDx)
					sameAll(t, what+": dtheta", dtheta, want)
				}
			}
		}
	})
	for _, shape := range [][2]int{{0, 64}, {5, 64}, {2, 8}, {2, 513}} {
		if NewPerceptron[T](shape[0], shape[1], 0, 0, 0, 0) != nil {
			t.Errorf("a kernel for %d inputs and %d hidden units", shape[0], shape[1])
		}
	}
}

func sameAll[T Float](t *testing.T, what string, got, want []T) {
	t.Helper()
	for i := range want {
		if !same(got[i], want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func BenchmarkPerceptron(b *testing.B) {
	const d, h = 2, 64
	p := NewPerceptron[float64](d, h, 0, d*h, d*h+h, 2*d*h+h)
	theta, dtheta, x, y, l := make([]float64, 2*d*h+h+d), make([]float64, 2*d*h+h+d), []float64{.3, -.4}, make([]float64, d), []float64{1e-9, 1e-9}
	for i := range theta {
		theta[i] = math.Sin(float64(i))
	}
	b.Run("value", func(b *testing.B) {
		for b.Loop() {
			p.Value(y, theta, x)
		}
	})
	b.Run("grad", func(b *testing.B) {
		for b.Loop() {
			p.Grad(y, dtheta, theta, x, l)
		}
	})
}
