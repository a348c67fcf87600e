package vec

import "testing"

// TestNoAllocation: kernels do not allocate, and do not make their callers' arrays escape.
func TestNoAllocation(t *testing.T) {
	var x, y, z [130]float64
	var narrow [130]float32
	rows := [2]int{0, 1}
	tol := make([]float64, 130)
	forEachLevel(t, func(t *testing.T) {
		if n := testing.AllocsPerRun(10, func() {
			var a, b [130]float64
			var c, d [130]float32
			Add(a[:], x[:], y[:])
			Sin(b[:], a[:])
			Tanh(a[:], b[:])
			Tanh(c[:], narrow[:])
			Log(d[:], c[:])
			Fill(b[:], 1)
			Combine(z[:65], y[:], tol[:2], rows[:], x[:])
			SumRows(a[:65], x[:], 2, false)
			x[0] += ScaledRMS(a[:], b[:], x[:], 1, 1) + ScaledRMSEach(a[:], b[:], x[:], tol, b[:])
			Scaled(tol, a[:], b[:], x[:], tol, y[:])
			if !Finite(a[:]) {
				Fill(narrow[:], 0)
			}
		}); n > 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
