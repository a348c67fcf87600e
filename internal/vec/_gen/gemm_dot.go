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
			rows := 4
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
	multiples := func(name string, n int) map[int]reg.GPVirtual {
		r := map[int]reg.GPVirtual{1: e.stride(name)}
		if n > 3 || name == "ldb" && n == 4 {
			r[3] = e.GP64()
			e.LEAQ(operand.Mem{Base: r[1], Index: r[1], Scale: 2}, r[3])
		}
		return r
	}
	d.ars, d.ldb = multiples("ars", rows), multiples("ldb", cols)
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

// place is the address of row i of a matrix.
func place(base reg.Register, ld map[int]reg.GPVirtual, i, disp int) operand.Mem {
	switch i {
	case 0:
		return operand.Mem{Base: base, Disp: disp}
	case 3:
		return operand.Mem{Base: base, Index: ld[3], Scale: 1, Disp: disp}
	}
	return operand.Mem{Base: base, Index: ld[1], Scale: uint8(i), Disp: disp}
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

	sums := make([][]reg.VecVirtual, r)
	for i := range sums {
		for _, parts := range acc[i] {
			sums[i] = append(sums[i], d.sum(parts))
		}
	}
	store := d.label("store")
	d.TESTQ(d.s, d.s)
	d.JEQ(operand.LabelRef(store))
	lds := d.stride("lds")
	for i := range sums {
		for j, x := range sums[i] {
			d.op("VADDS"+d.pd()[1:], operand.Mem{Base: d.s, Disp: j * d.size()}, x, x)
		}
		d.ADDQ(lds, d.s)
	}
	d.Label(store)
	ldc := d.stride("ldc")
	for i := range sums {
		for j, x := range sums[i] {
			d.op("VMOVS"+d.pd()[1:], x, operand.Mem{Base: d.c, Disp: j * d.size()})
		}
		d.ADDQ(ldc, d.c)
	}
	if r == 1 {
		d.ADDQ(d.ars[1], d.a)
	} else {
		d.LEAQ(operand.Mem{Base: d.a, Index: d.ars[1], Scale: uint8(r)}, d.a)
	}
}

func (e *emitter) zero(x vector) { e.p("VXOR", x, x, x) }

// sum adds the lanes of the parts, halves to halves.
func (e *emitter) sum(parts []vector) reg.VecVirtual {
	half := e.YMM()
	if e.isa == avx512 {
		e.VEXTRACTF64X4(operand.Imm(1), parts[0], half)
		e.p("VADD", half, parts[0].AsY(), half)
	} else {
		e.p("VADD", parts[1], parts[0], half)
	}
	x, y := e.XMM(), e.XMM()
	if e.isa == avx512 {
		e.VEXTRACTF64X2(operand.Imm(1), half, x)
	} else {
		e.VEXTRACTF128(operand.Imm(1), half, x)
	}
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
