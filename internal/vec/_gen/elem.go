package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// elem has the arithmetic of one rounding.
func elem(t *topic) {
	for _, k := range []struct{ name, op string }{{"add", "VADD"}} {
		t.add(k.name, append(pointers("dst", "a", "b"), param{"n", integer}), func(e *emitter) {
			dst, a, b := e.pointer("dst"), e.pointer("a"), e.pointer("b")
			e.each(e.pointer("n"), 4, func(at func(reg.Register) operand.Mem, mask reg.Register) {
				x, y := e.load(at(a), mask), source(at(b))
				if mask != nil {
					y = e.load(at(b), mask)
				}
				e.p(k.op, y, x, x)
				e.store(x, at(dst), mask)
			})
		})
	}
}
