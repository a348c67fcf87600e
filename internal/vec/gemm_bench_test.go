package vec

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// gemmShapes are those of _gen/openblas: m, n, k.
var gemmShapes = []struct {
	form    string
	m, n, k int
}{
	{"NN", 64, 64, 64}, {"NT", 64, 64, 64}, {"TN", 64, 64, 64},
	{"NN", 128, 128, 128}, {"NT", 128, 128, 128}, {"TN", 128, 128, 128},
	{"NN", 256, 256, 256}, {"NT", 256, 256, 256}, {"TN", 256, 256, 256},
	{"NN", 512, 512, 512}, {"NT", 512, 512, 512}, {"TN", 512, 512, 512},
	{"NN", 1, 64, 2}, {"NN", 1, 2, 64}, {"NT", 1, 64, 2}, {"NT", 1, 2, 64}, {"TN", 2, 64, 1}, {"TN", 64, 2, 1},
	{"NN", 64, 64, 2}, {"NN", 64, 2, 64}, {"NT", 64, 64, 2}, {"NT", 64, 2, 64}, {"TN", 2, 64, 64}, {"TN", 64, 2, 64},
	{"NN", 1024, 64, 2}, {"NN", 1024, 2, 64}, {"NT", 1024, 64, 2}, {"NT", 1024, 2, 64}, {"TN", 2, 64, 1024}, {"TN", 64, 2, 1024},
	{"NN", 256, 256, 64}, {"NN", 256, 64, 256}, {"NT", 256, 256, 64}, {"NT", 256, 64, 256}, {"TN", 64, 256, 256}, {"TN", 256, 64, 256},
	{"NN", 512, 256, 64}, {"NN", 512, 256, 256}, {"NN", 512, 64, 256}, {"NT", 512, 256, 64}, {"NT", 512, 256, 256}, {"NT", 512, 64, 256},
	{"TN", 64, 256, 512}, {"TN", 256, 256, 512}, {"TN", 256, 64, 512},
}

func BenchmarkGemm(b *testing.B) {
	benchEachLevel(b, func(b *testing.B) {
		benchmarkGemm[float64](b)
		benchmarkGemm[float32](b)
	})
}

// The time is the least of many repetitions, as in _gen/openblas: the mean of a busy
// machine says little.
func benchmarkGemm[T Float](b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range gemmShapes {
		transA, transB := s.form[0] == 'T', s.form[1] == 'T'
		x, y, z := fill[T](r, s.m*s.k), fill[T](r, s.k*s.n), make([]T, s.m*s.n)
		lda, ldb := s.k, s.n
		if transA {
			lda = s.m
		}
		if transB {
			ldb = s.k
		}
		b.Run(fmt.Sprintf("%T/%s/%d×%d×%d", x[0], s.form, s.m, s.n, s.k), func(b *testing.B) {
			repeat := 1 + 100000/(s.m*s.n*s.k)
			least := time.Duration(1 << 62)
			for b.Loop() {
				begin := time.Now()
				for range repeat {
					Gemm(transA, transB, s.m, s.n, s.k, x, lda, y, ldb, false, z, s.n)
				}
				least = min(least, time.Since(begin))
			}
			b.ReportMetric(2*float64(s.m*s.n*s.k)*float64(repeat)/float64(least.Nanoseconds()), "Gflop/s")
		})
	}
}
