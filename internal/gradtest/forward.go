package gradtest

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Tangent is a Field with its Jacobian-vector products.
type Tangent[T Float] interface {
	Field[T]
	JVP(ddydt []T, t float64, y, v []T)
	Tangent(dydt, ddydt []T, t float64, y, v, w []T)
}

// JVP checks the products of a field at (t, y) against its own Eval and VJP. params are the
// field's live parameters; they are perturbed in place and restored.
//
//   - Along random v, w and both, the product is the derivative of Eval by differences with
//     step h, to tol relative.
//   - ⟨λ, Jv⟩ = ⟨Jᵀλ, v⟩ for random λ to eps relative to |λ||Jv|, with the VJP's Jᵀλ.
//   - Destinations are overwritten, f is that of Eval, and no input is modified.
func JVP[T Float](tb testing.TB, f Tangent[T], params []T, t float64, y []T, rnd *rand.Rand, h, tol, eps float64) {
	tb.Helper()
	n, p := f.Dim(), f.NumParams()
	if len(y) != n || len(params) != p {
		panic("gradtest: slice length mismatch")
	}
	v, w, lambda := normal[T](rnd, n), normal[T](rnd, p), normal[T](rnd, n)
	dy, dtheta, eval := NaNs[T](n), make([]T, p), NaNs[T](n)
	f.VJP(nil, dy, dtheta, t, y, lambda)
	f.Eval(eval, t, y)
	y0, params0 := append([]T(nil), y...), append([]T(nil), params...)
	for _, c := range []struct {
		name string
		v, w []T
	}{{"v", v, nil}, {"w", nil, w}, {"v and w", v, w}} {
		if c.w != nil && p == 0 {
			continue
		}
		same := []func(){Unchanged(tb, "y", y), Unchanged(tb, "params", params), Unchanged(tb, "v", v), Unchanged(tb, "w", w)}
		got, value := NaNs[T](n), NaNs[T](n)
		f.Tangent(value, got, t, y, c.v, c.w)
		for _, check := range same {
			check()
		}
		Close(tb, "f along "+c.name, value, eval, eps)
		want := Directional(func(dst []T, s float64) {
			for i := range c.v {
				y[i] = T(float64(y0[i]) + s*float64(v[i]))
			}
			for i := range c.w {
				params[i] = T(float64(params0[i]) + s*float64(w[i]))
			}
			f.Eval(dst, t, y)
			copy(y, y0)
			copy(params, params0)
		}, n, h)
		Close(tb, "JVP along "+c.name, got, want, tol)

		var left, right, a, b float64
		for i, l := range lambda {
			left += float64(l) * float64(got[i])
			a += float64(l) * float64(l)
			b += float64(got[i]) * float64(got[i])
		}
		for i := range c.v {
			right += float64(dy[i]) * float64(v[i])
		}
		for i := range c.w {
			right += float64(dtheta[i]) * float64(w[i])
		}
		if d := math.Abs(left - right); !(d <= eps*math.Sqrt(a*b)) && d != 0 {
			tb.Errorf("along %s: ⟨λ, Jv⟩ = %.15g, ⟨Jᵀλ, v⟩ = %.15g", c.name, left, right)
		}
		if c.w == nil {
			plain := NaNs[T](n)
			f.JVP(plain, t, y, v)
			Close(tb, "JVP against Tangent", plain, got, 0)
		}
	}
	if f, ok := f.(Second[T]); ok {
		tangentVJP(tb, f, params, t, y, rnd, h, tol)
	}
}

// Second is a field with the derivatives of its JVP, the shape of odeint.TwiceDifferentiable.
type Second[T Float] interface {
	Tangent[T]
	TangentVJP(dy, dtheta []T, t float64, y, v, lambda []T)
}

// tangentVJP checks the derivatives of λᵀJv by y and by params against differences of JVPs along
// random directions, to 10·tol relative to the sizes of λ and of the difference. dtheta is
// added to, and nil where it is not wanted.
func tangentVJP[T Float](tb testing.TB, f Second[T], params []T, t float64, y []T, rnd *rand.Rand, h, tol float64) {
	tb.Helper()
	n, p := f.Dim(), f.NumParams()
	v, lambda := normal[T](rnd, n), normal[T](rnd, n)
	dy, dtheta, alone := NaNs[T](n), make([]T, p), NaNs[T](n)
	same := []func(){Unchanged(tb, "y", y), Unchanged(tb, "params", params), Unchanged(tb, "v", v), Unchanged(tb, "lambda", lambda)}
	f.TangentVJP(dy, dtheta, t, y, v, lambda)
	f.TangentVJP(alone, nil, t, y, v, lambda)
	Close(tb, "TangentVJP without dtheta", alone, dy, 0)
	once := append([]T(nil), dtheta...)
	f.TangentVJP(alone, dtheta, t, y, v, lambda)
	for i := range once {
		once[i] *= 2
	}
	Close(tb, "TangentVJP twice", dtheta, once, 1e-5)
	for _, check := range same {
		check()
	}
	for _, c := range []struct {
		name string
		x, d []T
		by   float64
	}{{"y", y, dy, 1}, {"θ", params, dtheta, 0.5}} {
		if len(c.x) == 0 {
			continue
		}
		along, x0 := normal[T](rnd, len(c.x)), append([]T(nil), c.x...)
		moved := Directional(func(dst []T, s float64) {
			for i := range c.x {
				c.x[i] = T(float64(x0[i]) + s*float64(along[i]))
			}
			f.JVP(dst, t, y, v)
			copy(c.x, x0)
		}, n, h)
		var want, got, a, b float64
		for i, l := range lambda {
			want += float64(l) * moved[i]
			a += float64(l) * float64(l)
			b += moved[i] * moved[i]
		}
		for i, d := range c.d {
			got += c.by * float64(d) * float64(along[i])
		}
		if d := math.Abs(got - want); !(d <= 10*tol*math.Sqrt(a*(1+b))) {
			tb.Errorf("TangentVJP along %s: %.15g, by differences %.15g", c.name, got, want)
		}
	}
}
