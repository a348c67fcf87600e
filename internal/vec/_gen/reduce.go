package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// reductions has sums, in the order of the Go code.
func reductions(t *topic) {
	params := append(pointers("acc", "x"), param{"rows", integer}, param{"stride", integer}, param{"n", integer})
	t.add("sumRows", params, func(e *emitter) {
		acc, x, n := e.pointer("acc"), e.pointer("x"), e.pointer("n")
		rows, stride := e.pointer("rows"), e.pointer("stride")
		e.SHLQ(operand.Imm(uint64(map[bool]int{true: 3, false: 2}[e.wide])), stride)
		e.blocks(n, 4, func(at []address, mask reg.Register) {
			sum := make([]vector, len(at))
			for i, a := range at {
				sum[i] = e.load(a(acc), mask)
			}
			left := e.GP64()
			e.MOVQ(rows, left)
			var row [4]reg.GPVirtual
			for i := range row {
				row[i] = e.GP64()
				if i == 0 {
					e.MOVQ(x, row[i])
				} else {
					e.LEAQ(operand.Mem{Base: row[i-1], Index: stride, Scale: 1}, row[i])
				}
			}
			plus := func(v vector, m operand.Mem) vector {
				if mask != nil {
					return e.add(v, e.load(m, mask))
				}
				return e.add(v, m)
			}
			four, one, next, end := e.label("four"), e.label("one"), e.label("next"), e.label("end")
			e.SUBQ(operand.Imm(4), left)
			e.JL(operand.LabelRef(next))
			e.Label(four)
			for i, a := range at {
				p := plus(e.load(a(row[0]), mask), a(row[1]))
				q := plus(e.load(a(row[2]), mask), a(row[3]))
				e.p("VADD", e.add(p, q), sum[i], sum[i])
			}
			for _, r := range row {
				e.LEAQ(operand.Mem{Base: r, Index: stride, Scale: 4}, r)
			}
			e.SUBQ(operand.Imm(4), left)
			e.JGE(operand.LabelRef(four))
			e.Label(next)
			e.ADDQ(operand.Imm(4), left)
			e.JEQ(operand.LabelRef(end))
			e.Label(one)
			for i, a := range at {
				e.p("VADD", e.load(a(row[0]), mask), sum[i], sum[i])
			}
			e.ADDQ(stride, row[0])
			e.DECQ(left)
			e.JNE(operand.LabelRef(one))
			e.Label(end)
			for i, a := range at {
				e.store(sum[i], a(acc), mask)
			}
		})
	})
}
