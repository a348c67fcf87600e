package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
)

// conv has the inner products of convolutions, in panels like those of gemm: row i of C
// is the sum over k terms of a[i*ars+p] times the row that begins at b[q], where p and q
// are the next two numbers of the table. Each element of C is one chain of fused
// multiply-adds in the order of the terms; k is at least 1.
func conv(t *topic) {
	params := []param{{"m", integer}, {"k", integer}, {"a", pointer}, {"ars", integer}, {"table", integers},
		{"b", pointer}, {"c", pointer}, {"ldc", integer}, {"w", integer}}
	for v := 3; v >= 1; v-- {
		t.add(fmt.Sprintf("convPanel%d", v), params, func(e *emitter) {
			g := &tiles{emitter: e, vectors: v, rows: e.tallest(), tabled: true}
			g.mask = g.lastMask(e.pointer("w"))
			g.a, g.c = e.pointer("a"), e.pointer("c")
			g.ars = e.multiples("ars", g.rows)
			m := e.pointer("m")
			g.repeat(g.rows, m)
			for r := g.rows / 2; r >= 1; r /= 2 {
				g.onBit(r, m)
			}
		})
	}
}

// begin has the accumulators start from zero, or from s.
func (g *tiles) begin(acc [][]vector, at func(v int) operand.Mem) {
	zero, begin := g.label("zero"), g.label("begin")
	if !g.tabled {
		last := g.vectors - 1
		g.TESTQ(g.s, g.s)
		g.JEQ(operand.LabelRef(zero))
		lds := g.stride("lds")
		for i := range acc {
			for v := range last {
				g.p("VMOVU", at(v), acc[i][v])
			}
			g.loadLast(at(last), g.mask, acc[i][last])
			g.ADDQ(lds, g.s)
		}
		g.JMP(operand.LabelRef(begin))
		g.Label(zero)
	}
	for i := range acc {
		for v := range acc[i] {
			g.zero(acc[i][v])
		}
	}
	if !g.tabled {
		g.Label(begin)
	}
}
