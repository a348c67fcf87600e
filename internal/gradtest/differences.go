package gradtest

import "math"

// Float is the set of types under test.
type Float interface{ ~float32 | ~float64 }

// Gradient returns ∂f/∂x_i for all i by the five-point central difference
//
//	(f(x−2h) − 8 f(x−h) + 8 f(x+h) − f(x+2h)) / 12h,
//
// whose truncation error is h⁴f⁗/30, with h·max(1, |x_i|) for h. f reads x
// itself, which is changed in place and restored: it may be a field's live
// parameters. For a smooth f of order one computed to float64 round-off, h = 1e-3 gives about
// 1e-12 relative.
func Gradient[T Float](f func() float64, x []T, h float64) []float64 {
	grad := make([]float64, len(x))
	for i := range x {
		grad[i] = Partial(f, &x[i], h)
	}
	return grad
}

// Partial is one component of Gradient, with respect to *x.
func Partial[T Float](f func() float64, x *T, h float64) float64 {
	x0 := *x
	defer func() { *x = x0 }()
	h *= max(1, math.Abs(float64(x0)))
	at := func(k float64) float64 {
		*x = T(float64(x0) + k*h)
		return f()
	}
	return stencil(at) / h
}

// Directional returns the derivative at 0 of s ↦ f(s), where f returns a vector in dst,
// by the same formula.
func Directional[T Float](f func(dst []T, s float64), dim int, h float64) []float64 {
	d := make([]float64, dim)
	dst := make([]T, dim)
	for _, p := range [...]struct{ k, w float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
		f(dst, p.k*h)
		for i, v := range dst {
			d[i] += p.w * float64(v) / (12 * h)
		}
	}
	return d
}

// stencil is the five-point difference of a function of the number of steps.
func stencil(at func(k float64) float64) float64 {
	return (at(-2) - 8*at(-1) + 8*at(1) - at(2)) / 12
}
