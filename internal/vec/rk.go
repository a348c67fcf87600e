package vec

import "math"

// Combine stores y + Σ_j c_j k_j in dst, where k_j is row rows[j] of k, a matrix
// with rows of len(dst). The sum over j is formed first, so that small
// increments keep their digits. dst may be y, but must not overlap the rows used.
//
// Up to eight terms take one pass over memory; more take one pass per eight.
func Combine[T ~float32 | ~float64](dst, y, c []T, rows []int, k []T) {
	n := len(dst)
	if len(c) == 0 {
		copy(dst, y[:n])
		return
	}
	for len(c) > 8 {
		combine8(dst, y, c, rows, k)
		y, c, rows = dst, c[8:], rows[8:]
	}
	dst, y = dst[:n], y[:n]
	switch len(c) {
	case 1:
		c0 := c[0]
		k0 := k[rows[0]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + c0*k0[i]
		}
	case 2:
		c0, c1 := c[0], c[1]
		k0, k1 := k[rows[0]*n:][:n], k[rows[1]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (c0*k0[i] + c1*k1[i])
		}
	case 3:
		c0, c1, c2 := c[0], c[1], c[2]
		k0, k1, k2 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (c0*k0[i] + c1*k1[i] + c2*k2[i])
		}
	case 4:
		c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
		k0, k1, k2, k3 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n], k[rows[3]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (c0*k0[i] + c1*k1[i] + c2*k2[i] + c3*k3[i])
		}
	case 5:
		c0, c1, c2, c3, c4 := c[0], c[1], c[2], c[3], c[4]
		k0, k1, k2, k3 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n], k[rows[3]*n:][:n]
		k4 := k[rows[4]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (c0*k0[i] + c1*k1[i] + c2*k2[i] + c3*k3[i] + c4*k4[i])
		}
	case 6:
		c0, c1, c2, c3, c4, c5 := c[0], c[1], c[2], c[3], c[4], c[5]
		k0, k1, k2, k3 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n], k[rows[3]*n:][:n]
		k4, k5 := k[rows[4]*n:][:n], k[rows[5]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (c0*k0[i] + c1*k1[i] + c2*k2[i] + c3*k3[i] + c4*k4[i] + c5*k5[i])
		}
	case 7:
		c0, c1, c2, c3, c4, c5, c6 := c[0], c[1], c[2], c[3], c[4], c[5], c[6]
		k0, k1, k2, k3 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n], k[rows[3]*n:][:n]
		k4, k5, k6 := k[rows[4]*n:][:n], k[rows[5]*n:][:n], k[rows[6]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (c0*k0[i] + c1*k1[i] + c2*k2[i] + c3*k3[i] + c4*k4[i] + c5*k5[i] + c6*k6[i])
		}
	case 8:
		combine8(dst, y, c, rows, k)
	}
}

func combine8[T ~float32 | ~float64](dst, y, c []T, rows []int, k []T) {
	n := len(dst)
	dst, y = dst[:n], y[:n]
	c0, c1, c2, c3, c4, c5, c6, c7 := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	k0, k1, k2, k3 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n], k[rows[3]*n:][:n]
	k4, k5, k6, k7 := k[rows[4]*n:][:n], k[rows[5]*n:][:n], k[rows[6]*n:][:n], k[rows[7]*n:][:n]
	for i := range dst {
		dst[i] = y[i] + (c0*k0[i] + c1*k1[i] + c2*k2[i] + c3*k3[i] + c4*k4[i] + c5*k5[i] + c6*k6[i] + c7*k7[i])
	}
}

// ScaledRMS returns √(Σ_i (e_i/s_i)² / n) with s_i = atol + rtol·max(|a_i|, |b_i|),
// in float64, for finite a and b. A component with e_i = 0 counts as 0 even if s_i is 0.
func ScaledRMS[T ~float32 | ~float64](e, a, b []T, atol, rtol float64) float64 {
	n := len(e)
	a, b = a[:n], b[:n]
	var sum float64
	for i := range e {
		r := scaled(e[i], a[i], b[i], atol, rtol)
		sum += r * r
	}
	return math.Sqrt(sum / float64(n))
}

// ScaledRMSEach is ScaledRMS with tolerances for each component.
func ScaledRMSEach[T ~float32 | ~float64](e, a, b []T, atol, rtol []float64) float64 {
	n := len(e)
	a, b, atol, rtol = a[:n], b[:n], atol[:n], rtol[:n]
	var sum float64
	for i := range e {
		r := scaled(e[i], a[i], b[i], atol[i], rtol[i])
		sum += r * r
	}
	return math.Sqrt(sum / float64(n))
}

// Scaled stores e_i/s_i, as ScaledRMSEach has them, in r.
func Scaled[T ~float32 | ~float64](r []float64, e, a, b []T, atol, rtol []float64) {
	n := len(r)
	e, a, b, atol, rtol = e[:n], a[:n], b[:n], atol[:n], rtol[:n]
	for i := range r {
		r[i] = scaled(e[i], a[i], b[i], atol[i], rtol[i])
	}
}

func scaled[T ~float32 | ~float64](e, a, b T, atol, rtol float64) float64 {
	if e == 0 {
		return 0
	}
	m, v := math.Abs(float64(a)), math.Abs(float64(b))
	if v > m {
		m = v
	}
	return float64(e) / (atol + rtol*m)
}

// Finite reports whether x has neither NaN nor Inf.
func Finite[T ~float32 | ~float64](x []T) bool {
	var sum T
	for _, v := range x {
		sum += v
	}
	if sum-sum == 0 {
		return true // a NaN or Inf would have stayed in the sum
	}
	return NonFinite(x) < 0
}

// NonFinite returns the index of the first NaN or Inf in x, or -1.
func NonFinite[T ~float32 | ~float64](x []T) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}
