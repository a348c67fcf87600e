package butcher

import "math"

// SnapToInteger returns x without rounding errors where it is 0 or 1 up to them. The
// forward and the reverse pass of a method have to agree on its nodes bit for bit.
func SnapToInteger(x float64) float64 {
	if r := math.Round(x); (r == 0 || r == 1) && math.Abs(x-r) < 1e-12 {
		return r
	}
	return x
}
