package gradtest

import (
	"math"
	"testing"
)

// RelErr returns max_i |got_i − want_i| / max_i |want_i|, the absolute error if
// want is all zero, and NaN if any number is NaN.
func RelErr[T, U Float](got []T, want []U) float64 {
	err, _ := relErr(got, want)
	return err
}

// Close fails the test if RelErr exceeds tol or the lengths differ, and names
// the worst component.
func Close[T, U Float](tb testing.TB, name string, got []T, want []U, tol float64) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Errorf("%s: length %d, want %d", name, len(got), len(want))
		return
	}
	if err, i := relErr(got, want); !(err <= tol) {
		tb.Errorf("%s: relative error %.3g above %.3g; worst at [%d]: %.17g, want %.17g",
			name, err, tol, i, float64(got[i]), float64(want[i]))
	}
}

// relErr returns the relative error and the component it is largest at.
func relErr[T, U Float](got []T, want []U) (err float64, at int) {
	if len(got) != len(want) {
		panic("gradtest: slice length mismatch")
	}
	var scale float64
	for i, w := range want {
		d := math.Abs(float64(got[i]) - float64(w))
		if math.IsNaN(d) {
			return math.NaN(), i
		}
		if d > err {
			err, at = d, i
		}
		scale = max(scale, math.Abs(float64(w)))
	}
	if scale > 0 {
		err /= scale
	}
	return err, at
}

// Unchanged returns a function that fails the test if x has changed, bit
// for bit, since.
func Unchanged[T Float](tb testing.TB, name string, x []T) func() {
	before := append([]T(nil), x...)
	return func() {
		tb.Helper()
		for i, v := range x {
			if v != before[i] && !(math.IsNaN(float64(v)) && math.IsNaN(float64(before[i]))) {
				tb.Errorf("%s was modified: [%d] is %v, was %v", name, i, v, before[i])
				return
			}
		}
	}
}

// NaNs returns n NaNs: a destination that shows what was not written.
func NaNs[T Float](n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(math.NaN())
	}
	return x
}
