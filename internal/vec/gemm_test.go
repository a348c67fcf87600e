package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func fill[T Float](r *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.NormFloat64())
	}
	return x
}

func testGemm[T Float](t *testing.T, eps float64) {
	r := rand.New(rand.NewPCG(1, 2))
	sizes := []int{0, 1, 2, 3, 4, 5, 8, 17, 33, 70}
	for _, m := range sizes {
		for _, n := range sizes {
			for _, k := range sizes {
				for flags := range 8 {
					tA, tB, add := flags&1 != 0, flags&2 != 0, flags&4 != 0
					ra, ca, rb, cb := m, k, k, n
					if tA {
						ra, ca = ca, ra
					}
					if tB {
						rb, cb = cb, rb
					}
					lda, ldb, ldc := ca+r.IntN(3), cb+r.IntN(3), n+r.IntN(3)
					a, b, c := fill[T](r, ra*lda+1), fill[T](r, rb*ldb+1), fill[T](r, m*ldc+1)
					want := make([]float64, len(c))
					tol := make([]float64, len(c))
					for i := range c {
						want[i] = float64(c[i])
					}
					for i := range m {
						for j := range n {
							s, abs := 0.0, 0.0
							if add {
								s = want[i*ldc+j]
								abs = math.Abs(s)
							} else {
								c[i*ldc+j] = T(math.NaN())
							}
							for l := range k {
								ai, bi := i*lda+l, l*ldb+j
								if tA {
									ai = l*lda + i
								}
								if tB {
									bi = j*ldb + l
								}
								p := float64(a[ai]) * float64(b[bi])
								s += p
								abs += math.Abs(p)
							}
							want[i*ldc+j], tol[i*ldc+j] = s, abs*eps*float64(k+2)
						}
					}
					Gemm(tA, tB, m, n, k, a, max(lda, 1), b, max(ldb, 1), add, c, max(ldc, 1))
					for i := range c {
						if !(math.Abs(float64(c[i])-want[i]) <= tol[i]) {
							t.Fatalf("%v %v m=%d n=%d k=%d add=%v: element %d is %v, want %v", tA, tB, m, n, k, add, i, c[i], want[i])
						}
					}
				}
			}
		}
	}
}

func TestGemm(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testGemm[float64](t, 1.2e-16) })
	t.Run("float32", func(t *testing.T) { testGemm[float32](t, 6e-8) })
}

func TestGemmAllocs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a, b, c := fill[float64](r, 300*300), fill[float64](r, 300*300), fill[float64](r, 300*300)
	sizes := []int{1, 2, 9, 64, 300}
	for _, m := range sizes {
		for _, n := range sizes {
			for _, k := range sizes {
				for flags := range 4 {
					tA, tB := flags&1 != 0, flags&2 != 0
					if got := testing.AllocsPerRun(1, func() { Gemm(tA, tB, m, n, k, a, 300, b, 300, false, c, 300) }); got != 0 {
						t.Errorf("m=%d n=%d k=%d %v %v: %v allocations", m, n, k, tA, tB, got)
					}
				}
			}
		}
	}
}

func BenchmarkGemm(b *testing.B) {
	b.Run("float64", benchmarkGemm[float64])
	b.Run("float32", benchmarkGemm[float32])
}

func benchmarkGemm[T Float](b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range [][3]int{{1, 64, 2}, {1, 2, 64}, {1, 64, 64}, {1024, 64, 2}, {1024, 2, 64}, {1024, 64, 64}, {64, 2, 1024}, {2, 64, 1024}, {64, 64, 1024}, {64, 2, 1}} {
		m, n, k := s[0], s[1], s[2]
		x, y, z := fill[T](r, m*k), fill[T](r, k*n), fill[T](r, m*n)
		for flags, name := range []string{"NN", "TN", "NT"} {
			tA, tB := flags == 1, flags == 2
			lda, ldb := k, n
			if tA {
				lda = m
			}
			if tB {
				ldb = k
			}
			b.Run(fmt.Sprintf("%d×%d×%d/%s/auto", m, n, k, name), func(b *testing.B) {
				for b.Loop() {
					Gemm(tA, tB, m, n, k, x, lda, y, ldb, false, z, n)
				}
				b.ReportMetric(float64(m*n*k)/float64(b.Elapsed().Nanoseconds())*float64(b.N), "madd/ns")
			})
		}
	}
}
