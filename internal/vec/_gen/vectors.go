package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// broadcast is a constant in memory: one word that AVX-512 instructions broadcast, or
// a full vector for AVX2.
type broadcast struct{ operand.Mem }

// c is the constant x, rounded to the width.
func (e *emitter) c(x float64) source {
	if e.wide {
		return e.word(math.Float64bits(x))
	}
	return e.word(uint64(math.Float32bits(float32(x))))
}

// word is a constant given by its bits.
func (e *emitter) word(bits uint64) source {
	n := 1
	if e.isa == avx2 {
		n = e.lanes()
	}
	words := make([]operand.Constant, n)
	for i := range words {
		if e.wide {
			words[i] = operand.U64(bits)
		} else {
			words[i] = operand.U32(uint32(bits))
		}
	}
	return broadcast{e.table(fmt.Sprintf("c%d_%d_%x", 8*e.size(), n, bits), words...)}
}

// signBit and its complement, absBits, are constants.
func (e *emitter) signBit() source { return e.word(1 << (8*e.size() - 1)) }
func (e *emitter) absBits() source { return e.word(1<<(8*e.size()-1) - 1) }

// exponentBits is the sign and exponent's bits.
func (e *emitter) exponentBits() source { return e.word(math.MaxUint64 << e.mantissa()) }

// mantissa is the number of bits after the exponent.
func (e *emitter) mantissa() int {
	if e.wide {
		return 52
	}
	return 23
}

// magic rounds: x+magic has the integer nearest to x in its last bits.
func (e *emitter) magic() float64 { return math.Ldexp(1.5, e.mantissa()) }

// value puts a constant in a register.
func (e *emitter) value(s source) vector {
	v := e.vector()
	b, ok := s.(broadcast)
	switch {
	case !ok || e.isa == avx2:
		if ok {
			s = b.Mem
		}
		e.p("VMOVU", s, v)
	case e.wide:
		e.op("VBROADCASTSD", b.Mem, v)
	default:
		e.op("VBROADCASTSS", b.Mem, v)
	}
	return v
}

// two is a new register with the result of a two-operand instruction, a op b.
func (e *emitter) two(name string, a vector, b source) vector {
	v := e.vector()
	e.p(name, b, a, v)
	return v
}

func (e *emitter) add(a vector, b source) vector { return e.two("VADD", a, b) }
func (e *emitter) sub(a vector, b source) vector { return e.two("VSUB", a, b) }
func (e *emitter) mul(a vector, b source) vector { return e.two("VMUL", a, b) }
func (e *emitter) div(a vector, b source) vector { return e.two("VDIV", a, b) }
func (e *emitter) and(a vector, b source) vector { return e.two("VAND", a, b) }
func (e *emitter) or(a vector, b source) vector  { return e.two("VOR", a, b) }
func (e *emitter) xor(a vector, b source) vector { return e.two("VXOR", a, b) }

// min and max are those of limit and x, or x if it is NaN.
func (e *emitter) min(limit vector, x source) vector { return e.two("VMIN", limit, x) }
func (e *emitter) max(limit vector, x source) vector { return e.two("VMAX", limit, x) }

// scaleAdd sets a = a·b + c.
func (e *emitter) scaleAdd(a, b vector, c source) { e.p("VFMADD213", c, b, a) }

// addProduct sets acc = acc + a·b.
func (e *emitter) addProduct(acc, a vector, b source) { e.p("VFMADD231", b, a, acc) }

// subProduct sets acc = acc - a·b.
func (e *emitter) subProduct(acc, a vector, b source) { e.p("VFNMADD231", b, a, acc) }

// integer instructions on the lanes' bits: name with D or Q.
func (e *emitter) bitwise(name string, a vector, b source) vector {
	v := e.vector()
	e.op(name+e.dq(), b, a, v)
	return v
}

func (e *emitter) dq() string {
	if e.wide {
		return "Q"
	}
	return "D"
}

// shiftLeft shifts the bits of each lane.
func (e *emitter) shiftLeft(a vector, n int) vector {
	v := e.vector()
	e.op("VPSLL"+e.dq(), operand.Imm(uint64(n)), a, v)
	return v
}

func (e *emitter) shiftRight(a vector, n int) vector {
	v := e.vector()
	e.op("VPSRL"+e.dq(), operand.Imm(uint64(n)), a, v)
	return v
}

// withSign is the non-negative y with the sign of x.
func (e *emitter) withSign(y, x vector) vector {
	if e.isa == avx512 {
		const aOrBAndC = 0xf8
		e.op("VPTERNLOG"+e.dq(), operand.Imm(aOrBAndC), e.signBit(), x, y)
		return y
	}
	return e.or(e.and(x, e.signBit()), y)
}

// selectSign is x where the sign bit of s is clear and y where it is set.
func (e *emitter) selectSign(s, x, y vector) vector {
	v := e.vector()
	if e.isa == avx512 {
		k := e.K()
		e.op(map[bool]string{true: "VPMOVQ2M", false: "VPMOVD2M"}[e.wide], s, k)
		e.p("VBLENDM", y, x, k, v)
		return v
	}
	e.p("VBLENDV", s, y, x, v)
	return v
}

// less is compare for a < b, false for NaN.
func (e *emitter) less(a vector, b source) reg.Register {
	const lessThan = 17
	return e.compare(lessThan, a, b)
}

// compare is a mask for choose, of the lanes where the predicate holds: in AVX2 a
// vector, in AVX-512 a K register.
func (e *emitter) compare(predicate uint64, a vector, b source) reg.Register {
	var k reg.Register = e.K()
	if e.isa == avx2 {
		k = e.vector()
	}
	e.p("VCMP", operand.Imm(predicate), b, a, k)
	return k
}

// choose is y in the lanes of the mask and x in the others.
func (e *emitter) choose(mask reg.Register, x, y vector) vector {
	v := e.vector()
	if e.isa == avx512 {
		e.p("VBLENDM", y, x, mask, v)
	} else {
		e.p("VBLENDV", mask, y, x, v)
	}
	return v
}

// horner is c[0] + c[1]·x + …
func (e *emitter) horner(x vector, c ...float64) vector {
	p := e.value(e.c(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		e.scaleAdd(p, x, e.c(c[i]))
	}
	return p
}

// parity is c[0] + c[1]·x + … with z = x², by the even and the odd powers, which
// takes half the time of horner's chain.
func (e *emitter) parity(x, z vector, c ...float64) vector {
	var even, odd []float64
	for i, a := range c {
		if i%2 == 0 {
			even = append(even, a)
		} else {
			odd = append(odd, a)
		}
	}
	p, q := e.horner(z, even...), e.horner(z, odd...)
	e.addProduct(p, q, x)
	return p
}
