package graph

// code is a sequence of instructions and the sizes of the memory that it runs in.
// It is immutable.
type code[T Float] struct {
	instructions []instruction[T]
	needs        []uint64 // the output groups that need an instruction
	in, out      int      // numbers of inputs and outputs
	firsts       []bool   // instructions that are the first to add to an output
	clears       []int    // outputs that others than firsts add to first
	constants    [][]T
	arena        int // elements of intermediate results
	scratch      int // elements of the blocks of a chain
	regs         int
}

// instruction is one unit, compiled. It is immutable; what changes is in the
// frame.
type instruction[T Float] interface{ run(m *frame[T]) }

// frame is the memory that code runs in, of one goroutine at a time.
type frame[T Float] struct {
	code    *code[T]
	buffers [][]T // arena, outputs, constants, inputs
	scratch []T   // blocks of the chain that runs
	regs    [][]T
	fresh   bool // outputs that are added to hold nothing so far
	first   bool // the instruction that runs is one of code.firsts, and fresh is set
	err     error
}

// The buffers of a frame are the arena, the outputs, the constants and the
// inputs.
const (
	bufArena = iota
	bufOutputs
)

// ref is a place in the buffers of a frame.
type ref struct{ buffer, offset int }

func (c *code[T]) newFrame() *frame[T] {
	m := &frame[T]{
		code:    c,
		buffers: make([][]T, bufOutputs+c.out+len(c.constants)+c.in),
		scratch: make([]T, c.scratch),
		regs:    make([][]T, c.regs),
	}
	m.buffers[bufArena] = make([]T, c.arena)
	copy(m.buffers[bufOutputs+c.out:], c.constants)
	return m
}

// outputs and inputs are the buffers that change from run to run.
func (m *frame[T]) outputs() [][]T { return m.buffers[bufOutputs:][:m.code.out] }
func (m *frame[T]) inputs() [][]T  { return m.buffers[bufOutputs+m.code.out+len(m.code.constants):] }

// at returns the memory from r on.
func (m *frame[T]) at(r ref) []T { return m.buffers[r.buffer][r.offset:] }

// execute runs the instructions that the output groups in wanted need.
func (m *frame[T]) execute(wanted uint64) error {
	m.err = nil
	needs := m.code.needs
	for i, in := range m.code.instructions {
		if needs[i]&wanted != 0 {
			m.first = m.fresh && m.code.firsts[i]
			in.run(m)
		}
	}
	return m.err
}

// forget drops the slices of the outputs and inputs.
func (m *frame[T]) forget() {
	clear(m.outputs())
	clear(m.inputs())
}
