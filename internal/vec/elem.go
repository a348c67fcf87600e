package vec

import (
	"math"
	"unsafe"
)

// Fill stores x in dst.
func Fill[T Float](dst []T, x T) {
	if fillAsm(unsafe.SliceData(dst), x, len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = x
	}
}

// Add stores a+b in dst.
func Add[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if addAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// Sub stores a-b in dst.
func Sub[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if subAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

// Mul stores a·b in dst, element by element.
func Mul[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if mulAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

// Div stores a/b in dst.
func Div[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if divAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = a[i] / b[i]
	}
}

// Pow stores aᵇ in dst, with the special cases of math.Pow.
func Pow[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = T(math.Pow(float64(a[i]), float64(b[i])))
	}
}

// Min stores the smaller of a and b in dst, or NaN if one of them is.
func Min[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if minAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = min(a[i], b[i])
	}
}

// Max stores the larger of a and b in dst, or NaN if one of them is.
func Max[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if maxAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = max(a[i], b[i])
	}
}

// Less stores 1 where a < b and 0 elsewhere.
func Less[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if lessAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = indicator[T](a[i] < b[i])
	}
}

// LessEqual stores 1 where a ≤ b and 0 elsewhere.
func LessEqual[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if lessEqualAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = indicator[T](a[i] <= b[i])
	}
}

// Equal stores 1 where a = b and 0 elsewhere.
func Equal[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if equalAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = indicator[T](a[i] == b[i])
	}
}

// NotEqual stores 1 where a ≠ b and 0 elsewhere.
func NotEqual[T Float](dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if notEqualAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), len(dst)) {
		return
	}
	for i := range dst {
		dst[i] = indicator[T](a[i] != b[i])
	}
}

func indicator[T Float](b bool) T {
	if b {
		return 1
	}
	return 0
}

// Copy stores x in dst.
func Copy[T Float](dst, x []T) { copy(dst, x[:len(dst)]) }

// Neg stores -x in dst.
func Neg[T Float](dst, x []T) {
	x = x[:len(dst)]
	if negAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = -v
	}
}

// Abs stores |x| in dst.
func Abs[T Float](dst, x []T) {
	x = x[:len(dst)]
	if absAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(math.Abs(float64(v)))
	}
}

// Sign stores -1, 0 or 1 in dst, or NaN where x is.
func Sign[T Float](dst, x []T) {
	x = x[:len(dst)]
	if signAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		switch {
		case v > 0:
			v = 1
		case v < 0:
			v = -1
		}
		dst[i] = v
	}
}

// Square stores x² in dst.
func Square[T Float](dst, x []T) {
	x = x[:len(dst)]
	if squareAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = v * v
	}
}

// Cube stores x³ in dst.
func Cube[T Float](dst, x []T) {
	x = x[:len(dst)]
	if cubeAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = v * v * v
	}
}

// Inv stores 1/x in dst.
func Inv[T Float](dst, x []T) {
	x = x[:len(dst)]
	if invAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = 1 / v
	}
}

// Sqrt stores √x in dst.
func Sqrt[T Float](dst, x []T) {
	x = x[:len(dst)]
	if sqrtAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(math.Sqrt(float64(v)))
	}
}

// InvSqrt stores 1/√x in dst.
func InvSqrt[T Float](dst, x []T) {
	x = x[:len(dst)]
	if invSqrtAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = 1 / T(math.Sqrt(float64(v)))
	}
}

// Floor stores the largest integer below or at x in dst.
func Floor[T Float](dst, x []T) {
	x = x[:len(dst)]
	if floorAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(math.Floor(float64(v)))
	}
}

// Ceil stores the smallest integer above or at x in dst.
func Ceil[T Float](dst, x []T) {
	x = x[:len(dst)]
	if ceilAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst)) {
		return
	}
	for i, v := range x {
		dst[i] = T(math.Ceil(float64(v)))
	}
}

// Map returns a kernel that applies f, computed in float64.
func Map[T Float](f func(float64) float64) func(dst, x []T) {
	return func(dst, x []T) {
		x = x[:len(dst)]
		for i, v := range x {
			dst[i] = T(f(float64(v)))
		}
	}
}

// TanhGrad stores g·(1-y²) in dst: the cotangent of tanh's argument from its
// value y and cotangent g.
func TanhGrad[T Float](dst, g, y []T) {
	g, y = g[:len(dst)], y[:len(dst)]
	if tanhGradAsm(unsafe.SliceData(dst), unsafe.SliceData(g), unsafe.SliceData(y), len(dst)) {
		return
	}
	for i, v := range y {
		dst[i] = g[i] * (1 - T(v*v))
	}
}

// SigmoidGrad stores g·(1-y)·y in dst.
func SigmoidGrad[T Float](dst, g, y []T) {
	g, y = g[:len(dst)], y[:len(dst)]
	if sigmoidGradAsm(unsafe.SliceData(dst), unsafe.SliceData(g), unsafe.SliceData(y), len(dst)) {
		return
	}
	for i, v := range y {
		dst[i] = g[i] * ((1 - v) * v)
	}
}
