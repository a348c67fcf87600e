package vec

import (
	"math"
	"testing"
)

// FuzzMath holds the functions of one argument against their references, at any
// argument in the range of the scans, and all instruction sets with vectors against each other.
func FuzzMath(f *testing.F) {
	for _, x := range []float64{0, 1, -1, 0.5, 0x1p-1022, 5e-324, 1e-20, -745.2, 709.8, 20, -20, 0.3466, 0.2599, math.Inf(1), math.NaN()} {
		f.Add(math.Float64bits(x))
	}
	f.Fuzz(func(t *testing.T, bits uint64) {
		x := math.Float64frombits(bits)
		fuzzMath(t, x)
		fuzzMath(t, float32(x))
		fuzzMath(t, math.Float32frombits(uint32(bits)))
	})
}

func fuzzMath[T Float](t *testing.T, x T) {
	for _, k := range mathKernels[T]() {
		inside := k.lo <= float64(x) && float64(x) <= k.hi && x != 0
		var want dd
		if inside {
			want = k.exact(dd{float64(x), 0})
		}
		var vectors []T
		forEachLevel(t, func(t *testing.T) {
			y := [1]T{T(math.NaN())}
			k.f(y[:], []T{x})
			limit := ulpLimit(k.name)
			if vectorBytes() > 0 {
				vectors = append(vectors, y[0])
			}
			if inside {
				if u := ulps(y[0], want); !(u <= limit) {
					t.Errorf("%s(%v) = %v, %.2f ulp from %v", k.name, x, y[0], u, want.hi)
				}
			} else if x != x && y[0] == y[0] {
				t.Errorf("%s(NaN) = %v", k.name, y[0])
			}
		})
		for _, y := range vectors {
			if !same(y, vectors[0]) {
				t.Errorf("%s(%v) = %v with one instruction set, %v with another", k.name, x, vectors[0], y)
			}
		}
	}
}
