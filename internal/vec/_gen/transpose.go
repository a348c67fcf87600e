package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose stores the rows of length cols at src, lds apart, in the columns of
// dst, whose rows are ldd apart, four by four.
func transpose(t *topic) {
	params := append(pointers("dst"), param{"ldd", integer}, param{"src", pointer}, param{"lds", integer}, param{"rows", integer}, param{"cols", integer})
	pairs(t)
	t.add("transpose", params, func(e *emitter) {
		b := &blocks{emitter: e, dst: e.pointer("dst"), src: e.pointer("src")}
		b.ldd, b.lds = b.multiples("ldd", 4), b.multiples("lds", 4)
		tail := e.pointer("cols")
		e.ANDQ(operand.Imm(3), tail)
		at := e.GP64()
		e.LEAQ(e.maskTable(), at)
		e.NEGQ(tail)
		b.mask = b.lanes4()
		e.p("VMOVU", operand.Mem{Base: at, Index: tail, Scale: uint8(e.size()), Disp: e.bytes()}, b.mask)
		rows := e.pointer("rows")
		loop, rest := e.label("rows"), e.label("rest")
		e.SUBQ(operand.Imm(4), rows)
		e.JL(operand.LabelRef(rest))
		e.Label(loop)
		b.rows(4)
		e.LEAQ(operand.Mem{Base: b.src, Index: b.lds[1], Scale: 4}, b.src)
		e.ADDQ(operand.Imm(uint64(4*e.size())), b.dst)
		e.SUBQ(operand.Imm(4), rows)
		e.JGE(operand.LabelRef(loop))
		e.Label(rest)
		end := e.label("end")
		for r := 3; r >= 1; r-- {
			skip := e.label("skip")
			e.CMPQ(rows, operand.I8(int8(r-4)))
			e.JNE(operand.LabelRef(skip))
			b.rows(r)
			e.JMP(operand.LabelRef(end))
			e.Label(skip)
		}
		e.Label(end)
	})
}

// pairs has the transpositions of two columns without gaps, for n rows, a multiple
// of the lanes of a 32-byte register: apart stores them in a and b, together
// is the way back.
func pairs(t *topic) {
	each := func(e *emitter, both reg.GPVirtual, body func(at func(p reg.GPVirtual) operand.Mem)) {
		i, n := e.GP64(), e.pointer("n")
		e.XORQ(i, i)
		loop, end := e.label("loop"), e.label("end")
		e.TESTQ(n, n)
		e.JEQ(operand.LabelRef(end))
		e.Label(loop)
		body(func(p reg.GPVirtual) operand.Mem { return operand.Mem{Base: p, Index: i, Scale: uint8(e.size())} })
		e.ADDQ(operand.Imm(64), both)
		e.ADDQ(operand.Imm(uint64(32/e.size())), i)
		e.CMPQ(i, n)
		e.JLT(operand.LabelRef(loop))
		e.Label(end)
	}
	t.add("apart", append(pointers("a", "b", "src"), param{"n", integer}), func(e *emitter) {
		a, b, src := e.pointer("a"), e.pointer("b"), e.pointer("src")
		each(e, src, func(at func(reg.GPVirtual) operand.Mem) {
			x, y := e.YMM(), e.YMM()
			e.p("VMOVU", operand.Mem{Base: src}, x)
			e.p("VMOVU", operand.Mem{Base: src, Disp: 32}, y)
			for odd, dst := range []reg.GPVirtual{a, b} {
				z := e.YMM()
				if e.wide {
					e.op([]string{"VUNPCKLPD", "VUNPCKHPD"}[odd], y, x, z)
				} else {
					e.VSHUFPS(operand.Imm([]uint64{0x88, 0xdd}[odd]), y, x, z)
				}
				e.VPERMPD(operand.Imm(0xd8), z, z)
				e.p("VMOVU", z, at(dst))
			}
		})
	})
	t.add("together", append(pointers("dst", "a", "b"), param{"n", integer}), func(e *emitter) {
		dst, a, b := e.pointer("dst"), e.pointer("a"), e.pointer("b")
		each(e, dst, func(at func(reg.GPVirtual) operand.Mem) {
			x, y, lo, hi := e.YMM(), e.YMM(), e.YMM(), e.YMM()
			e.p("VMOVU", at(a), x)
			e.p("VMOVU", at(b), y)
			e.p("VUNPCKL", y, x, lo)
			e.p("VUNPCKH", y, x, hi)
			e.VPERM2F128(operand.Imm(0x20), hi, lo, x)
			e.VPERM2F128(operand.Imm(0x31), hi, lo, y)
			e.p("VMOVU", x, operand.Mem{Base: dst})
			e.p("VMOVU", y, operand.Mem{Base: dst, Disp: 32})
		})
	})
}

// blocks emits the transposition of blocks of four columns.
type blocks struct {
	*emitter
	dst, src reg.GPVirtual
	ldd, lds map[int]reg.GPVirtual // bytes between rows, times 1 and 3
	mask     reg.VecVirtual        // of the last columns
}

// lanes4 is a register of four lanes.
func (e *emitter) lanes4() reg.VecVirtual {
	if e.wide {
		return e.YMM()
	}
	return e.XMM()
}

// rows emits the transposition of r rows.
func (b *blocks) rows(r int) {
	from, to, cols := b.GP64(), b.GP64(), b.pointer("cols")
	b.MOVQ(b.src, from)
	b.MOVQ(b.dst, to)
	loop, rest, end := b.label("cols"), b.label("fewcols"), b.label("done")
	b.SUBQ(operand.Imm(4), cols)
	b.JL(operand.LabelRef(rest))
	b.Label(loop)
	for j, x := range b.columns(from, r, false) {
		b.storeFew(x, place(to, b.ldd, j, 0), r)
	}
	b.ADDQ(operand.Imm(uint64(4*b.size())), from)
	b.LEAQ(operand.Mem{Base: to, Index: b.ldd[1], Scale: 4}, to)
	b.SUBQ(operand.Imm(4), cols)
	b.JGE(operand.LabelRef(loop))
	b.Label(rest)
	b.ADDQ(operand.Imm(4), cols)
	b.JEQ(operand.LabelRef(end))
	x := b.columns(from, r, true)
	for j := range 3 {
		b.storeFew(x[j], place(to, b.ldd, j, 0), r)
		if j < 2 {
			b.DECQ(cols)
			b.JEQ(operand.LabelRef(end))
		}
	}
	b.Label(end)
}

// columns are the four columns of the block at from, of r rows. Without all four,
// the mask tells which exist.
func (b *blocks) columns(from reg.GPVirtual, r int, masked bool) []reg.VecVirtual {
	in := make([]reg.VecVirtual, 4)
	for i := range in {
		if i >= r {
			in[i] = in[0] // of which nothing is stored
			continue
		}
		in[i] = b.lanes4()
		if m := place(from, b.lds, i, 0); masked {
			b.p("VMASKMOV", m, b.mask, in[i])
		} else {
			b.p("VMOVU", m, in[i])
		}
	}
	pair := func(op string, x, y reg.VecVirtual) reg.VecVirtual {
		z := b.lanes4()
		b.p(op, y, x, z)
		return z
	}
	lo01, hi01 := pair("VUNPCKL", in[0], in[1]), pair("VUNPCKH", in[0], in[1])
	if r <= 2 && !b.wide {
		return []reg.VecVirtual{lo01, b.highHalf(lo01), hi01, b.highHalf(hi01)}
	}
	if r <= 2 {
		return []reg.VecVirtual{lo01, hi01, b.highHalf(lo01), b.highHalf(hi01)}
	}
	lo23, hi23 := pair("VUNPCKL", in[2], in[3]), pair("VUNPCKH", in[2], in[3])
	join := func(how uint64, x, y reg.VecVirtual) reg.VecVirtual {
		z := b.lanes4()
		b.VPERM2F128(operand.Imm(how), y, x, z)
		return z
	}
	if b.wide {
		return []reg.VecVirtual{join(0x20, lo01, lo23), join(0x20, hi01, hi23), join(0x31, lo01, lo23), join(0x31, hi01, hi23)}
	}
	shuffle := func(how uint64, x, y reg.VecVirtual) reg.VecVirtual {
		z := b.lanes4()
		b.VSHUFPS(operand.Imm(how), y, x, z)
		return z
	}
	return []reg.VecVirtual{shuffle(0x44, lo01, lo23), shuffle(0xee, lo01, lo23), shuffle(0x44, hi01, hi23), shuffle(0xee, hi01, hi23)}
}

// highHalf is a register whose first two lanes are the last two of x.
func (e *emitter) highHalf(x reg.VecVirtual) reg.VecVirtual {
	z := e.lanes4()
	if e.wide {
		e.extractHigh(x, z.AsX().(reg.VecVirtual))
	} else {
		e.VPERMILPD(operand.Imm(1), x, z)
	}
	return z
}

// storeFew stores the first r lanes of x.
func (e *emitter) storeFew(x reg.VecVirtual, m operand.Mem, r int) {
	switch {
	case r == 4:
		e.p("VMOVU", x, m)
	case r == 1:
		e.op("VMOVS"+e.pd()[1:], x.AsX(), m)
	case e.wide:
		e.VMOVUPD(x.AsX(), m)
	default:
		e.VMOVSD(x, m)
	}
	if r == 3 {
		y := e.XMM()
		if e.wide {
			e.extractHigh(x, y)
		} else {
			e.VPERMILPD(operand.Imm(1), x, y)
		}
		m.Disp += 2 * e.size()
		e.op("VMOVS"+e.pd()[1:], y, m)
	}
}
