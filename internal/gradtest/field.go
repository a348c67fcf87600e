package gradtest

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Field is a vector field with its vector-Jacobian products, the shape of
// odeint.Differentiable.
type Field[T Float] interface {
	Dim() int
	NumParams() int
	Eval(dydt []T, t float64, y []T)
	VJP(dydt, dy, dtheta []T, t float64, y, lambda []T)
}

// VJP checks a field at (t, y) against its own Eval. params are the field's live parameters,
// of length NumParams; they are perturbed in place and restored.
//
//   - The dot-product test ⟨λ, Jv⟩ = ⟨Jᵀλ, v⟩ for random λ and v, once for v in the state
//     and once in the parameters, Jv by differences with step h, to tol relative to |λ||Jv|.
//   - VJP overwrites dy and dydt, adds to dtheta, obeys nil for dydt and
//     dtheta, is linear in λ, gives the same f as Eval, and modifies no input.
func VJP[T Float](tb testing.TB, f Field[T], params []T, t float64, y []T, rnd *rand.Rand, h, tol float64) {
	tb.Helper()
	n, p := f.Dim(), f.NumParams()
	if len(y) != n || len(params) != p {
		panic("gradtest: slice length mismatch")
	}
	lambda := normal[T](rnd, n)
	dydt, dy, dtheta := NaNs[T](n), NaNs[T](n), make([]T, p)
	sameY, sameLambda, sameParams := Unchanged(tb, "y", y), Unchanged(tb, "lambda", lambda), Unchanged(tb, "params", params)
	f.VJP(dydt, dy, dtheta, t, y, lambda)
	sameY()
	sameLambda()
	sameParams()

	dot(tb, f, "state", y, dy, lambda, t, y, rnd, h, tol)
	dot(tb, f, "parameters", params, dtheta, lambda, t, y, rnd, h, tol)

	eps := float64(1e-13)
	if T(1)+T(1e-10) == 1 {
		eps = 1e-5
	}
	eval := NaNs[T](n)
	f.Eval(eval, t, y)
	Close(tb, "f of VJP against Eval", dydt, eval, eps)

	// Twice λ onto what is there, without f: three times dθ and twice dy.
	for i := range lambda {
		lambda[i] *= 2
	}
	dy2, dtheta2 := NaNs[T](n), append([]T(nil), dtheta...)
	f.VJP(nil, dy2, dtheta2, t, y, lambda)
	Close(tb, "dy of 2λ", dy2, scaled(dy, 2), eps)
	Close(tb, "dθ of 2λ, added", dtheta2, scaled(dtheta, 3), eps)

	dy3 := NaNs[T](n)
	f.VJP(nil, dy3, nil, t, y, lambda)
	Close(tb, "dy without dθ", dy3, dy2, eps)
}

// dot is the dot-product test in the direction of x, which f reads: the state or its
// parameters. jtl is Jᵀλ.
func dot[T Float](tb testing.TB, f Field[T], name string, x, jtl, lambda []T, t float64, y []T, rnd *rand.Rand, h, tol float64) {
	tb.Helper()
	if len(x) == 0 {
		return
	}
	x0 := append([]T(nil), x...)
	defer copy(x, x0)
	v := normal[T](rnd, len(x))
	jv := Directional(func(dst []T, s float64) {
		for i := range x {
			x[i] = T(float64(x0[i]) + s*float64(v[i]))
		}
		f.Eval(dst, t, y)
	}, f.Dim(), h)
	var left, right, a, b float64
	for i, l := range lambda {
		left += float64(l) * jv[i]
		a += float64(l) * float64(l)
		b += jv[i] * jv[i]
	}
	for i, g := range jtl {
		right += float64(g) * float64(v[i])
	}
	if diff := math.Abs(left - right); !(diff <= tol*max(math.Sqrt(a*b), math.SmallestNonzeroFloat64)) && diff != 0 {
		tb.Errorf("dot-product test in the %s: ⟨λ, Jv⟩ = %.15g, ⟨Jᵀλ, v⟩ = %.15g", name, left, right)
	}
}

func normal[T Float](rnd *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(rnd.NormFloat64())
	}
	return x
}

func scaled[T Float](x []T, s T) []T {
	y := make([]T, len(x))
	for i, v := range x {
		y[i] = s * v
	}
	return y
}
