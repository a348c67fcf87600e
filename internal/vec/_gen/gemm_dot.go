package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemmDot has the products of few columns. Column j of B is contiguous, at
// b[j*ldb], as is row i of A, at a[i*ars]. An element of C is its start, at
// s[i*lds+j] or zero where s is nil, plus the sum of as many partial sums as an AVX-512 register has
// lanes, of which the halves are added to each other until one number is left.
func gemmDot(t *topic) {
	params := []param{{"m", integer}, {"k", integer}, {"a", pointer}, {"ars", integer},
		{"b", pointer}, {"ldb", integer}, {"s", pointer}, {"lds", integer}, {"c", pointer}, {"ldc", integer}}
	for n := 1; n <= 4; n++ {
		t.add(fmt.Sprintf("gemmDot%d", n), params, func(e *emitter) {
			rows := []int{8, 4, 4, 4}[n-1]
			if e.isa == avx2 {
				rows = []int{4, 2, 1, 1}[n-1]
			}
			d := newDots(e, n, rows)
			m := e.pointer("m")
			d.repeat(rows, m)
			if rows > 1 {
				e.ADDQ(operand.Imm(uint64(rows)), m)
				d.repeat(1, m)
			}
		})
	}
}

// dots emits tiles of dot products.
type dots struct {
	*emitter
	cols       int
	a, b, s, c reg.GPVirtual
	ars, ldb   map[int]reg.GPVirtual // bytes between rows, times 1 and 3
	mask       []reg.Register        // of the last elements of each part of a group of lanes
}

// parts is the number of registers that hold the partial sums of an element.
func (e *emitter) parts() int { return 64 / e.bytes() }

func newDots(e *emitter, cols, rows int) *dots {
	d := &dots{emitter: e, cols: cols, a: e.pointer("a"), b: e.pointer("b"), s: e.pointer("s"), c: e.pointer("c")}
	d.ars, d.ldb = e.multiples("ars", rows), e.multiples("ldb", cols)
	tail := e.pointer("k")
	group := e.lanes() * e.parts()
	e.ANDQ(operand.Imm(uint64(group-1)), tail)
	if e.isa == avx512 {
		d.mask = []reg.Register{e.tailMask(tail)}
	} else {
		at := e.GP64()
		e.LEAQ(e.onesAndZeros(fmt.Sprintf("tail%d", 8*e.size()), group), at)
		e.NEGQ(tail)
		e.LEAQ(operand.Mem{Base: at, Index: tail, Scale: uint8(e.size()), Disp: 64}, at)
		d.mask = []reg.Register{at, at}
	}
	return d
}

// repeat emits a loop over tiles of r rows of m.
func (d *dots) repeat(r int, m reg.GPVirtual) {
	loop, done := d.label("rows"), d.label("rest")
	d.SUBQ(operand.Imm(uint64(r)), m)
	d.JL(operand.LabelRef(done))
	d.Label(loop)
	d.tile(r)
	d.SUBQ(operand.Imm(uint64(r)), m)
	d.JGE(operand.LabelRef(loop))
	d.Label(done)
}

// multiples loads a stride as the number of bytes to the next row, with the odd
// multiples that place needs for n rows.
func (e *emitter) multiples(name string, n int) map[int]reg.GPVirtual {
	r := map[int]reg.GPVirtual{1: e.stride(name)}
	for i := 3; i < n; i += 2 {
		r[i] = e.GP64()
		e.LEAQ(operand.Mem{Base: r[i-2], Index: r[1], Scale: 2}, r[i])
	}
	return r
}

// place is disp bytes after the start of row i < 8, the rows ld apart.
func place(base reg.Register, ld map[int]reg.GPVirtual, i, disp int) operand.Mem {
	m := operand.Mem{Base: base, Disp: disp}
	if i > 0 {
		shift := i & -i
		if ld[i/shift] == nil {
			panic("no multiple of a stride")
		}
		m.Index, m.Scale = ld[i/shift], uint8(shift)
	}
	return m
}

func (d *dots) tile(r int) {
	acc := make([][][]vector, r) // row, column, part
	for i := range acc {
		acc[i] = make([][]vector, d.cols)
		for j := range acc[i] {
			for range d.parts() {
				x := d.vector()
				d.zero(x)
				acc[i][j] = append(acc[i][j], x)
			}
		}
	}
	pa, pb, k := d.GP64(), d.GP64(), d.pointer("k")
	d.MOVQ(d.a, pa)
	d.MOVQ(d.b, pb)
	terms := func(load func(m operand.Mem, part int) vector, direct bool) {
		for part := range d.parts() {
			at := part * d.bytes()
			b := make([]source, d.cols)
			for j := range b {
				if m := place(pb, d.ldb, j, at); r > 1 || !direct {
					b[j] = load(m, part)
				} else {
					b[j] = m
				}
			}
			for i := range r {
				x := load(place(pa, d.ars, i, at), part)
				for j := range b {
					d.p("VFMADD231", b[j], x, acc[i][j][part])
				}
			}
		}
	}
	group := d.lanes() * d.parts()
	loop, rest, sum := d.label("terms"), d.label("last"), d.label("sum")
	d.SUBQ(operand.Imm(uint64(group)), k)
	d.JL(operand.LabelRef(rest))
	d.Label(loop)
	terms(func(m operand.Mem, part int) vector { return d.load(m, nil) }, true)
	d.ADDQ(operand.Imm(64), pa)
	d.ADDQ(operand.Imm(64), pb)
	d.SUBQ(operand.Imm(uint64(group)), k)
	d.JGE(operand.LabelRef(loop))
	d.Label(rest)
	d.ADDQ(operand.Imm(uint64(group)), k)
	d.JEQ(operand.LabelRef(sum))
	terms(func(m operand.Mem, part int) vector {
		if d.isa == avx512 {
			return d.load(m, d.mask[0])
		}
		x := d.vector()
		d.p("VMOVU", operand.Mem{Base: d.mask[part], Disp: part * d.bytes()}, x)
		d.p("VMASKMOV", m, x, x)
		return x
	}, false)
	d.Label(sum)

	sums := d.sums(acc)
	store, lds, ldc := d.label("store"), d.stride("lds"), d.stride("ldc")
	d.TESTQ(d.s, d.s)
	d.JEQ(operand.LabelRef(store))
	for _, x := range sums {
		x.each(d.s, lds, func(m operand.Mem) { d.addFew(m, x.v, x.n) })
	}
	d.Label(store)
	for _, x := range sums {
		x.each(d.c, ldc, func(m operand.Mem) { d.storeFew(x.v, m, x.n) })
	}
	if r == 1 {
		d.ADDQ(d.ars[1], d.a)
	} else {
		d.LEAQ(operand.Mem{Base: d.a, Index: d.ars[1], Scale: uint8(r)}, d.a)
	}
}

func (e *emitter) zero(x vector) { e.p("VXOR", x, x, x) }

// neighbours are n elements of a row of a tile, 1, 2 or 4, in the first lanes of v.
type neighbours struct {
	*dots
	v          reg.VecVirtual
	n, col     int
	endsTheRow bool
}

// each gives body the place of x in its row and then, if x is the last of the row,
// moves row to the next.
func (x neighbours) each(row, ld reg.GPVirtual, body func(m operand.Mem)) {
	body(operand.Mem{Base: row, Disp: x.col * x.size()})
	if x.endsTheRow {
		x.ADDQ(ld, row)
	}
}

// sums adds the lanes of the accumulators, halves to halves, for four elements at
// once where there are four.
func (d *dots) sums(acc [][][]vector) []neighbours {
	var all []neighbours
	var flat [][]vector
	for _, row := range acc {
		flat = append(flat, row...)
	}
	keep := func(v reg.VecVirtual, n, from int) {
		col := from % d.cols
		all = append(all, neighbours{d, v, n, col, col+n == d.cols})
	}
	i := 0
	for ; i+4 <= len(flat); i += 4 {
		switch x := d.four(flat[i : i+4]); d.cols {
		case 4:
			keep(x, 4, i)
		case 2:
			keep(x, 2, i)
			keep(d.highHalf(x), 2, i+2)
		default:
			for _, pair := range []reg.VecVirtual{x, d.highHalf(x)} {
				second := d.XMM()
				if d.wide {
					d.VPERMILPD(operand.Imm(1), pair.AsX(), second)
				} else {
					d.VMOVSHDUP(pair.AsX(), second)
				}
				keep(pair, 1, i)
				keep(second, 1, i+1)
				i += 2
			}
			i -= 4
		}
	}
	for ; i < len(flat); i++ {
		keep(d.one(flat[i]), 1, i)
	}
	return all
}

// one adds the lanes of the parts, halves to halves.
func (e *emitter) one(parts []vector) reg.VecVirtual {
	half := e.YMM()
	if e.isa == avx512 {
		e.VEXTRACTF64X4(operand.Imm(1), parts[0], half)
		e.p("VADD", half, parts[0].AsY(), half)
	} else {
		e.p("VADD", parts[1], parts[0], half)
	}
	x, y := e.XMM(), e.XMM()
	e.extractHigh(half, x)
	e.p("VADD", x, half.AsX(), x)
	e.VPERMILPD(operand.Imm(1), x, y)
	if e.wide {
		e.VADDSD(y, x, x)
		return x
	}
	e.VADDPS(y, x, x)
	e.VMOVSHDUP(x, y)
	e.VADDSS(y, x, x)
	return x
}

func (e *emitter) extractHigh(from, to reg.VecVirtual) {
	if e.isa == avx512 {
		e.VEXTRACTF64X2(operand.Imm(1), from, to)
	} else {
		e.VEXTRACTF128(operand.Imm(1), from, to)
	}
}

// four is one for a, b, c and d, whose sums are the lanes of the result.
func (e *emitter) four(parts [][]vector) reg.VecVirtual {
	// Each half of ab holds what is left of a and of b; so does cd.
	ab, cd := e.YMM(), e.YMM()
	if e.isa == avx512 {
		fold := func(low, high uint64, x, y reg.VecVirtual) reg.VecVirtual {
			l, h := e.ZMM(), e.ZMM()
			e.VSHUFF64X2(operand.Imm(low), y, x, l)
			e.VSHUFF64X2(operand.Imm(high), y, x, h)
			e.p("VADD", h, l, l)
			return l
		}
		all := fold(0x88, 0xdd, fold(0x44, 0xee, parts[0][0], parts[1][0]), fold(0x44, 0xee, parts[2][0], parts[3][0]))
		e.VEXTRACTF64X4(operand.Imm(1), all, cd)
		ab = all.AsY().(reg.VecVirtual)
	} else {
		fold := func(x, y []vector, to vector) {
			e.p("VADD", x[1], x[0], x[0])
			e.p("VADD", y[1], y[0], y[0])
			e.VPERM2F128(operand.Imm(0x31), y[0], x[0], x[1])
			e.VPERM2F128(operand.Imm(0x20), y[0], x[0], to)
			e.p("VADD", x[1], to, to)
		}
		fold(parts[0], parts[1], ab)
		fold(parts[2], parts[3], cd)
	}
	x, y := e.YMM(), e.YMM()
	e.VUNPCKLPD(cd, ab, x)
	e.VUNPCKHPD(cd, ab, y)
	e.p("VADD", y, x, x) // a, c, b, d
	if e.wide {
		e.VPERMPD(operand.Imm(0xd8), x, x)
		return x
	}
	e.VMOVSHDUP(x, y)
	e.VADDPS(y, x, x) // a, -, c, - and b, -, d, -
	e.extractHigh(x, y.AsX().(reg.VecVirtual))
	e.VSHUFPS(operand.Imm(0x88), y.AsX(), x.AsX(), x.AsX()) // a, c, b, d
	e.VPERMILPS(operand.Imm(0xd8), x.AsX(), x.AsX())
	return x.AsX().(reg.VecVirtual)
}

// addFew adds n numbers, 1, 2 or 4, in memory to the first lanes of x.
func (e *emitter) addFew(m operand.Mem, x reg.VecVirtual, n int) {
	switch {
	case n == 4:
		e.p("VADD", m, x, x)
	case n == 1:
		e.op("VADDS"+e.pd()[1:], m, x.AsX(), x.AsX())
	case e.wide:
		e.VADDPD(m, x.AsX(), x.AsX())
	default:
		y := e.XMM()
		e.VMOVSD(m, y)
		e.VADDPS(y, x, x)
	}
}
