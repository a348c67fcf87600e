package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The polynomials are minimax fits, with relative errors below 2⁻⁵⁷ for float64
// and 2⁻²⁸ for float32.

// mathematics has the functions of one argument. One that needs constants in
// registers takes them before the loop.
func mathematics(t *topic) {
	for _, f := range []struct {
		name string
		make func(*emitter) func(x vector) vector
	}{
		{"exp", exp}, {"expm1", expm1}, {"tanh", tanh}, {"sigmoid", sigmoid}, {"softplus", softplus},
		{"log", logarithm}, {"log1p", log1p}, {"normalCDF", normalCDF},
	} {
		t.elementwise(f.name, []string{"x"}, 1, func(e *emitter) func(x []vector) vector {
			body := f.make(e)
			return func(x []vector) vector { return body(x[0]) }
		})
	}
	trigonometric(t, "sin", 0)
	trigonometric(t, "cos", 1)
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
	return e.reduceBy(hi, lo, x, magic, scale, shift)
}

// reduceBy is reduce for a step of two parts, of which the second may be zero.
func (e *emitter) reduceBy(hi, lo float64, x, magic vector, scale, shift float64) (r, k, bits vector) {
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
	if lo != 0 {
		e.subProduct(r, k, e.c(lo))
	}
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
// so that the rounding of n cancels. The second part of ln2 does not matter: where k is large,
// tanh is flat.
func tanh(e *emitter) func(x vector) vector {
	most := e.value(e.c(e.pick(20, 10))) // whose tanh rounds to 1
	magic, one, two := e.value(e.c(e.magic())), e.value(e.c(1)), e.value(e.c(2))
	hi, _ := e.halves(math.Ln2/2, ln2Rest/2)
	return func(x vector) vector {
		u, k, bits := e.reduceBy(hi, 0, e.min(most, e.and(x, e.absBits())), magic, 0.5, -0.5)
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

// expm1 is 2ᵏ(eʳ-1) + 2ᵏ-1, of half and doubled since 2ᵏ may overflow.
func expm1(e *emitter) func(x vector) vector {
	least, most := e.value(e.c(-40)), e.value(e.c(e.pick(710, 89)))
	magic, half := e.value(e.c(e.magic())), e.value(e.c(0.5))
	return func(x vector) vector {
		r, _, bits := e.reduce(e.min(most, e.max(least, x)), magic, 1, 0)
		s := e.pow2(bits, half)
		q := e.expm1Reduced(r)
		e.scaleAdd(q, s, e.sub(s, half))
		y := e.and(e.add(q, q), e.absBits())
		size := e.and(x, e.absBits())
		tiny := e.less(size, e.c(e.pick(0x1p-1000, 0x1p-100))) // whose half may be subnormal
		return e.withSign(e.choose(tiny, y, size), x)
	}
}

// sigmoid is q or 1-q for q = 1/(1+e^|x|), with e^|x| = s + s(eʳ-1) and s = 2ᵏ. Where s would
// overflow it is left smaller and the rest is the numerator.
func sigmoid(e *emitter) func(x vector) vector {
	most, mostPower := e.value(e.c(e.pick(746, 104))), e.value(e.c(e.magic()+e.pick(900, 100)))
	magic, one := e.value(e.c(e.magic())), e.value(e.c(1))
	return func(x vector) vector {
		r, _, bits := e.reduce(e.min(most, e.and(x, e.absBits())), magic, 1, 0)
		power := e.min(mostPower, bits)
		s := e.pow2(power, one)
		den, plus := e.expm1Reduced(r), e.add(s, one)
		e.scaleAdd(den, s, e.sub(one, e.sub(plus, s))) // 0 but where s+1 was rounded
		den = e.add(den, plus)
		q := e.div(e.pow2(e.bitwise("VPSUB", power, bits), one), den)
		return e.selectSign(x, e.sub(one, q), q)
	}
}

// log1pReduced is log(1+f) for √½ ≤ 1+f ≤ √2, plus low: f - (f²/2 - s(f²/2 + R) - low)
// with s = f/(2+f) and R = log(1+f)/s - 2, by the series of the artanh.
func (e *emitter) log1pReduced(f vector, two source, low vector) vector {
	s := e.div(f, e.add(f, two))
	z := e.mul(s, s)
	var r vector
	if e.wide {
		r = e.horner(z, 0.6666666666666735, 0.3999999999941085, 0.2857142874312192, 0.22222198505538984, 0.18183567562766575,
			0.15313973987202806, 0.14796685767128162)
	} else {
		r = e.horner(z, 0.6666677594184875, 0.39977583289146423, 0.2987080514431)
	}
	half := e.mul(e.mul(f, e.c(0.5)), f)
	e.scaleAdd(r, z, half)
	e.scaleAdd(r, s, low)
	return e.sub(f, e.sub(half, r))
}

// softplus is max(x, 0) + log(1+e) for e = e^-|x|. Above √2, 1+e is halved.
func softplus(e *emitter) func(x vector) vector {
	least := e.value(e.c(e.pick(-746, -104)))
	magic, one, zero := e.value(e.c(e.magic())), e.value(e.c(1)), e.vector()
	e.p("VXOR", magic, magic, zero)
	return func(x vector) vector {
		r, k, bits := e.reduce(e.max(least, e.or(x, e.signBit())), magic, 1, 0)
		p := e.scale(e.add(e.expm1Reduced(r), one), k, bits)
		over := e.sub(e.value(e.c(math.Sqrt2-1)), p) // negative where it is halved
		f := e.selectSign(over, p, e.mul(e.sub(p, one), e.c(0.5)))
		hi, lo := e.halves(math.Ln2, ln2Rest)
		low := e.selectSign(over, zero, e.value(e.c(lo)))
		y := e.log1pReduced(f, e.c(2), low)
		y = e.add(y, e.selectSign(over, zero, e.value(e.c(hi))))
		return e.add(y, e.max(zero, x))
	}
}

// split is x = 2ᵏm with √½ ≤ m ≤ √2, for positive normal x.
func (e *emitter) split(x vector) (k, m vector) {
	root, one, bias := uint64(0x3fe6a09e00000000), uint64(0x3ff0000000000000), 1023.0
	if !e.wide {
		root, one, bias = 0x3f3504f3, 0x3f800000, 127
	}
	t := e.bitwise("VPADD", x, e.word(one-root))
	power := math.Ldexp(1, e.mantissa())
	k = e.or(e.shiftRight(t, e.mantissa()), e.c(power)) // the exponent in the last bits of power
	k = e.sub(k, e.c(power+bias))
	return k, e.bitwise("VPADD", e.and(t, e.word(1<<e.mantissa()-1)), e.word(root))
}

// ln2Parts are ln2 with so many zeros at the end that a product with an exponent is exact, and the rest.
func (e *emitter) ln2Parts() (hi, lo source) {
	if e.wide {
		return e.c(6.93147180369123816490e-01), e.c(1.90821492927058770002e-10)
	}
	return e.c(6.9313812256e-01), e.c(9.0580006145e-06)
}

// logarithm is k·ln2 + log(m) for x = 2ᵏm. Subnormal numbers are scaled before.
func logarithm(e *emitter) func(x vector) vector {
	hi, lo := e.ln2Parts()
	shift := e.pick(54, 25)
	zero := e.vector()
	e.p("VXOR", zero, zero, zero)
	return func(x vector) vector {
		subnormal := e.less(x, e.c(e.pick(0x1p-1022, 0x1p-126)))
		k, m := e.split(e.choose(subnormal, x, e.mul(x, e.c(math.Ldexp(1, int(shift))))))
		k = e.choose(subnormal, k, e.sub(k, e.c(shift)))
		low := e.mul(k, lo)
		y := e.log1pReduced(e.sub(m, e.c(1)), e.c(2), low)
		e.addProduct(y, k, hi)
		return e.logSpecial(x, x, zero, y)
	}
}

// logSpecial is y, but x where that is +Inf or NaN, NaN where u is negative and -Inf where it is zero.
func (e *emitter) logSpecial(x, u, zero, y vector) vector {
	const equal, notLess = 0, 21 // true for NaN
	y = e.choose(e.compare(notLess, x, e.c(math.Inf(1))), y, x)
	y = e.choose(e.less(u, zero), y, e.value(e.c(math.NaN())))
	return e.choose(e.compare(equal, u, zero), y, e.value(e.c(math.Inf(-1))))
}

// log1p is the logarithm of u = 1+x plus c/u, where c is what u lost in rounding.
func log1p(e *emitter) func(x vector) vector {
	hi, lo := e.ln2Parts()
	one, zero := e.value(e.c(1)), e.vector()
	e.p("VXOR", one, one, zero)
	return func(x vector) vector {
		u := e.add(x, one)
		t := e.sub(u, one)
		c := e.add(e.sub(one, e.sub(u, t)), e.sub(x, t))
		k, m := e.split(u)
		low := e.div(c, u)
		e.addProduct(low, k, lo)
		y := e.log1pReduced(e.sub(m, one), e.c(2), low)
		e.addProduct(y, k, hi)
		return e.withSign(e.and(e.logSpecial(x, u, zero, y), e.absBits()), x)
	}
}

// trigonometric adds sin (quarter 0) or cos (quarter 1). It stops before the first vector with
// an element above a limit and stores in done how many elements it has computed.
func trigonometric(t *topic, name string, quarter uint64) {
	params := append(pointers("dst", "x"), param{"n", integer}, param{"done", integers})
	t.add(name, params, func(e *emitter) {
		dst, x, n, done := e.pointer("dst"), e.pointer("x"), e.pointer("n"), e.pointer("done")
		reached, stop := e.GP64(), e.label("stop")
		e.MOVQ(n, reached)
		body := sinCos(e, quarter)
		e.each(n, 1, func(at address, mask reg.Register) {
			v := e.load(at(x), mask)
			const greater = 30
			found, large := e.GP32(), e.compare(greater, e.and(v, e.absBits()), e.c(e.pick(0x1p30, 0x1p16)))
			if e.isa == avx512 {
				e.KMOVW(large, found)
			} else {
				e.p("VMOVMSK", large, found)
			}
			small := e.label("small")
			e.TESTL(found, found)
			e.JEQ(operand.LabelRef(small))
			e.LEAQ(at(dst), reached)
			e.SUBQ(dst, reached)
			e.SHRQ(operand.Imm(uint64(map[bool]int{true: 3, false: 2}[e.wide])), reached)
			e.JMP(operand.LabelRef(stop))
			e.Label(small)
			e.store(body(v), at(dst), mask)
		})
		e.Label(stop)
		e.MOVQ(reached, operand.Mem{Base: done})
	})
}

// sinCos is ±sin(r) or ±cos(r) for x = k·π/2 + r, by the last bits of k. The product of k
// and the first part of π/2 leaves no rounding error.
func sinCos(e *emitter, quarter uint64) func(x vector) vector {
	parts := []float64{1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33}
	if !e.wide {
		parts = []float64{1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15}
	}
	magic, one := e.value(e.c(e.magic())), e.value(e.c(1))
	return func(x vector) vector {
		bits := e.vector()
		e.p("VMOVA", magic, bits)
		e.addProduct(bits, x, e.c(2/math.Pi))
		k := e.sub(bits, magic)
		r := e.vector()
		e.p("VMOVA", x, r)
		for _, p := range parts {
			e.subProduct(r, k, e.c(p))
		}
		z := e.mul(r, r)
		var sin, cos vector
		if e.wide {
			sin = e.horner(z, -0.16666666666666632, 0.00833333333332249, -0.0001984126982985706, 2.755731370645065e-06,
				-2.5050760110109833e-08, 1.5896899184343576e-10)
			cos = e.horner(z, -0.5, 0.0416666666666666, -0.0013888888888874478, 2.480158728967604e-05, -2.7557314402407246e-07,
				2.0875729460454908e-09, -1.1359942636668651e-11)
		} else {
			sin = e.horner(z, -0.16666655242443085, 0.008332191966474056, -0.0001951875165104866)
			cos = e.horner(z, -0.5, 0.04166664555668831, -0.0013887311797589064, 2.4432845748378895e-05)
		}
		e.scaleAdd(sin, e.mul(r, z), r)
		e.scaleAdd(cos, z, one)
		if quarter != 0 {
			bits = e.bitwise("VPADD", bits, e.word(quarter))
		}
		width := 8 * e.size()
		y := e.selectSign(e.shiftLeft(bits, width-1), sin, cos)
		return e.xor(y, e.and(e.shiftLeft(bits, width-2), e.signBit()))
	}
}

// normalCDF is Φ(x) for t = |x|: near 0 the series ½ + x·P(t²); elsewhere q or 1-q for
// q = e^(-t²/2)·G(v)/(t+K) with v = (t-K)/(t+K). What t² and t+K lose in rounding goes into eʳ-1.
func normalCDF(e *emitter) func(x vector) vector {
	centre := e.pick(4, 3)
	most, k := e.value(e.c(e.pick(39, 15))), e.value(e.c(centre))
	magic, half := e.value(e.c(e.magic())), e.value(e.c(0.5))
	return func(x vector) vector {
		t := e.min(most, e.and(x, e.absBits()))
		square := e.mul(t, t)
		lost := e.vector()
		e.p("VMOVA", t, lost)
		e.p("VFMSUB213", square, t, lost) // t² less its rounded value
		r, n, bits := e.reduce(e.mul(square, e.c(-0.5)), magic, 1, 0)
		e.subProduct(r, lost, half)
		p := e.expm1Reduced(r)

		den := e.add(t, k)
		b := e.sub(den, k)
		low := e.add(e.sub(t, b), e.sub(k, e.sub(den, b)))
		v := e.div(e.sub(t, k), den)
		inverse := e.value(e.c(1 / (2 * centre)))
		e.subProduct(inverse, v, e.c(1/(2*centre))) // 1/(t+K)
		e.subProduct(p, low, inverse)
		var g vector
		if e.wide {
			g = e.longSum(v, 0.7552851304157515, -0.6078966419718922, 0.3871374007422139, -0.1865218579596421,
				0.06039657489097283, -0.0075401889673748146, -0.003479692368197157, 0.0016308184702347366, 0.00013334432060065808,
				-0.00023109507046713038, -1.9082966256398114e-06, 3.514555642949449e-05, 7.166935940410002e-07, -5.923694472651308e-06,
				-6.291662229941659e-07, 1.030617124901227e-06, 2.69218055157136e-07, -1.694931897819917e-07, -7.986541922557688e-08,
				2.6806038922053204e-08, 1.372976430876061e-08, -4.20197580753558e-09)
		} else {
			g = e.longSum(v, 0.7290837168693542, -0.509332001209259, 0.2300175577402115, -0.04726329818367957,
				-0.010459618642926216, 0.006974693387746811, 0.001004640362225473, -0.0010500706266611814, -0.00018856298993341625,
				0.0001502575323684141)
		}
		e.scaleAdd(p, g, g)
		q := e.scale(e.div(p, den), n, bits)
		q = e.selectSign(x, e.sub(e.value(e.c(1)), q), q)

		var near vector
		if e.wide {
			near = e.horner(square, 0.3989422804014327, -0.06649038006691073, 0.009973557010243354, -0.0011873282186601248,
				0.00011543471156412053, -9.444752351894088e-06, 6.661704137839192e-07, -4.140123867366348e-08, 2.237930903344423e-09)
		} else {
			near = e.horner(square, 0.3989422917366028, -0.06649095565080643, 0.00997874140739441, -0.0012018549023196101,
				0.00012394650548230857)
		}
		e.scaleAdd(near, x, half)
		return e.choose(e.less(t, e.c(0.67)), q, near)
	}
}

// longSum is c[0] + c[1]·x + … with the chain of horner for the large terms, whose roundings
// it keeps small, and that of parity for the others.
func (e *emitter) longSum(x vector, c ...float64) vector {
	p := e.parity(x, e.mul(x, x), c[4:]...)
	for i := 3; i >= 0; i-- {
		e.scaleAdd(p, x, e.c(c[i]))
	}
	return p
}
