package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemmFlat has the products of few terms whose result has two or four columns and no
// gaps: a register holds several rows of it. Row i of A, m of them, begins at
// a[i], its terms acs apart, row l of B at b[l*ldb], and the start at s, without gaps
// too, or it is zero where s is nil. m is a multiple of the rows in four registers.
func gemmFlat(t *topic) {
	params := []param{{"m", integer}, {"k", integer}, {"a", pointer}, {"acs", integer}, {"b", pointer}, {"ldb", integer}, {"s", pointer}, {"c", pointer}}
	for _, n := range []int{2, 4} {
		t.add(fmt.Sprintf("gemmFlat%d", n), params, func(e *emitter) { flat(e, n) })
	}
}

func flat(e *emitter, n int) {
	const vectors = 4
	rows := e.lanes() / n // in a register
	a, s, c, m := e.pointer("a"), e.pointer("s"), e.pointer("c"), e.pointer("m")
	acs, ldb := e.stride("acs"), e.stride("ldb")
	var places reg.VecVirtual // where each lane finds its row
	if !e.wide || e.isa == avx512 {
		words := make([]operand.Constant, e.lanes())
		for i := range words {
			if words[i] = operand.U32(uint32(i / n)); e.wide {
				words[i] = operand.U64(uint64(i / n))
			}
		}
		places = e.load(e.table(fmt.Sprintf("rows%d%s", n, e.suffix()), words...), nil)
	}
	spread := func(at operand.Mem) vector {
		x := e.vector()
		switch {
		case e.wide && e.isa == avx2 && n == 4:
			e.VBROADCASTSD(at, x)
			return x
		case rows == 8 || rows == 4 && e.wide:
			e.VMOVUPD(at, x.AsY())
		case rows == 4 || e.wide:
			e.VMOVUPD(at, x.AsX())
		default:
			e.VMOVSD(at, x.AsX())
		}
		if places == nil {
			e.VPERMPD(operand.Imm(0x50), x, x)
		} else {
			e.p("VPERM", x, places, x)
		}
		return x
	}
	loop, end := e.label("rows"), e.label("end")
	e.TESTQ(m, m)
	e.JEQ(operand.LabelRef(end))
	e.Label(loop)
	acc := make([]vector, vectors)
	for v := range acc {
		acc[v] = e.vector()
		e.zero(acc[v])
	}
	begin := e.label("begin")
	e.TESTQ(s, s)
	e.JEQ(operand.LabelRef(begin))
	for v := range acc {
		e.p("VMOVU", operand.Mem{Base: s, Disp: v * e.bytes()}, acc[v])
	}
	e.ADDQ(operand.U32(uint32(vectors*e.bytes())), s)
	e.Label(begin)
	pa, pb, k := e.GP64(), e.pointer("b"), e.pointer("k")
	e.MOVQ(a, pa)
	terms := e.label("terms")
	e.Label(terms)
	b := e.vector()
	switch row := (operand.Mem{Base: pb}); {
	case n*e.size() == e.bytes():
		e.p("VMOVU", row, b)
	case n*e.size() == 8:
		e.VBROADCASTSD(row, b)
	case n*e.size() == 32:
		e.VBROADCASTF64X4(row, b)
	case e.isa == avx512:
		e.VBROADCASTF32X4(row, b)
	default:
		e.VBROADCASTF128(row, b)
	}
	for v := range acc {
		e.p("VFMADD231", b, spread(operand.Mem{Base: pa, Disp: v * rows * e.size()}), acc[v])
	}
	e.ADDQ(acs, pa)
	e.ADDQ(ldb, pb)
	e.DECQ(k)
	e.JNE(operand.LabelRef(terms))
	for v := range acc {
		e.store(acc[v], operand.Mem{Base: c, Disp: v * e.bytes()}, nil)
	}
	e.ADDQ(operand.U32(uint32(vectors*e.bytes())), c)
	e.ADDQ(operand.U32(uint32(vectors*rows*e.size())), a)
	e.SUBQ(operand.U32(uint32(vectors*rows)), m)
	e.JNE(operand.LabelRef(loop))
	e.Label(end)
}
