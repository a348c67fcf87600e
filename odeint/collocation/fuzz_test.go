package collocation

import (
	"encoding/binary"
	"math"
	"testing"
)

// Any samples are fitted or refused with an error; of what was fitted, every estimate is a
// number or an error.
func FuzzCurves(f *testing.F) {
	floats := func(v ...float64) (b []byte) {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		return b
	}
	f.Add(byte(0), 0.0, 0.5, floats(0, 1, 1, 2, 2, 4, 3, 1, 4, 0))
	f.Add(byte(1), 0.0, 1e-3, floats(0, 1e160, 1, -1e160, 2, 1e300, 3, math.NaN(), 4, 0))
	f.Add(byte(2), math.MaxFloat64, 0.0, floats(0, 1, 1e-300, 2, 1, 4))
	f.Add(byte(3), 5e-324, 2.0, floats(1.7e9, 1, 1.7e9+1, 2, 1.7e9+2, 4, 1.7e9+9, 4))
	f.Fuzz(func(t *testing.T, kind byte, parameter, at float64, data []byte) {
		var times, values []float64
		for i := 0; i+16 <= len(data) && i < 16*40; i += 16 {
			times = append(times, math.Float64frombits(binary.LittleEndian.Uint64(data[i:])))
			values = append(values, math.Float64frombits(binary.LittleEndian.Uint64(data[i+8:])))
		}
		if len(times) == 0 {
			return
		}
		var c *Curve[float64]
		var err error
		switch kind % 5 {
		case 0:
			c, err = Local(times, values, LocalOptions{MaxOrder: int(kind/5) % 3, Extra: int(kind/16) % 4})
		case 1:
			c, err = Local(times, values, LocalOptions{Kernel: Kernels()[int(kind/5)%len(Kernels())], Width: CrossValidation{Folds: 3}})
		case 2:
			c, err = Spline(times, values, SplineOptions{Lambda: parameter})
		case 3:
			c, err = Spline(times, values, SplineOptions{})
		default:
			c, err = Local(times, values, LocalOptions{Width: Fixed(parameter)})
		}
		if err != nil {
			return
		}
		first, last := c.Interval()
		u := make([]float64, 1)
		for _, when := range append(times, first+at*(last-first), at) {
			for order := range c.MaxOrder() + 1 {
				u[0] = 0
				if err := c.Derivative(u, order, when); err == nil && u[0]-u[0] != 0 {
					t.Fatalf("derivative %d at %v is %v", order, when, u[0])
				}
			}
		}
		for _, s := range c.Smoothing() {
			if math.IsNaN(s.Score) || math.IsNaN(s.DoF) || math.IsNaN(s.Lambda) {
				t.Fatalf("%+v", s)
			}
		}
	})
}
