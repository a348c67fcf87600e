package graph

import (
	"slices"

	"github.com/neuralode/neuralode/internal/vec"
)

// A chain is run a block at a time: all its steps on some hundred elements,
// then the next ones, so that intermediate results stay in the first cache.
const blockSize = 256

// chain is a fused sequence of elementwise steps, compiled.
type chain[T Float] struct {
	size     int
	block    int
	operands []operand[T]
	steps    []step[T]
	blocks   int // scratch blocks used
	temps    int // the first of them that holds intermediate results
	dst      ref
	dstReg   int
	regs     int
	whole    bool // straight: computed in one stretch
}

// step computes block register dst from others.
type step[T Float] struct {
	kernel[T]
	dst, a, b, c int
}

// operand is something that a chain reads, and how its elements, taken in the
// chain's order, lie in memory.
type operand[T Float] struct {
	from          ref
	how           access
	lens, strides []int // for gathered
	period        int   // for tiled
	scratch       int   // block of its copy
}

type access uint8

const (
	direct   access = iota // as they are
	uniform                // one number; the block is filled once per run
	tiled                  // a row over and over; the block is filled once per run
	gathered               // copied block by block
)

// newChain compiles the chain of a unit.
func newChain[T Float](u *unit, refs func(*value) ref) *chain[T] {
	c := &chain[T]{size: u.root.size(), dst: refs(u.root)}
	c.block = chainBlock(u, c.size)

	views := u.readBy(u.chain)
	if u.source != nil {
		views = append(views, u.source.all())
	}
	var distinct []view
	for _, v := range views {
		if !slices.ContainsFunc(distinct, func(w view) bool { return sameElements(v, w) }) {
			distinct = append(distinct, v)
		}
	}
	for _, v := range distinct {
		from := c.dst
		if v.of != u.source {
			from = refs(v.of)
		}
		c.operands = append(c.operands, c.newOperand(v, from))
	}
	c.temps = c.blocks
	c.addSteps(u, distinct)
	c.whole = c.straight()
	return c
}

// sameElements tells whether two views read the same elements in the same order.
func sameElements(v, w view) bool {
	if v.of != w.of || v.offset != w.offset {
		return false
	}
	vl, vs := v.axes()
	wl, ws := w.axes()
	return slices.Equal(vl, wl) && slices.Equal(vs, ws)
}

// chainBlock chooses the length of blocks: whole rows, if an operand repeats a
// short row.
func chainBlock(u *unit, size int) int {
	row := 1
	for _, v := range u.readBy(u.chain) {
		if n := tileLength(v); n > row && n <= blockSize && n%row == 0 {
			row = n
		}
	}
	return min(blockSize/row*row, size)
}

// tileLength returns the length of the row that v repeats, or 0.
func tileLength(v view) int {
	lens, strides := v.axes()
	if len(lens) == 2 && strides[0] == 0 && strides[1] == 1 {
		return lens[1]
	}
	return 0
}

func (c *chain[T]) newOperand(v view, from ref) operand[T] {
	from.offset += v.offset
	lens, strides := v.axes()
	o := operand[T]{from: from, lens: lens, strides: strides, scratch: -1}
	switch {
	case len(lens) == 0 && c.size == 1, len(lens) == 1 && strides[0] == 1:
		return o
	case len(lens) == 1 && strides[0] == 0:
		o.how = uniform
	case tileLength(v) > 0 && c.block%tileLength(v) == 0:
		o.how, o.period = tiled, lens[1]
	default:
		o.how = gathered
	}
	o.scratch = c.blocks
	c.blocks++
	return o
}

// fusedStep is a value of a chain as one step, perhaps with the value before it that
// nothing else reads.
type fusedStep[T Float] struct {
	kernel[T]
	of   *value
	args []view
}

// fuseSteps joins pairs of the chain's values that there is a kernel for.
func fuseSteps[T Float](u *unit) []fusedStep[T] {
	readers := make(map[*value]int)
	for _, v := range u.chain {
		for _, a := range v.args {
			readers[a.of]++
		}
	}
	steps := make([]fusedStep[T], 0, len(u.chain))
	gone := make(map[*value]bool)
	for _, v := range slices.Backward(u.chain) {
		if gone[v] {
			continue
		}
		s := fusedStep[T]{kernelOf[T](v.do), v, v.args}
		for i, a := range v.args {
			if len(v.args) != 2 || readers[a.of] != 1 || !slices.Contains(u.chain, a.of) {
				continue
			}
			if k, ok := kernelOfPair[T](v.do, a.of.do, i == 1); ok {
				inner := a.of.args
				s.kernel, s.args = k, []view{inner[0], inner[len(inner)-1], v.args[1-i]}
				gone[a.of] = true
				break
			}
		}
		steps = append(steps, s)
	}
	slices.Reverse(steps)
	return steps
}

// addSteps orders the chain's values as steps and gives their results blocks,
// each free again after its last reader.
func (c *chain[T]) addSteps(u *unit, distinct []view) {
	reg := make(map[*value]int)
	last := make(map[*value]int)
	steps := fuseSteps[T](u)
	for i, v := range steps {
		for _, a := range v.args {
			last[a.of] = i
		}
	}
	first := len(c.operands)
	c.dstReg = first
	c.regs = first + 1
	var free []int
	for i, v := range steps {
		s := step[T]{kernel: v.kernel}
		in := []*int{&s.a, &s.b, &s.c}
		for k, a := range v.args {
			if r, ok := reg[a.of]; ok {
				*in[k] = r
				continue
			}
			*in[k] = slices.IndexFunc(distinct, func(w view) bool { return sameElements(a, w) })
		}
		for _, a := range v.args {
			if r, ok := reg[a.of]; ok && last[a.of] == i {
				free = append(free, r)
				delete(reg, a.of)
			}
		}
		switch {
		case v.of == u.root:
			s.dst = c.dstReg
		case len(free) > 0:
			s.dst = free[len(free)-1]
			free = free[:len(free)-1]
		default:
			s.dst = c.regs
			c.regs++
			c.blocks++
		}
		reg[v.of] = s.dst
		c.steps = append(c.steps, s)
	}
}

// scratch is the room for blocks that the chain needs.
func (c *chain[T]) scratch() int { return c.blocks * c.block }

// begin prepares the operands that are the same for all blocks.
func (c *chain[T]) begin(m *frame[T]) {
	if c.whole {
		return
	}
	for i := range c.operands {
		o := &c.operands[i]
		switch o.how {
		case uniform:
			b := c.blockOf(m, o.scratch)
			vec.Fill(b, m.at(o.from)[0])
			m.regs[i] = b
		case tiled:
			b := c.blockOf(m, o.scratch)
			row := m.at(o.from)[:o.period]
			for p := 0; p < len(b); p += o.period {
				copy(b[p:], row)
			}
			m.regs[i] = b
		}
	}
}

func (c *chain[T]) blockOf(m *frame[T], i int) []T {
	return m.scratch[i*c.block : (i+1)*c.block]
}

// span computes elements lo to hi. lo is a multiple of the block.
func (c *chain[T]) span(m *frame[T], lo, hi int) {
	if c.whole {
		c.stretch(m, lo, hi)
		return
	}
	for p := lo; p < hi; p += c.block {
		n := min(c.block, hi-p)
		for i := range c.operands {
			o := &c.operands[i]
			switch o.how {
			case direct:
				m.regs[i] = m.at(o.from)[p : p+n]
			case gathered:
				b := c.blockOf(m, o.scratch)[:n]
				vec.Gather(b, m.at(o.from), o.lens, o.strides, p)
				m.regs[i] = b
			}
		}
		m.regs[c.dstReg] = m.at(c.dst)[p : p+n]
		for r := c.dstReg + 1; r < c.regs; r++ {
			m.regs[r] = c.blockOf(m, c.temps+r-c.dstReg-1)[:n]
		}
		for i := range c.steps {
			s := &c.steps[i]
			switch {
			case s.f1 != nil:
				s.f1(m.regs[s.dst], m.regs[s.a])
			case s.f2 != nil:
				s.f2(m.regs[s.dst], m.regs[s.a], m.regs[s.b])
			default:
				s.f3(m.regs[s.dst], m.regs[s.a], m.regs[s.b], m.regs[s.c])
			}
		}
	}
}

// straight tells whether the chain is one step on operands as they lie in memory.
func (c *chain[T]) straight() bool {
	return len(c.steps) == 1 && !slices.ContainsFunc(c.operands, func(o operand[T]) bool { return o.how != direct })
}

// stretch computes elements lo to hi of a straight chain.
func (c *chain[T]) stretch(m *frame[T], lo, hi int) {
	s := &c.steps[0]
	dst, a := m.at(c.dst)[lo:hi], m.at(c.operands[s.a].from)[lo:hi]
	if s.f1 != nil {
		s.f1(dst, a)
		return
	}
	b := m.at(c.operands[s.b].from)[lo:hi]
	if s.f2 != nil {
		s.f2(dst, a, b)
		return
	}
	s.f3(dst, a, b, m.at(c.operands[s.c].from)[lo:hi])
}

func (c *chain[T]) run(m *frame[T]) {
	if c.whole {
		c.stretch(m, 0, c.size)
		return
	}
	c.begin(m)
	c.span(m, 0, c.size)
}
