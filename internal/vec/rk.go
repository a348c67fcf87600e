package vec

import (
	"math"
	"slices"
	"unsafe"
)

// Combine stores y + Σ_j c_j k_j in dst, where k_j is row rows[j] of k, a matrix
// with rows of len(dst). The sum over j is formed first, so that small
// increments keep their digits. dst may be y, but must not overlap the rows used.
func Combine[T ~float32 | ~float64](dst, y, c []T, rows []int, k []T) {
	n := len(dst)
	if len(c) == 0 {
		copy(dst, y[:n])
		return
	}
	y, k = y[:n], k[:(slices.Max(rows)+1)*n]
	if combineAsm(unsafe.SliceData(dst), unsafe.SliceData(y), unsafe.SliceData(c), unsafe.SliceData(rows), len(c), unsafe.SliceData(k), n) {
		return
	}
	combineGo(dst, y, c, rows, k)
}

// combineGo is Combine for one term or more. The products are rounded before they are added on
// every architecture.
func combineGo[T Float](dst, y, c []T, rows []int, k []T) {
	n := len(dst)
	y = y[:n]
	switch len(c) {
	case 1:
		c0 := c[0]
		k0 := k[rows[0]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + T(c0*k0[i])
		}
	case 2:
		c0, c1 := c[0], c[1]
		k0, k1 := k[rows[0]*n:][:n], k[rows[1]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (T(c0*k0[i]) + T(c1*k1[i]))
		}
	case 3:
		c0, c1, c2 := c[0], c[1], c[2]
		k0, k1, k2 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (T(c0*k0[i]) + T(c1*k1[i]) + T(c2*k2[i]))
		}
	case 4:
		c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
		k0, k1, k2, k3 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n], k[rows[3]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (T(c0*k0[i]) + T(c1*k1[i]) + T(c2*k2[i]) + T(c3*k3[i]))
		}
	case 5:
		c0, c1, c2, c3, c4 := c[0], c[1], c[2], c[3], c[4]
		k0, k1, k2, k3 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n], k[rows[3]*n:][:n]
		k4 := k[rows[4]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (T(c0*k0[i]) + T(c1*k1[i]) + T(c2*k2[i]) + T(c3*k3[i]) + T(c4*k4[i]))
		}
	case 6:
		c0, c1, c2, c3, c4, c5 := c[0], c[1], c[2], c[3], c[4], c[5]
		k0, k1, k2, k3 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n], k[rows[3]*n:][:n]
		k4, k5 := k[rows[4]*n:][:n], k[rows[5]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (T(c0*k0[i]) + T(c1*k1[i]) + T(c2*k2[i]) + T(c3*k3[i]) + T(c4*k4[i]) + T(c5*k5[i]))
		}
	case 7:
		c0, c1, c2, c3, c4, c5, c6 := c[0], c[1], c[2], c[3], c[4], c[5], c[6]
		k0, k1, k2, k3 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n], k[rows[3]*n:][:n]
		k4, k5, k6 := k[rows[4]*n:][:n], k[rows[5]*n:][:n], k[rows[6]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (T(c0*k0[i]) + T(c1*k1[i]) + T(c2*k2[i]) + T(c3*k3[i]) + T(c4*k4[i]) + T(c5*k5[i]) + T(c6*k6[i]))
		}
	case 8:
		c0, c1, c2, c3, c4, c5, c6, c7 := c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
		k0, k1, k2, k3 := k[rows[0]*n:][:n], k[rows[1]*n:][:n], k[rows[2]*n:][:n], k[rows[3]*n:][:n]
		k4, k5, k6, k7 := k[rows[4]*n:][:n], k[rows[5]*n:][:n], k[rows[6]*n:][:n], k[rows[7]*n:][:n]
		for i := range dst {
			dst[i] = y[i] + (T(c0*k0[i]) + T(c1*k1[i]) + T(c2*k2[i]) + T(c3*k3[i]) + T(c4*k4[i]) + T(c5*k5[i]) + T(c6*k6[i]) + T(c7*k7[i]))
		}
	default:
		combineMany(dst, y, c, rows, k)
	}
}

// combineMany is combineGo for any number of terms, with the sums of a block in the
// first cache.
func combineMany[T Float](dst, y, c []T, rows []int, k []T) {
	n := len(dst)
	var sums [128]T
	for p := 0; p < n; p += len(sums) {
		s := sums[:min(len(sums), n-p)]
		c0, k0 := c[0], k[rows[0]*n+p:][:len(s)]
		for i := range s {
			s[i] = c0 * k0[i]
		}
		for j, r := range rows[1:] {
			cj, kj := c[j+1], k[r*n+p:][:len(s)]
			for i := range s {
				s[i] += T(cj * kj[i])
			}
		}
		Add(dst[p:p+len(s)], y[p:], s)
	}
}

// ScaledRMS returns √(Σ_i (e_i/s_i)² / n) with s_i = atol + rtol·max(|a_i|, |b_i|),
// in float64, for finite a and b. A component with e_i = 0 counts as 0 even if s_i is 0.
func ScaledRMS[T ~float32 | ~float64](e, a, b []T, atol, rtol float64) float64 {
	n := len(e)
	a, b = a[:n], b[:n]
	var sum float64
	if !scaledRMSAsm(unsafe.SliceData(e), unsafe.SliceData(a), unsafe.SliceData(b), atol, rtol, &sum, n) {
		var s [8]float64
		for i := range e {
			r := scaled(e[i], a[i], b[i], atol, rtol)
			s[i&7] += float64(r * r)
		}
		sum = sum8(&s)
	}
	return math.Sqrt(sum / float64(n))
}

// ScaledRMSEach is ScaledRMS with tolerances for each component.
func ScaledRMSEach[T ~float32 | ~float64](e, a, b []T, atol, rtol []float64) float64 {
	n := len(e)
	a, b, atol, rtol = a[:n], b[:n], atol[:n], rtol[:n]
	var sum float64
	if !scaledRMSEachAsm(unsafe.SliceData(e), unsafe.SliceData(a), unsafe.SliceData(b), unsafe.SliceData(atol), unsafe.SliceData(rtol), &sum, n) {
		var s [8]float64
		for i := range e {
			r := scaled(e[i], a[i], b[i], atol[i], rtol[i])
			s[i&7] += float64(r * r)
		}
		sum = sum8(&s)
	}
	return math.Sqrt(sum / float64(n))
}

// sum8 adds halves of halves, as the vector registers do. Element i of a norm is part of
// sum i modulo 8, so that the order does not depend on the instruction set.
func sum8(s *[8]float64) float64 {
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

// Scaled stores e_i/s_i, as ScaledRMSEach has them, in r.
func Scaled[T ~float32 | ~float64](r []float64, e, a, b []T, atol, rtol []float64) {
	n := len(r)
	e, a, b, atol, rtol = e[:n], a[:n], b[:n], atol[:n], rtol[:n]
	if scaledAsm(unsafe.SliceData(e), unsafe.SliceData(a), unsafe.SliceData(b), unsafe.SliceData(atol), unsafe.SliceData(rtol), unsafe.SliceData(r), n) {
		return
	}
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
	return float64(e) / (atol + float64(rtol*m))
}

// Finite reports whether x has neither NaN nor Inf.
func Finite[T ~float32 | ~float64](x []T) bool {
	var bad int
	if len(x) > 8 && nonFiniteAsm(unsafe.SliceData(x), &bad, len(x)) { // a call costs more than a few additions
		return bad == 0
	}
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
