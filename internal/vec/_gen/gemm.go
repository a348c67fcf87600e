package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemm has the inner products of matrices. All of its functions have the same
// parameters: C, of m rows, is a start plus A·B, where element (i, l) of A is
// a[i*ars+l*acs], row l of B begins at b[l*ldb], row i of the start at
// s[i*lds] and row i of C at c[i*ldc]; the start is zero where s is nil. The columns fill a fixed number of
// vectors but for the last, of which w elements exist. Each element of C is
// one chain of fused multiply-adds in the order of l; k is at least 1.
func gemm(t *topic) {
	params := append([]param{{"m", integer}, {"k", integer}}, param{"a", pointer}, param{"ars", integer}, param{"acs", integer},
		param{"b", pointer}, param{"ldb", integer}, param{"s", pointer}, param{"lds", integer}, param{"c", pointer}, param{"ldc", integer}, param{"w", integer})
	for v := 3; v >= 1; v-- {
		t.add(fmt.Sprintf("gemmPanel%d", v), params, func(e *emitter) {
			g := newTiles(e, v, e.tallest())
			m := e.pointer("m")
			g.repeat(g.rows, m)
			for r := g.rows / 2; r >= 1; r /= 2 {
				g.onBit(r, m)
			}
		})
	}
	t.add("gemmPair4", params, func(e *emitter) { newTiles(e, 4, 2).tile(2) })
	row(t)
}

// row has the products of one row, whose result is contiguous.
func row(t *topic) {
	params := []param{{"n", integer}, {"k", integer}, {"a", pointer}, {"acs", integer}, {"b", pointer}, {"ldb", integer}, {"s", pointer}, {"c", pointer}}
	t.add("gemmRow", params, func(e *emitter) {
		n, b := e.pointer("n"), e.pointer("b")
		g := &tiles{emitter: e, rows: 1, a: e.pointer("a"), s: e.pointer("s"), c: e.pointer("c")}
		g.acs, g.ldb = g.stride("acs"), g.stride("ldb")
		for _, v := range []int{8, 4, 2, 1} {
			g.vectors = v
			loop, next := e.label("cols"), e.label("fewer")
			e.Label(loop)
			e.CMPQ(n, operand.U32(uint32(v*e.lanes())))
			e.JLT(operand.LabelRef(next))
			g.rowTile(b)
			e.SUBQ(operand.U32(uint32(v*e.lanes())), n)
			if v == 8 {
				e.JMP(operand.LabelRef(loop))
			}
			e.Label(next)
		}
		end := e.label("end")
		e.TESTQ(n, n)
		e.JEQ(operand.LabelRef(end))
		g.mask = e.lastMask(n)
		g.rowTile(b)
		e.Label(end)
	})
}

// rowTile emits a tile of one row, under the mask if there is one, and moves b, s
// and c to the next.
func (g *tiles) rowTile(b reg.GPVirtual) {
	at := func(base reg.Register, v int) operand.Mem { return operand.Mem{Base: base, Disp: v * g.bytes()} }
	acc := make([]vector, g.vectors)
	for v := range acc {
		acc[v] = g.vector()
		g.zero(acc[v])
	}
	begin := g.label("begin")
	g.TESTQ(g.s, g.s)
	g.JEQ(operand.LabelRef(begin))
	for v := range acc {
		if g.mask != nil {
			g.loadLast(at(g.s, v), g.mask, acc[v])
		} else {
			g.p("VMOVU", at(g.s, v), acc[v])
		}
	}
	g.ADDQ(operand.U32(uint32(g.vectors*g.bytes())), g.s)
	g.Label(begin)
	pa, pb, k := g.GP64(), g.GP64(), g.pointer("k")
	g.MOVQ(g.a, pa)
	g.MOVQ(b, pb)
	loop := g.label("terms")
	g.Label(loop)
	x := g.vector()
	g.op("VBROADCASTS"+g.pd()[1:], operand.Mem{Base: pa}, x)
	for v := range acc {
		if g.mask != nil {
			y := g.vector()
			g.loadLast(at(pb, v), g.mask, y)
			g.p("VFMADD231", y, x, acc[v])
		} else {
			g.p("VFMADD231", at(pb, v), x, acc[v])
		}
	}
	g.ADDQ(g.acs, pa)
	g.ADDQ(g.ldb, pb)
	g.DECQ(k)
	g.JNE(operand.LabelRef(loop))
	for v := range acc {
		switch {
		case g.mask == nil:
			g.store(acc[v], at(g.c, v), nil)
		case g.isa == avx512:
			g.store(acc[v], at(g.c, v), g.mask)
		default:
			g.p("VMOVU", operand.Mem{Base: g.mask}, x)
			g.store(acc[v], at(g.c, v), x)
		}
	}
	g.ADDQ(operand.U32(uint32(g.vectors*g.bytes())), b)
	g.ADDQ(operand.U32(uint32(g.vectors*g.bytes())), g.c)
}

// tallest is the number of rows of a tile three vectors wide.
func (e *emitter) tallest() int {
	if e.isa == avx512 {
		return 8
	}
	return 4
}

// tiles emits the tiles of one panel of columns.
type tiles struct {
	*emitter
	vectors, rows int
	a, s, c       reg.GPVirtual
	ars           map[int]reg.GPVirtual // bytes between rows of A, times 1, 3, 5, 7
	acs, ldb      reg.GPVirtual         // bytes
	mask          reg.Register          // a K register, or where the mask is in memory
	tabled        bool                  // a table says where the terms are, and there is no start
}

func newTiles(e *emitter, vectors, rows int) *tiles {
	g := &tiles{emitter: e, vectors: vectors, rows: rows}
	g.mask = g.lastMask(e.pointer("w"))
	g.a, g.s, g.c = e.pointer("a"), e.pointer("s"), e.pointer("c")
	if rows > 1 {
		g.ars = e.multiples("ars", rows)
	}
	g.acs, g.ldb = g.stride("acs"), g.stride("ldb")
	return g
}

// stride loads a number of elements as a number of bytes.
func (e *emitter) stride(name string) reg.GPVirtual {
	r := e.pointer(name)
	e.SHLQ(operand.Imm(uint64(e.size()/4+1)), r)
	return r
}

// lastMask takes the first w lanes, w in 1…lanes, as tailMask does, but in AVX2
// leaves the mask in memory: registers are short.
func (e *emitter) lastMask(w reg.GPVirtual) reg.Register {
	if e.isa == avx512 {
		return e.tailMask(w)
	}
	at := e.GP64()
	e.LEAQ(e.maskTable(), at)
	e.NEGQ(w)
	e.LEAQ(operand.Mem{Base: at, Index: w, Scale: uint8(e.size()), Disp: e.bytes()}, at)
	return at
}

// loadLast reads the first lanes of a vector, those of the mask of lastMask.
func (e *emitter) loadLast(m operand.Mem, mask reg.Register, v vector) {
	if e.isa == avx512 {
		e.op("VMOVU"+e.pd()+"_Z", m, mask, v)
		return
	}
	e.p("VMOVU", operand.Mem{Base: mask}, v)
	e.p("VMASKMOV", m, v, v)
}

// repeat emits a loop over the whole tiles of r rows of m.
func (g *tiles) repeat(r int, m reg.GPVirtual) {
	loop, done := g.label("rows"), g.label("rest")
	g.SUBQ(operand.Imm(uint64(r)), m)
	g.JL(operand.LabelRef(done))
	g.Label(loop)
	g.tile(r)
	g.SUBQ(operand.Imm(uint64(r)), m)
	g.JGE(operand.LabelRef(loop))
	g.Label(done)
}

// onBit emits a tile of r rows, a power of two, for when m has that bit.
func (g *tiles) onBit(r int, m reg.GPVirtual) {
	skip := g.label("skip")
	g.TESTQ(operand.U32(uint32(r)), m)
	g.JEQ(operand.LabelRef(skip))
	g.tile(r)
	g.Label(skip)
}

// tile emits a tile of r rows and moves a, s and c to the next.
func (g *tiles) tile(r int) {
	last := g.vectors - 1
	at := func(base reg.Register, v int) operand.Mem { return operand.Mem{Base: base, Disp: v * g.bytes()} }
	acc := make([][]vector, r)
	for i := range acc {
		for range g.vectors {
			acc[i] = append(acc[i], g.vector())
		}
	}
	g.begin(acc, func(v int) operand.Mem { return at(g.s, v) })
	pa, pb, k := g.GP64(), g.pointer("b"), g.pointer("k")
	var table, first reg.GPVirtual
	if g.tabled {
		table, first, pb = g.pointer("table"), pb, g.GP64()
	} else {
		g.MOVQ(g.a, pa)
	}
	loop := g.label("terms")
	g.Label(loop)
	if g.tabled {
		g.MOVQ(operand.Mem{Base: table}, pa)
		g.LEAQ(operand.Mem{Base: g.a, Index: pa, Scale: uint8(g.size())}, pa)
		g.MOVQ(operand.Mem{Base: table, Disp: 8}, pb)
		g.LEAQ(operand.Mem{Base: first, Index: pb, Scale: uint8(g.size())}, pb)
	}
	b := make([]source, g.vectors)
	for v := range last {
		if b[v] = at(pb, v); r > 1 {
			b[v] = g.load(at(pb, v), nil)
		}
	}
	ragged := g.vector()
	g.loadLast(at(pb, last), g.mask, ragged)
	b[last] = ragged
	x := g.vector()
	for i := range r {
		if g.isa == avx512 && g.vectors == 1 {
			g.op("VFMADD231"+g.pd()+"_BCST", place(pa, g.ars, i, 0), b[0], acc[i][0])
			continue
		}
		g.op("VBROADCASTS"+g.pd()[1:], place(pa, g.ars, i, 0), x)
		for v := range acc[i] {
			g.p("VFMADD231", b[v], x, acc[i][v])
		}
	}
	if g.tabled {
		g.ADDQ(operand.Imm(16), table)
	} else {
		g.ADDQ(g.acs, pa)
		g.ADDQ(g.ldb, pb)
	}
	g.DECQ(k)
	g.JNE(operand.LabelRef(loop))

	ldc := g.stride("ldc")
	store := func(partly bool) {
		for i := range acc {
			for v := range last {
				g.store(acc[i][v], at(g.c, v), nil)
			}
			switch {
			case !partly:
				g.store(acc[i][last], at(g.c, last), nil)
			case g.isa == avx512:
				g.store(acc[i][last], at(g.c, last), g.mask)
			default:
				mask := x // its value is no longer needed
				g.p("VMOVU", operand.Mem{Base: g.mask}, mask)
				g.store(acc[i][last], at(g.c, last), mask)
			}
			g.ADDQ(ldc, g.c)
		}
	}
	// A masked store takes many cycles on some processors, and no load sees what
	// it wrote before it is in the cache.
	w, partly, done := g.pointer("w"), g.label("partly"), g.label("stored")
	g.CMPQ(w, operand.Imm(uint64(g.lanes())))
	g.JNE(operand.LabelRef(partly))
	store(false)
	g.JMP(operand.LabelRef(done))
	g.Label(partly)
	store(true)
	g.Label(done)
	g.nextRows(r)
}

// nextRows moves a by r rows, a power of two.
func (g *tiles) nextRows(r int) {
	if g.rows > 1 {
		g.LEAQ(operand.Mem{Base: g.a, Index: g.ars[1], Scale: uint8(r)}, g.a)
	}
}
