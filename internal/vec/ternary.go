package vec

import "unsafe"

// The functions of this file are two of those of elem.go in one pass, with the same bits.

// MulAdd stores a·b + c in dst.
func MulAdd[T Float](dst, a, b, c []T) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	if mulAddAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), unsafe.SliceData(c), len(dst)) {
		return
	}
	for i, v := range c {
		dst[i] = T(a[i]*b[i]) + v
	}
}

// MulSub stores a·b - c in dst.
func MulSub[T Float](dst, a, b, c []T) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	if mulSubAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), unsafe.SliceData(c), len(dst)) {
		return
	}
	for i, v := range c {
		dst[i] = T(a[i]*b[i]) - v
	}
}

// MulMul stores a·b·c in dst.
func MulMul[T Float](dst, a, b, c []T) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	if mulMulAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), unsafe.SliceData(c), len(dst)) {
		return
	}
	for i, v := range c {
		dst[i] = a[i] * b[i] * v
	}
}

// AddMul stores (a+b)·c in dst.
func AddMul[T Float](dst, a, b, c []T) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	if addMulAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), unsafe.SliceData(c), len(dst)) {
		return
	}
	for i, v := range c {
		dst[i] = (a[i] + b[i]) * v
	}
}

// SubMul stores (a-b)·c in dst.
func SubMul[T Float](dst, a, b, c []T) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	if subMulAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), unsafe.SliceData(c), len(dst)) {
		return
	}
	for i, v := range c {
		dst[i] = (a[i] - b[i]) * v
	}
}

// MulSigmoidGrad stores a·b·(1-c)·c in dst.
func MulSigmoidGrad[T Float](dst, a, b, c []T) {
	a, b, c = a[:len(dst)], b[:len(dst)], c[:len(dst)]
	if mulSigmoidGradAsm(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), unsafe.SliceData(c), len(dst)) {
		return
	}
	for i, v := range c {
		dst[i] = a[i] * b[i] * ((1 - v) * v)
	}
}
