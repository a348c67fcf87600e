package vec

import (
	"math"
	"unsafe"
)

// Where there is no assembly, the functions of this file are computed in float64 for
// both widths, without branches except for NaN. The loops are written out so that all of their bodies is
// inlined. They share one reduction, z = n·ln2 + r with |r| ≤ ½ln2. The
// polynomials are minimax fits by the Remez algorithm, with relative errors of
// 2⁻⁶⁰ for float64 and 2⁻³¹ for float32.

const (
	log2e = 1 / math.Ln2
	ln2Hi = 6.93147180369123816490e-01 // 32 bits of ln2, so that n·ln2Hi is exact
	ln2Lo = 1.90821492927058770002e-10

	// magic rounds: x+magic has the integer nearest to x in its last bits.
	magic = 3 << 51

	signBit = 1 << 63
)

// reduce splits z = n·ln2 + r and returns r and n. |z| is at most 2²⁰.
func reduce(z float64) (r float64, n int64) {
	k := z*log2e + magic
	n = int64(math.Float64bits(k)<<12) >> 12
	k -= magic
	return (z - k*ln2Hi) - k*ln2Lo, n - magicLow
}

// magicLow is what the last 52 bits of magic hold, as a signed number.
const magicLow = -1 << 51

// expm1Poly is eʳ-1 for |r| ≤ ½ln2.
func expm1Poly(r float64) float64 {
	r2 := r * r
	p := 2.75574027836429494e-7 + r*2.51089778880025632e-8 + r2*2.08752835041937722e-9
	p = 0.0000248015871723874813 + r*2.75572443769536739e-6 + r2*p
	p = 0.00138888888889624389 + r*0.00019841269885963328 + r2*p
	p = 0.0416666666666665087 + r*0.00833333333332169248 + r2*p
	return r + r2*(0.500000000000000001+r*0.166666666666666765+r2*p)
}

// expm1Poly32 is eʳ-1 for |r| ≤ ½ln2 with an error below float32's.
func expm1Poly32(r float64) float64 {
	r2 := r * r
	p01 := 0.500000004416376346 + r*0.166666663704522816
	p23 := 0.0416663609126463947 + r*0.00833338937332550378
	p45 := 0.00139406274108473206 + r*0.00019845875075426313
	return r + r2*(p01+r2*(p23+r2*p45))
}

// cothPoly is R = r·coth(r/2), with which eʳ = (R+r)/(R-r): a polynomial of half
// the length, for functions that divide anyway.
func cothPoly(r float64) float64 {
	z := r * r
	return 2 + z*(0.16666666666666603+z*(-0.00277777777770217787+z*(0.0000661375632285640467+z*(-1.65339035152894444e-6+z*4.13817907811312801e-8))))
}

// cothPoly32 is cothPoly with an error below float32's.
func cothPoly32(r float64) float64 {
	z := r * r
	return 2 + z*(0.166666666146775146+z*(-0.00277775142196369475+z*0.0000657579756273099679))
}

// pow2 is 2ⁿ for -1022 ≤ n ≤ 1023.
func pow2(n int64) float64 { return math.Float64frombits(uint64(n+1023) << 52) }

// selectSign returns x if the sign bit of s is clear and y if it is set.
func selectSign(s uint64, x, y float64) float64 {
	m := uint64(int64(s) >> 63)
	return math.Float64frombits(math.Float64bits(x)&^m | math.Float64bits(y)&m)
}

// clamp returns |x|, at most the number whose bits are limit. NaN becomes that number.
func clamp(x float64, limit uint64) float64 {
	return math.Float64frombits(min(math.Float64bits(x)&^signBit, limit))
}

const (
	bits20  = 0x4034_0000_0000_0000 // tanh(20) rounds to 1
	bits746 = 0x4087_5000_0000_0000 // e⁻⁷⁴⁶ rounds to 0
	bits150 = 0x4062_c000_0000_0000 // e⁻¹⁵⁰ rounds to 0 in float32
)

// withSign returns the non-negative y with the sign of x, or x if it is NaN.
func withSign(y, x float64) float64 {
	if x != x {
		return x
	}
	return math.Float64frombits(math.Float64bits(y) | math.Float64bits(x)&signBit)
}

// wide tells whether T has 64 bits.
func wide[T Float]() bool { return unsafe.Sizeof(T(0)) == 8 }

// Tanh stores tanh(x) in dst, within 2 ulp (in Go, 3). Here it is e/(e+2d), where e/d = e²ˣ-1
// with d = R-r and e = 2ⁿ(R+r)-(R-r), written so that nothing cancels.
func Tanh[T Float](dst, x []T) {
	x = x[:len(dst)]
	if tanhAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	if !wide[T]() {
		for i, v := range x {
			v := float64(v)
			r, n := reduce(2 * clamp(v, bits20))
			s := pow2(n)
			d := cothPoly32(r) - r
			e := s*(r+r) + (s-1)*d
			dst[i] = T(withSign(e/(e+(d+d)), v))
		}
		return
	}
	for i, v := range x {
		v := float64(v)
		r, n := reduce(2 * clamp(v, bits20))
		s := pow2(n)
		d := cothPoly(r) - r
		e := s*(r+r) + (s-1)*d
		dst[i] = T(withSign(e/(e+(d+d)), v))
	}
}

// Sigmoid stores 1/(1+e⁻ˣ) in dst, within 2 ulp (in Go, 3).
func Sigmoid[T Float](dst, x []T) {
	x = x[:len(dst)]
	if sigmoidAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	if !wide[T]() {
		for i, v := range x {
			v := float64(v)
			r, n := reduce(-clamp(v, bits150))
			q := cothPoly32(r)
			d, e := q-r, pow2(n)*(q+r)
			y := selectSign(math.Float64bits(v), d, e) / (d + e)
			if v != v {
				y = v
			}
			dst[i] = T(y)
		}
		return
	}
	for i, v := range x {
		v := float64(v)
		r, n := reduce(-clamp(v, bits746))
		q := cothPoly(r)
		d, e := q-r, pow2(n>>1)*(q+r)*pow2(n-n>>1) // 2ⁿ alone may be subnormal
		y := selectSign(math.Float64bits(v), d, e) / (d + e)
		if v != v {
			y = v
		}
		dst[i] = T(y)
	}
}

// Softplus stores log(1+eˣ) = max(x, 0) + log(1+e⁻|ˣ|) in dst, within 2 ulp.
func Softplus[T Float](dst, x []T) {
	x = x[:len(dst)]
	if softplusAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	if !wide[T]() {
		for i, v := range x {
			v := float64(v)
			r, n := reduce(-clamp(v, bits150))
			s := pow2(n)
			y := log1pUnit(s+s*expm1Poly32(r)) + selectSign(math.Float64bits(v), v, 0)
			if v != v {
				y = v
			}
			dst[i] = T(y)
		}
		return
	}
	for i, v := range x {
		v := float64(v)
		r, n := reduce(-clamp(v, bits746))
		s := pow2(n >> 1)
		y := log1pUnit((s+s*expm1Poly(r))*pow2(n-n>>1)) + selectSign(math.Float64bits(v), v, 0)
		if v != v {
			y = v
		}
		dst[i] = T(y)
	}
}

// log1pUnit is log(1+e) for 0 ≤ e ≤ 1. Above √2, 1+e is halved; then
// log(1+f) = f - (f²/2 - s(f²/2 + R)) with s = f/(2+f), |s| ≤ 0.172, and R by the series of
// the artanh.
func log1pUnit(e float64) float64 {
	over := math.Float64bits((math.Sqrt2 - 1) - e) // sign bit set if halved
	f := selectSign(over, e, 0.5*(e-1))
	s := f / (2 + f)
	z := s * s
	p := 0.181835693860056328 + z*0.153139115735840704 + z*z*0.147974301832501675
	p = 0.285714287431798877 + z*0.222221984835042689 + z*z*p
	p = 0.666666666666673481 + z*0.399999999994115286 + z*z*p
	h := 0.5 * f * f
	return selectSign(over, 0, math.Ln2) + (f - (h - s*(h+z*p)))
}

// Exp stores eˣ in dst, within 2 ulp.
func Exp[T Float](dst, x []T) {
	x = x[:len(dst)]
	if expAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	if !wide[T]() {
		for i, v := range x {
			v := float64(v)
			r, n := reduce(withSign(clamp(v, bits150), v))
			s := pow2(n)
			dst[i] = T(s + s*expm1Poly32(r))
		}
		return
	}
	for i, v := range x {
		v := float64(v)
		r, n := reduce(withSign(clamp(v, bits746), v))
		s := pow2(n >> 1)
		dst[i] = T((s + s*expm1Poly(r)) * pow2(n-n>>1))
	}
}

// Expm1 stores eˣ-1 in dst, within 2 ulp.
func Expm1[T Float](dst, x []T) {
	x = x[:len(dst)]
	if !expm1Asm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		apply(dst, x, math.Expm1)
	}
}

// Log stores the natural logarithm of x in dst, within 2 ulp.
func Log[T Float](dst, x []T) {
	x = x[:len(dst)]
	if !logAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		apply(dst, x, logarithm)
	}
}

// logarithm is math.Log, which is wrong for subnormal numbers on some architectures.
func logarithm(x float64) float64 {
	if 0 < x && x < 0x1p-1022 {
		return math.Log(x*0x1p54) - 54*math.Ln2
	}
	return math.Log(x)
}

// Log1p stores log(1+x) in dst, within 2 ulp.
func Log1p[T Float](dst, x []T) {
	x = x[:len(dst)]
	if !log1pAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		apply(dst, x, math.Log1p)
	}
}

// NormalCDF stores Φ(x) = ½ erfc(-x/√2) in dst, within 3 ulp (in Go, 5: those of math.Erfc).
func NormalCDF[T Float](dst, x []T) {
	x = x[:len(dst)]
	if !normalCDFAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		apply(dst, x, normalCDF)
	}
}

// normalCDF corrects the complementary error function for the rounding of its argument, by
// its derivative.
func normalCDF(x float64) float64 {
	const rootRest = -9.667293313452913e-17 // √2 less its float64
	a := -x / math.Sqrt2
	y := math.Erfc(a)
	if a < 0 || y == 0 {
		return 0.5 * y
	}
	lost := (math.FMA(-a, math.Sqrt2, -x) - a*rootRest) / math.Sqrt2
	return 0.5 * (y - 2/math.SqrtPi*math.Exp(-a*a)*lost)
}

// longestVector is the number of elements of the longest register. The kernels of sin and cos
// stop before a vector with an element that is too large for them; then as many
// elements are computed alone.
const longestVector = 16

// Sin stores sin(x) in dst, within 2 ulp.
func Sin[T Float](dst, x []T) {
	x = x[:len(dst)]
	for len(dst) > 0 {
		var done int
		if !sinAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst), &done) {
			apply(dst, x, math.Sin)
			return
		}
		dst, x = dst[done:], x[done:]
		for range min(longestVector, len(dst)) {
			sinAsm(unsafe.SliceData(dst), unsafe.SliceData(x), 1, &done)
			if done == 0 {
				apply(dst[:1], x[:1], math.Sin)
			}
			dst, x = dst[1:], x[1:]
		}
	}
}

// Cos stores cos(x) in dst, within 2 ulp.
func Cos[T Float](dst, x []T) {
	x = x[:len(dst)]
	for len(dst) > 0 {
		var done int
		if !cosAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst), &done) {
			apply(dst, x, math.Cos)
			return
		}
		dst, x = dst[done:], x[done:]
		for range min(longestVector, len(dst)) {
			cosAsm(unsafe.SliceData(dst), unsafe.SliceData(x), 1, &done)
			if done == 0 {
				apply(dst[:1], x[:1], math.Cos)
			}
			dst, x = dst[1:], x[1:]
		}
	}
}

// apply stores f(x), computed in float64, in dst.
func apply[T Float](dst, x []T, f func(float64) float64) {
	for i, v := range x {
		dst[i] = T(f(float64(v)))
	}
}
