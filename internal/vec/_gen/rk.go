package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rk has the combinations of stages and the norms of Runge-Kutta methods. Every
// operation is rounded, in an order that does not depend on the instruction set.
func rk(t *topic) {
	combine(t)
	for _, f := range []struct {
		name string
		make func(*emitter) *norm
	}{
		{"scaledRMS", func(e *emitter) *norm { return newNorm(e, false, false) }},
		{"scaledRMSEach", func(e *emitter) *norm { return newNorm(e, true, false) }},
		{"scaled", func(e *emitter) *norm { return newNorm(e, true, true) }},
	} {
		kind := doubles
		if f.name == "scaledRMS" {
			kind = double
		}
		params := append(pointers("e", "a", "b"), param{"atol", kind}, param{"rtol", kind}, param{"out", doubles}, param{"n", integer})
		t.add(f.name, params, func(e *emitter) { f.make(e).emit() })
	}
	nonFinite(t)
}

// combine is dst = y + (c[0]·k[rows[0]] + c[1]·k[rows[1]] + …) where row i of k begins
// at k[i*n].
func combine(t *topic) {
	params := append(pointers("dst", "y", "c"), param{"rows", integers}, param{"terms", integer}, param{"k", pointer}, param{"n", integer})
	t.add("combine", params, func(e *emitter) {
		dst, y, c, k := e.pointer("dst"), e.pointer("y"), e.pointer("c"), e.pointer("k")
		rows, terms, n := e.pointer("rows"), e.pointer("terms"), e.pointer("n")
		stride := e.GP64()
		e.MOVQ(n, stride)
		e.SHLQ(operand.Imm(uint64(map[bool]int{true: 3, false: 2}[e.wide])), stride)
		wide := 4
		if e.isa == avx2 {
			wide = 8
		}
		e.blocks(n, wide, func(at []address, mask reg.Register) {
			j, from, factor := e.GP64(), e.GP64(), e.vector()
			sum := make([]vector, len(at))
			row := func() {
				e.MOVQ(operand.Mem{Base: rows, Index: j, Scale: 8}, from)
				e.IMULQ(stride, from)
				e.ADDQ(k, from)
				name := map[bool]string{true: "VBROADCASTSD", false: "VBROADCASTSS"}[e.wide]
				e.op(name, operand.Mem{Base: c, Index: j, Scale: uint8(e.size())}, factor)
			}
			product := func(a address) vector {
				if mask != nil {
					return e.mul(e.load(a(from), mask), factor)
				}
				return e.mul(factor, a(from))
			}
			e.XORQ(j, j)
			row()
			for i, a := range at {
				sum[i] = product(a)
			}
			loop, end := e.label("terms"), e.label("end")
			e.INCQ(j)
			e.CMPQ(j, terms)
			e.JGE(operand.LabelRef(end))
			e.Label(loop)
			row()
			for i, a := range at {
				e.p("VADD", product(a), sum[i], sum[i])
			}
			e.INCQ(j)
			e.CMPQ(j, terms)
			e.JL(operand.LabelRef(loop))
			e.Label(end)
			for i, a := range at {
				e.store(e.add(e.load(a(y), mask), sum[i]), a(dst), mask)
			}
		})
	})
}

// norm emits what needs e/(atol + rtol·max(|a|, |b|)), in float64 and eight elements at a
// time.
type norm struct {
	*emitter
	f64          *emitter // the same, for instructions on float64
	each, keep   bool     // tolerances for each component; results are stored
	e, a, b, out reg.GPVirtual
	tolerances   [2]reg.GPVirtual
	scalars      [2]vector
	zero         vector
	sums         []vector
}

func newNorm(e *emitter, each, keep bool) *norm {
	f64 := *e
	f64.wide = true
	return &norm{emitter: e, f64: &f64, each: each, keep: keep}
}

func (m *norm) emit() {
	m.e, m.a, m.b, m.out = m.pointer("e"), m.pointer("a"), m.pointer("b"), m.pointer("out")
	for i, name := range []string{"atol", "rtol"} {
		if m.each {
			m.tolerances[i] = m.pointer(name)
			continue
		}
		x := m.XMM()
		m.Load(m.Param(name), x)
		m.scalars[i] = m.vector()
		m.VBROADCASTSD(x, m.scalars[i])
	}
	n, i := m.pointer("n"), m.GP64()
	m.zero = m.vector()
	m.f64.p("VXOR", m.zero, m.zero, m.zero)
	for range m.parts() {
		s := m.vector()
		m.f64.p("VXOR", s, s, s)
		m.sums = append(m.sums, s)
	}
	loop, tail, end := m.label("loop"), m.label("tail"), m.label("end")
	m.XORQ(i, i)
	m.SUBQ(operand.Imm(8), n)
	m.JL(operand.LabelRef(tail))
	m.Label(loop)
	m.eight(i, nil)
	m.ADDQ(operand.Imm(8), i)
	m.SUBQ(operand.Imm(8), n)
	m.JGE(operand.LabelRef(loop))
	m.Label(tail)
	m.ADDQ(operand.Imm(8), n)
	m.JEQ(operand.LabelRef(end))
	m.eight(i, n)
	m.Label(end)
	if !m.keep {
		m.total()
	}
}

// parts is the number of vectors that hold eight float64.
func (m *norm) parts() int { return 64 / m.bytes() }

// eight takes the elements from i on: eight, or rest if that is given.
func (m *norm) eight(i, rest reg.Register) {
	masks := m.masks(true, rest)
	e, a, b := m.read(m.e, i, rest), m.read(m.a, i, rest), m.read(m.b, i, rest)
	f := m.f64
	for p := range m.parts() {
		size := f.two("VMAX", f.and(a[p], f.absBits()), f.and(b[p], f.absBits()))
		atol, rtol := m.scalars[0], m.scalars[1]
		if m.each {
			atol = f.load(m.at(m.tolerances[0], i, p), masks[p])
			rtol = f.load(m.at(m.tolerances[1], i, p), masks[p])
		}
		r := f.div(e[p], f.add(f.mul(size, rtol), atol))
		const notEqual = 4
		r = f.choose(f.compare(notEqual, e[p], m.zero), m.zero, r)
		if m.keep {
			f.store(r, m.at(m.out, i, p), masks[p])
			continue
		}
		f.p("VADD", f.mul(r, r), m.sums[p], m.sums[p])
	}
}

// at is part p of eight float64 from i on.
func (m *norm) at(base, i reg.Register, p int) operand.Mem {
	return operand.Mem{Base: base, Index: i, Scale: 8, Disp: p * m.bytes()}
}

// masks select the first rest of eight elements, in the parts; nil for all.
func (m *norm) masks(wide bool, rest reg.Register) []reg.Register {
	masks := make([]reg.Register, m.parts())
	switch {
	case rest == nil:
	case m.isa == avx512 || !wide:
		masks[0] = m.tailMask(rest.(reg.GPVirtual))
	default:
		from, at := m.GP64(), m.GP64()
		m.LEAQ(m.f64.onesAndZeros("mask64x8", 8), from)
		m.MOVQ(rest, at)
		m.NEGQ(at)
		for p := range masks {
			v := m.vector()
			m.VMOVUPD(operand.Mem{Base: from, Index: at, Scale: 8, Disp: 64 + p*m.bytes()}, v)
			masks[p] = v
		}
	}
	return masks
}

// read converts elements from i on to float64.
func (m *norm) read(base, i, rest reg.Register) []vector {
	parts := make([]vector, m.parts())
	masks := m.masks(m.wide, rest)
	if m.wide {
		for p := range parts {
			parts[p] = m.load(m.at(base, i, p), masks[p])
		}
		return parts
	}
	from := operand.Mem{Base: base, Index: i, Scale: 4}
	x := m.YMM()
	switch {
	case rest == nil:
		m.VMOVUPS(from, x)
	case m.isa == avx512:
		m.VMOVUPS_Z(from, masks[0], x)
	default:
		m.VMASKMOVPS(from, masks[0], x)
	}
	for p := range parts {
		parts[p] = m.vector()
		switch {
		case m.isa == avx512:
			m.VCVTPS2PD(x, parts[p])
		case p == 0:
			m.VCVTPS2PD(x.AsX(), parts[p])
		default:
			half := m.XMM()
			m.VEXTRACTF128(operand.Imm(1), x, half)
			m.VCVTPS2PD(half, parts[p])
		}
	}
	return parts
}

// total stores the sum of halves of halves of the eight sums.
func (m *norm) total() {
	y := m.YMM()
	if m.isa == avx512 {
		m.VEXTRACTF64X4(operand.Imm(1), m.sums[0], y)
		m.VADDPD(y, m.sums[0].AsY(), y)
	} else {
		m.VADDPD(m.sums[1], m.sums[0], y)
	}
	x := m.XMM()
	m.VEXTRACTF128(operand.Imm(1), y, x)
	m.VADDPD(x, y.AsX(), x)
	high := m.XMM()
	m.VUNPCKHPD(x, x, high)
	m.VADDSD(high, x, x)
	m.VMOVSD(x, operand.Mem{Base: m.out})
}

// nonFinite stores in bad a number other than 0 if x has NaN or Inf: the sums of 0·x are
// NaN then.
func nonFinite(t *topic) {
	t.add("nonFinite", append(pointers("x"), param{"bad", integers}, param{"n", integer}), func(e *emitter) {
		x, n, bad := e.pointer("x"), e.pointer("n"), e.pointer("bad")
		const wide = 8
		zero := e.vector()
		e.p("VXOR", zero, zero, zero)
		sums := make([]vector, wide)
		for i := range sums {
			sums[i] = e.vector()
			e.p("VXOR", sums[i], sums[i], sums[i])
		}
		e.blocks(n, wide, func(at []address, mask reg.Register) {
			for i, a := range at {
				if mask != nil {
					e.addProduct(sums[i], zero, e.load(a(x), mask))
				} else {
					e.addProduct(sums[i], zero, a(x))
				}
			}
		})
		s := sums[0]
		for _, v := range sums[1:] {
			e.p("VADD", v, s, s)
		}
		const unordered = 3
		found := e.compare(unordered, s, s)
		r := e.GP32()
		if e.isa == avx512 {
			e.KMOVW(found, r)
		} else {
			e.p("VMOVMSK", found, r)
		}
		e.MOVQ(r.As64(), operand.Mem{Base: bad})
	})
}
