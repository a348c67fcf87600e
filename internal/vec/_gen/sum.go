package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sums has the sums of rows, four rows at a time, each in the order of Sum: four sums of
// every fourth element, of which the first takes what is left over.
func sums(t *topic) {
	params := append(pointers("dst", "x"), param{"fours", integer}, param{"n", integer}, param{"stride", integer})
	t.add("sumFours", params, func(e *emitter) {
		four := func() vector { return e.XMM() }
		if e.wide {
			four = func() vector { return e.YMM() }
		}
		width := 4 * e.size()
		dst, x, fours, stride := e.pointer("dst"), e.pointer("x"), e.pointer("fours"), e.stride("stride")
		group := e.label("group")
		e.Label(group)
		var row [4]reg.GPVirtual
		var sum [4]vector
		for i := range row {
			row[i], sum[i] = e.GP64(), four()
			if i == 0 {
				e.MOVQ(x, row[i])
			} else {
				e.LEAQ(operand.Mem{Base: row[i-1], Index: stride, Scale: 1}, row[i])
			}
			e.p("VXOR", sum[i], sum[i], sum[i])
		}
		e.LEAQ(operand.Mem{Base: x, Index: stride, Scale: 4}, x)
		left := e.pointer("n")
		loop, rest, one, end := e.label("loop"), e.label("rest"), e.label("one"), e.label("end")
		e.SUBQ(operand.Imm(4), left)
		e.JL(operand.LabelRef(rest))
		e.Label(loop)
		for i := range row {
			e.p("VADD", operand.Mem{Base: row[i]}, sum[i], sum[i])
			e.ADDQ(operand.Imm(uint64(width)), row[i])
		}
		e.SUBQ(operand.Imm(4), left)
		e.JGE(operand.LabelRef(loop))
		e.Label(rest)
		e.ADDQ(operand.Imm(4), left)
		e.JEQ(operand.LabelRef(end))
		e.Label(one)
		for i := range row {
			m := operand.Mem{Base: row[i]}
			if e.wide {
				v := e.YMM()
				e.op("VMOVSD", m, v.AsX())
				e.op("VADDPD", v, sum[i], sum[i])
			} else {
				e.op("VADDSS", m, sum[i], sum[i])
			}
			e.ADDQ(operand.Imm(uint64(e.size())), row[i])
		}
		e.DECQ(left)
		e.JNE(operand.LabelRef(one))
		e.Label(end)
		e.p("VHADD", sum[1], sum[0], sum[0])
		e.p("VHADD", sum[3], sum[2], sum[2])
		if e.wide { // (row 0, row 1, row 0, row 1), by halves
			for i := 0; i < 4; i += 2 {
				high := e.XMM()
				e.op("VEXTRACTF128", operand.Imm(1), sum[i], high)
				e.op("VADDPD", high, sum[i].(interface{ AsX() reg.Register }).AsX(), high)
				e.op("VMOVUPD", high, operand.Mem{Base: dst, Disp: 8 * i})
			}
		} else {
			e.p("VHADD", sum[2], sum[0], sum[0])
			e.p("VMOVU", sum[0], operand.Mem{Base: dst})
		}
		e.ADDQ(operand.Imm(uint64(width)), dst)
		e.DECQ(fours)
		e.JNE(operand.LabelRef(group))
	})
}
