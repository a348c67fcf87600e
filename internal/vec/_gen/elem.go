package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elem has the arithmetic whose every operation is rounded, so that all
// instruction sets and the Go code give the same bits.
func elem(t *topic) {
	for _, k := range []struct {
		name string
		make func(*emitter) func(a, b vector) vector
	}{
		{"add", instruction("VADD")}, {"sub", instruction("VSUB")},
		{"mul", instruction("VMUL")}, {"div", instruction("VDIV")},
		{"min", minimum}, {"max", maximum},
		{"less", compare(17)}, {"lessEqual", compare(18)}, {"equal", compare(0)}, {"notEqual", compare(4)},
		{"tanhGrad", tanhGrad}, {"sigmoidGrad", sigmoidGrad},
	} {
		t.elementwise(k.name, []string{"a", "b"}, 2, func(e *emitter) func(x []vector) vector {
			f := k.make(e)
			return func(x []vector) vector { return f(x[0], x[1]) }
		})
	}
	for _, k := range []struct {
		name         string
		inner, outer func(*emitter) func(a, b vector) vector
	}{
		{"mulAdd", instruction("VMUL"), instruction("VADD")}, {"mulMul", instruction("VMUL"), instruction("VMUL")},
		{"addMul", instruction("VADD"), instruction("VMUL")}, {"subMul", instruction("VSUB"), instruction("VMUL")},
		{"mulSub", instruction("VMUL"), instruction("VSUB")}, {"mulSigmoidGrad", instruction("VMUL"), sigmoidGrad},
	} {
		t.elementwise(k.name, []string{"a", "b", "c"}, 2, func(e *emitter) func(x []vector) vector {
			inner, outer := k.inner(e), k.outer(e)
			return func(x []vector) vector { return outer(inner(x[0], x[1]), x[2]) }
		})
	}
	for _, k := range []struct {
		name string
		make func(*emitter) func(x vector) vector
	}{
		{"neg", neg}, {"abs", abs}, {"sign", sign}, {"square", square}, {"cube", cube},
		{"inv", inv}, {"sqrt", sqrt}, {"invSqrt", invSqrt}, {"floor", round(1)}, {"ceil", round(2)},
	} {
		t.elementwise(k.name, []string{"x"}, 2, func(e *emitter) func(x []vector) vector {
			f := k.make(e)
			return func(x []vector) vector { return f(x[0]) }
		})
	}
	t.add("fill", append(pointers("dst"), param{"x", element}, param{"n", integer}), func(e *emitter) {
		dst, x, n := e.pointer("dst"), e.vector(), e.pointer("n")
		s := e.XMM()
		e.Load(e.Param("x"), s)
		e.op(map[bool]string{true: "VBROADCASTSD", false: "VBROADCASTSS"}[e.wide], s, x)
		e.each(n, 4, func(at address, mask reg.Register) { e.store(x, at(dst), mask) })
	})
}

// elementwise adds a function of several inputs, unrolled. It takes its constants before the loop.
func (t *topic) elementwise(name string, inputs []string, unroll int, make func(*emitter) func(x []vector) vector) {
	t.add(name, append(pointers(append([]string{"dst"}, inputs...)...), param{"n", integer}), func(e *emitter) {
		dst := e.pointer("dst")
		var in []reg.GPVirtual
		for _, name := range inputs {
			in = append(in, e.pointer(name))
		}
		n := e.pointer("n")
		body := make(e)
		e.each(n, unroll, func(at address, mask reg.Register) {
			var x []vector
			for _, p := range in {
				x = append(x, e.load(at(p), mask))
			}
			e.store(body(x), at(dst), mask)
		})
	})
}

func instruction(name string) func(*emitter) func(a, b vector) vector {
	return func(e *emitter) func(a, b vector) vector {
		return func(a, b vector) vector { return e.two(name, a, b) }
	}
}

// minimum is NaN if one operand is, and -0 below 0: the instruction takes its second
// operand in both cases, so the bits of both orders are united.
func minimum(e *emitter) func(a, b vector) vector {
	return func(a, b vector) vector { return e.or(e.two("VMIN", a, b), e.two("VMIN", b, a)) }
}

// maximum is minus the minimum of the negatives.
func maximum(e *emitter) func(a, b vector) vector {
	minus, least := e.value(e.signBit()), minimum(e)
	return func(a, b vector) vector { return e.xor(least(e.xor(a, minus), e.xor(b, minus)), minus) }
}

// compare is 1 where the predicate holds and 0 elsewhere.
func compare(predicate uint64) func(*emitter) func(a, b vector) vector {
	return func(e *emitter) func(a, b vector) vector {
		one := e.value(e.c(1))
		return func(a, b vector) vector {
			mask := e.compare(predicate, a, b)
			if e.isa == avx2 {
				return e.and(mask.(vector), one)
			}
			v := e.vector()
			e.op("VMOVA"+e.pd()+"_Z", one, mask, v)
			return v
		}
	}
}

func tanhGrad(e *emitter) func(g, y vector) vector {
	one := e.value(e.c(1))
	return func(g, y vector) vector { return e.mul(g, e.sub(one, e.mul(y, y))) }
}

func sigmoidGrad(e *emitter) func(g, y vector) vector {
	one := e.value(e.c(1))
	return func(g, y vector) vector { return e.mul(g, e.mul(e.sub(one, y), y)) }
}

func neg(e *emitter) func(x vector) vector {
	return func(x vector) vector { return e.xor(x, e.signBit()) }
}

func abs(e *emitter) func(x vector) vector {
	return func(x vector) vector { return e.and(x, e.absBits()) }
}

// sign is 1 with the sign of x, or x if it is a zero or NaN.
func sign(e *emitter) func(x vector) vector {
	const notEqualOrdered = 12
	one, zero := e.value(e.c(1)), e.vector()
	e.p("VXOR", one, one, zero)
	return func(x vector) vector {
		s := e.vector()
		e.p("VMOVA", one, s)
		return e.choose(e.compare(notEqualOrdered, x, zero), x, e.withSign(s, x))
	}
}

func square(e *emitter) func(x vector) vector {
	return func(x vector) vector { return e.mul(x, x) }
}

func cube(e *emitter) func(x vector) vector {
	return func(x vector) vector { return e.mul(e.mul(x, x), x) }
}

func inv(e *emitter) func(x vector) vector {
	one := e.value(e.c(1))
	return func(x vector) vector { return e.div(one, x) }
}

func sqrt(e *emitter) func(x vector) vector {
	return func(x vector) vector {
		v := e.vector()
		e.p("VSQRT", x, v)
		return v
	}
}

func invSqrt(e *emitter) func(x vector) vector {
	one, root := e.value(e.c(1)), sqrt(e)
	return func(x vector) vector { return e.div(one, root(x)) }
}

// round is the integer below (mode 1) or above (mode 2).
func round(mode uint64) func(*emitter) func(x vector) vector {
	return func(e *emitter) func(x vector) vector {
		return func(x vector) vector {
			v := e.vector()
			if e.isa == avx512 {
				e.p("VRNDSCALE", operand.Imm(mode), x, v)
			} else {
				e.p("VROUND", operand.Imm(mode), x, v)
			}
			return v
		}
	}
}
