package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// perceptron has one sample through a network of one hidden layer of tanh, with as many
// inputs as outputs: y = b2 + tanh(b1 + x·W1)·W2, and its vector-Jacobian products. The
// hidden units are taken in blocks of 64 bytes. p is the perceptronArgs of package vec.
//
// The sums are those of the products that gemm and gemmDot compute, to the last bit.
func perceptron(t *topic) {
	for d := 1; d <= 4; d++ {
		t.add(fmt.Sprintf("perceptron%d", d), pointers("p", "theta", "y", "x"), func(e *emitter) { newHidden(e, d).forward() })
		t.add(fmt.Sprintf("perceptronGrad%d", d), pointers("p", "theta", "dtheta", "dx", "x", "lambda"), func(e *emitter) { newHidden(e, d).back() })
	}
}

// The words of perceptronArgs: bytes from θ to the parameters, bytes between rows of W1,
// numbers of blocks, the copies of what is left over, and room for sums and λ.
const (
	argW1, argB1, argW2, argB2 = 0, 8, 16, 24
	argLd, argBlocks, argTail  = 32, 40, 48
	argTailW1, argTailDW1      = 56, 80 // and those of b1 and W2
	argSums, argLambda         = 128, 128 + 4*64
)

// hidden emits the walk over blocks of hidden units.
type hidden struct {
	*emitter
	d               int
	args, x, lambda reg.GPVirtual
	at, dat         [3]reg.GPVirtual // W1, b1, W2 and their gradients
	ld              map[int]reg.GPVirtual
	xs, lambdas     []vector // broadcast, in AVX-512
	sums            []vector // in AVX-512
	patterns        []vector // λ as it meets the rows of W2, in AVX-512
	tanh            func(x vector) vector
	unit            vector // 1
}

func newHidden(e *emitter, d int) *hidden {
	h := &hidden{emitter: e, d: d, args: e.pointer("p"), x: e.pointer("x")}
	h.at = h.params("theta")
	h.ld = map[int]reg.GPVirtual{1: e.GP64(), 3: e.GP64()}
	e.MOVQ(operand.Mem{Base: h.args, Disp: argLd}, h.ld[1])
	e.LEAQ(operand.Mem{Base: h.ld[1], Index: h.ld[1], Scale: 2}, h.ld[3])
	for i := range d {
		zero := e.vector()
		e.zero(zero)
		if e.isa == avx512 {
			h.sums = append(h.sums, zero)
			h.xs = append(h.xs, h.spread(h.x, i))
			continue
		}
		for part := range e.parts() {
			e.p("VMOVU", zero, h.sum(i, part))
		}
	}
	if e.isa == avx512 {
		h.tanh, h.unit = tanh(e), e.value(e.c(1))
	}
	return h
}

// params are the addresses of W1, b1 and W2 in a vector like θ.
func (h *hidden) params(name string) (at [3]reg.GPVirtual) {
	theta := h.pointer(name)
	for i := range at {
		at[i] = h.GP64()
		h.MOVQ(operand.Mem{Base: h.args, Disp: argW1 + 8*i}, at[i])
		h.ADDQ(theta, at[i])
	}
	return at
}

// spread is element i of a row in all lanes.
func (h *hidden) spread(row reg.GPVirtual, i int) vector {
	v := h.vector()
	h.op("VBROADCASTS"+h.pd()[1:], operand.Mem{Base: row, Disp: i * h.size()}, v)
	return v
}

// sum is where AVX2 keeps a part of sum i.
func (h *hidden) sum(i, part int) operand.Mem {
	return operand.Mem{Base: h.args, Disp: argSums + 64*i + part*h.bytes()}
}

// walk emits the loop over the blocks, and one over the copies of what is left over.
func (h *hidden) walk(body func(part int)) {
	count, tail := h.GP64(), h.GP64()
	loop, rest, end := h.label("units"), h.label("rest"), h.label("end")
	h.MOVQ(operand.Mem{Base: h.args, Disp: argBlocks}, count)
	h.MOVQ(operand.Mem{Base: h.args, Disp: argTail}, tail)
	h.TESTQ(count, count)
	h.JEQ(operand.LabelRef(rest))
	h.Label(loop)
	for part := range h.parts() {
		body(part)
	}
	for _, at := range [][3]reg.GPVirtual{h.at, h.dat} {
		if at[0] != nil {
			h.ADDQ(operand.Imm(64), at[0])
			h.ADDQ(operand.Imm(64), at[1])
			h.ADDQ(operand.U32(uint32(64*h.d)), at[2])
		}
	}
	h.DECQ(count)
	h.JNE(operand.LabelRef(loop))
	h.Label(rest)
	h.TESTQ(tail, tail)
	h.JEQ(operand.LabelRef(end))
	h.XORQ(tail, tail)
	for i := range h.at {
		h.MOVQ(operand.Mem{Base: h.args, Disp: argTailW1 + 8*i}, h.at[i])
		if h.dat[i] != nil {
			h.MOVQ(operand.Mem{Base: h.args, Disp: argTailDW1 + 8*i}, h.dat[i])
		}
	}
	h.MOVQ(operand.U32(64), h.ld[1])
	h.MOVQ(operand.U32(192), h.ld[3])
	h.MOVQ(operand.U32(1), count)
	h.JMP(operand.LabelRef(loop))
	h.Label(end)
}

// units are the values of a part of the hidden units of a block.
func (h *hidden) units(part int) vector {
	z := h.load(operand.Mem{Base: h.at[1], Disp: part * h.bytes()}, nil)
	for i := range h.d {
		w := place(h.at[0], h.ld, i, part*h.bytes())
		if h.isa == avx512 {
			h.p("VFMADD231", w, h.xs[i], z)
		} else {
			h.p("VFMADD231", w, h.spread(h.x, i), z)
		}
	}
	if h.isa == avx512 {
		return h.tanh(z)
	}
	return tanh(h.emitter)(z) // its constants are read again: registers are short
}

// flat is vector v of the rows of W2, or of its gradient, that belong to a part.
func (h *hidden) flat(w2 reg.GPVirtual, part, v int) operand.Mem {
	return operand.Mem{Base: w2, Disp: (part*h.d + v) * h.bytes()}
}

// column is column i of W2 in the rows of a part.
func (h *hidden) column(part, i int) vector {
	if h.d == 1 {
		return h.load(h.flat(h.at[2], part, 0), nil)
	}
	lanes := h.lanes()
	if h.isa == avx2 {
		return h.gather(func(l int) operand.Mem {
			m := h.flat(h.at[2], part, 0)
			m.Disp += (l*h.d + i) * h.size()
			return m
		})
	}
	t := h.load(h.flat(h.at[2], part, 0), nil)
	for v := 1; v < h.d; v++ {
		pick := h.lanesTable(fmt.Sprintf("column%dof%d_%d", i, h.d, v), func(l int) int {
			switch from, lane := (l*h.d+i)/lanes, (l*h.d+i)%lanes; {
			case from == v:
				return lanes + lane
			case v == 1 && from == 0:
				return lane
			}
			return l
		})
		h.p("VPERMI2", h.flat(h.at[2], part, v), t, pick)
		t = pick
	}
	return t
}

// gather reads the lanes of a register of 32 bytes one by one.
func (h *hidden) gather(at func(lane int) operand.Mem) vector {
	half := func(from int) reg.VecVirtual {
		x := h.XMM()
		if h.wide {
			h.VMOVSD(at(from), x)
			h.VMOVHPD(at(from+1), x, x)
			return x
		}
		h.VMOVSS(at(from), x)
		for l := 1; l < 4; l++ {
			h.VINSERTPS(operand.Imm(uint64(l<<4)), at(from+l), x, x)
		}
		return x
	}
	low, high := half(0), half(h.lanes()/2)
	v := h.YMM()
	h.VINSERTF128(operand.Imm(1), high, low.AsY(), v)
	return v
}

// lanesTable is a register with an integer in each lane.
func (e *emitter) lanesTable(name string, f func(lane int) int) vector {
	words := make([]operand.Constant, e.lanes())
	for l := range words {
		if words[l] = operand.U32(uint32(f(l))); e.wide {
			words[l] = operand.U64(uint64(f(l)))
		}
	}
	return e.load(e.table(name+e.suffix(), words...), nil)
}

// rows is z, with the value of each unit as often as W2 has columns, for vector v of the
// rows of W2.
func (h *hidden) rows(z vector, v int) vector {
	if h.d == 1 {
		return z
	}
	from := func(l int) int { return (v*h.lanes() + l) / h.d }
	y := h.vector()
	if h.wide && h.isa == avx2 {
		imm := 0
		for l := range 4 {
			imm |= from(l) << (2 * l)
		}
		h.VPERMPD(operand.Imm(uint64(imm)), z, y)
		return y
	}
	h.p("VPERM", z, h.lanesTable(fmt.Sprintf("rows%dof%d_", v, h.d), from), y)
	return y
}

// addTo adds a·b to sum i.
func (h *hidden) addTo(i, part int, a vector, b source) {
	if h.isa == avx512 {
		h.addProduct(h.sums[i], a, b)
		return
	}
	s := h.load(h.sum(i, part), nil)
	h.addProduct(s, a, b)
	h.p("VMOVU", s, h.sum(i, part))
}

// storeSums adds up the sums, adds the row start unless that is nil, and stores them in dst.
func (h *hidden) storeSums(dst, start reg.GPVirtual) {
	for i := range h.d {
		var parts []vector
		for part := range h.parts() {
			if h.isa == avx512 {
				parts = append(parts, h.sums[i])
			} else {
				parts = append(parts, h.load(h.sum(i, part), nil))
			}
		}
		s := h.one(parts)
		at := func(base reg.GPVirtual) operand.Mem { return operand.Mem{Base: base, Disp: i * h.size()} }
		if start != nil {
			h.addFew(at(start), s, 1)
		}
		h.storeFew(s, at(dst), 1)
	}
}

func (h *hidden) forward() {
	h.walk(func(part int) {
		z := h.units(part)
		for i := range h.d {
			h.addTo(i, part, z, h.column(part, i))
		}
	})
	b2 := h.GP64()
	h.MOVQ(operand.Mem{Base: h.args, Disp: argB2}, b2)
	theta := h.pointer("theta")
	h.ADDQ(theta, b2)
	h.storeSums(h.pointer("y"), b2)
}

// back stores dx and adds to the gradients of W1, b1 and W2.
func (h *hidden) back() {
	h.lambda, h.dat = h.pointer("lambda"), h.params("dtheta")
	h.layLambda()
	h.walk(func(part int) {
		z := h.units(part)
		g := h.vector()
		h.zero(g)
		for i := range h.d {
			if h.isa == avx512 {
				h.p("VFMADD231", h.column(part, i), h.lambdas[i], g)
			} else {
				h.p("VFMADD231", h.column(part, i), h.spread(h.lambda, i), g)
			}
		}
		one := h.unit
		if h.isa == avx2 {
			one = h.value(h.c(1))
		}
		g = h.mul(g, h.sub(one, h.mul(z, z)))
		b1 := operand.Mem{Base: h.dat[1], Disp: part * h.bytes()}
		h.p("VMOVU", h.add(g, b1), b1)
		for i := range h.d {
			m := place(h.dat[0], h.ld, i, part*h.bytes())
			w := h.load(m, nil)
			if h.isa == avx512 {
				h.addProduct(w, g, h.xs[i])
			} else {
				h.addProduct(w, g, h.spread(h.x, i))
			}
			h.p("VMOVU", w, m)
			h.addTo(i, part, g, place(h.at[0], h.ld, i, part*h.bytes()))
		}
		for v := range h.d {
			m := h.flat(h.dat[2], part, v)
			w := h.load(m, nil)
			h.addProduct(w, h.rows(z, v), h.pattern(v))
			h.p("VMOVU", w, m)
		}
	})
	h.storeSums(h.pointer("dx"), nil)
}

// layLambda prepares lambdas and the patterns of λ.
func (h *hidden) layLambda() {
	patterns := 1
	if h.d == 3 {
		patterns = 3
	}
	if h.isa == avx2 {
		for v := range patterns {
			for l := range h.lanes() {
				from := operand.Mem{Base: h.lambda, Disp: (v*h.lanes() + l) % h.d * h.size()}
				to := operand.Mem{Base: h.args, Disp: argLambda + v*h.bytes() + l*h.size()}
				if x := h.GP64(); h.wide {
					h.MOVQ(from, x)
					h.MOVQ(x, to)
				} else {
					h.MOVL(from, x.As32())
					h.MOVL(x.As32(), to)
				}
			}
		}
		return
	}
	bits, k := h.GP32(), h.K()
	h.MOVL(operand.U32(1<<h.d-1), bits)
	h.KMOVW(bits, k)
	all := h.load(operand.Mem{Base: h.lambda}, k)
	for i := range h.d {
		h.lambdas = append(h.lambdas, h.spread(h.lambda, i))
	}
	for v := range patterns {
		y := h.vector()
		h.p("VPERM", all, h.lanesTable(fmt.Sprintf("lambda%dof%d_", v, h.d), func(l int) int { return (v*h.lanes() + l) % h.d }), y)
		h.patterns = append(h.patterns, y)
	}
}

// pattern is λ as it meets vector v of the rows of W2.
func (h *hidden) pattern(v int) source {
	if h.d != 3 {
		v = 0
	}
	if h.isa == avx512 {
		return h.patterns[v]
	}
	return operand.Mem{Base: h.args, Disp: argLambda + v*h.bytes()}
}
