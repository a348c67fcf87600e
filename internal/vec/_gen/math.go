package main

import "math"

// The polynomials are minimax fits, with relative errors below 2⁻⁵⁷ for float64
// and 2⁻²⁸ for float32.

// mathematics has the functions of one argument. One that needs constants in
// registers takes them before the loop.
func mathematics(t *topic) {
	for _, f := range []struct {
		name string
		make func(*emitter) func(x vector) vector
	}{
		{"exp", exp},
		{"tanh", tanh},
	} {
		t.elementwise(f.name, []string{"x"}, 1, func(e *emitter) func(x []vector) vector {
			body := f.make(e)
			return func(x []vector) vector { return body(x[0]) }
		})
	}
}

// pick is one of two numbers by width.
func (e *emitter) pick(wide, narrow float64) float64 {
	if e.wide {
		return wide
	}
	return narrow
}

// halves are x, rounded to the width, and the rest.
func (e *emitter) halves(x, rest float64) (hi, lo float64) {
	if e.wide {
		return x, rest
	}
	hi = float64(float32(x))
	return hi, x - hi
}

// ln2Rest is ln2 less its float64.
const ln2Rest = 2.3190468138462996e-17

// reduce splits x = k·step + r, for step = ln2·scale, where k is the integer nearest to
// x/step + shift. It returns r, k and k in the last bits of a number. The product
// with the first part of step leaves no rounding error.
func (e *emitter) reduce(x, magic vector, scale, shift float64) (r, k, bits vector) {
	hi, lo := e.halves(math.Ln2*scale, ln2Rest*scale)
	inverse := e.c(1 / (math.Ln2 * scale))
	if shift == 0 {
		bits = e.vector()
		e.p("VMOVA", magic, bits)
		e.addProduct(bits, x, inverse)
	} else {
		q := e.value(e.c(shift))
		e.addProduct(q, x, inverse)
		bits = e.add(q, magic)
	}
	k = e.sub(bits, magic)
	r = e.vector()
	e.p("VMOVA", x, r)
	e.subProduct(r, k, e.c(hi))
	e.subProduct(r, k, e.c(lo))
	return r, k, bits
}

// pow2 is 2ᵏ for the k in bits, within the exponent's range.
func (e *emitter) pow2(bits, one vector) vector {
	return e.bitwise("VPADD", e.shiftLeft(bits, e.mantissa()), one)
}

// scale is y·2ᵏ, rounded once, for k from twice the least exponent to twice the largest.
func (e *emitter) scale(y, k, bits vector) vector {
	if e.isa == avx512 {
		return e.two("VSCALEF", y, k)
	}
	one := e.c(1)
	half := e.and(e.shiftLeft(bits, e.mantissa()-1), e.exponentBits()) // ⌊k/2⌋ as an exponent
	rest := e.bitwise("VPSUB", e.shiftLeft(bits, e.mantissa()), half)
	return e.mul(e.mul(y, e.bitwise("VPADD", half, one)), e.bitwise("VPADD", rest, one))
}

// expPoly is (eʳ-1-r)/r² for |r| ≤ ½ln2.
func (e *emitter) expPoly(r, z vector) vector {
	if e.wide {
		return e.parity(r, z, 0.5000000000000011, 0.1666666666666643, 0.04166666666652686, 0.00833333333348372,
			0.0013888888944394208, 0.00019841269529428224, 2.4801492375322906e-05, 2.7557566169245887e-06,
			2.76304897179971e-07, 2.5006425061710323e-08)
	}
	return e.parity(r, z, 0.4999999403953552, 0.1666651964187622, 0.04166823625564575, 0.008368815295398235,
		0.0013823420740664005)
}

// expm1Reduced is eʳ-1 for |r| ≤ ½ln2.
func (e *emitter) expm1Reduced(r vector) vector {
	z := e.mul(r, r)
	p := e.expPoly(r, z)
	e.scaleAdd(p, z, r)
	return p
}

// exp is 2ᵏeʳ with x = k·ln2 + r.
func exp(e *emitter) func(x vector) vector {
	least, most := e.value(e.c(e.pick(-746, -104))), e.value(e.c(e.pick(710, 89)))
	magic := e.value(e.c(e.magic()))
	return func(x vector) vector {
		x = e.min(most, e.max(least, x))
		r, k, bits := e.reduce(x, magic, 1, 0)
		return e.scale(e.add(e.expm1Reduced(r), e.c(1)), k, bits)
	}
}

// cothPoly is (u·coth(u) - 1)/w for |u| ≤ ½ln2 and w = u².
func (e *emitter) cothPoly(w vector) vector {
	if e.wide {
		return e.horner(w, 0.3333333333333281, -0.02222222222137402, 0.002116402070633367, -0.00021163907526937467,
			2.1363510738973546e-05, -2.0756500364670547e-06)
	}
	return e.horner(w, 0.33333325386047363, -0.02221853658556938, 0.0020662660244852304)
}

// tanh is (t + tanh(u))/(1 + t·tanh(u)) for |x| = ½k·ln2 + u with 0 ≤ u ≤ ½ln2, so
// that nothing cancels, t = (s-1)/(s+1), s = 2ᵏ and tanh(u) = u/(1+h): the quotient
// of n = s-1 + a, where a = (s-1)h + (s+1)u, and n + 2(1+h-u). For small k this
// sum is added up as s+1 + (a + 2(h-u)), with one large rounding; for large k as it stands,
// so that the rounding of n cancels.
func tanh(e *emitter) func(x vector) vector {
	most := e.value(e.c(e.pick(20, 10))) // whose tanh rounds to 1
	magic, one, two := e.value(e.c(e.magic())), e.value(e.c(1)), e.value(e.c(2))
	return func(x vector) vector {
		u, k, bits := e.reduce(e.min(most, e.and(x, e.absBits())), magic, 0.5, -0.5)
		small := e.less(k, e.c(1.5))
		s := e.pow2(bits, one)
		plus, minus := e.add(s, one), e.sub(s, one)
		w := e.mul(u, u)
		h := e.cothPoly(w)
		a := e.mul(minus, w)
		e.scaleAdd(a, h, e.mul(plus, u))
		e.p("VFMSUB213", u, w, h) // h - u
		n := e.add(a, minus)
		e.scaleAdd(h, two, e.choose(small, two, a))
		return e.withSign(e.div(n, e.add(h, e.choose(small, n, plus))), x)
	}
}
