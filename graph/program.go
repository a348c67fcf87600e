package graph

import (
	"fmt"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Float is the element type of compiled programs.
type Float interface{ float32 | float64 }

// Program is a part of a Gorgonia graph, compiled for elements of type T. It
// is immutable and may be shared by goroutines; each runs it on an Instance of
// its own.
type Program[T Float] struct {
	instructions []instruction[T]
	needs        []uint64 // the output groups that need an instruction
	in, out      []int    // sizes of inputs and outputs
	constants    [][]T
	arena        int
	scratch      int
	regs         int
}

// Instance is the memory that a Program runs in. It belongs to one goroutine
// at a time.
type Instance[T Float] struct {
	p       *Program[T]
	buffers [][]T // inputs, outputs, constants, arena
	scratch []T   // blocks of the chain that runs
	regs    [][]T
	staged  [][]T // copies of inputs that overlap outputs
	err     error
}

// Compile lowers outputs, as functions of inputs, to a program. Inputs are
// usually variables, but any node may be one: it is then not computed but
// passed. Only the nodes between inputs and outputs are compiled; the rest of
// the graph does not matter, and the graph is not changed.
//
// An op that the compiler does not know is run by its own Do on copies of its operands, under a lock per program; only such ops may
// allocate, or fail, when the program runs.
//
// Errors: *UnboundError names the variables that are reached but are not
// inputs; *DtypeError a node whose elements are not T; *RefusedError the ops
// whose result is not a function of their operands, such as dropout and batch
// norm in training and random numbers.
func Compile[T Float](inputs, outputs G.Nodes) (*Program[T], error) {
	return compile[T](request{inputs: inputs, outputs: outputs})
}

// request is what compile makes a program of.
type request struct {
	inputs, outputs G.Nodes
	add             []bool // outputs that are added to what the destination holds
	groups          []uint // output groups, below 64, that can be left out of a run; nil: one group
}

func dtypeOf[T Float]() tensor.Dtype {
	if _, ok := any(T(0)).(float32); ok {
		return tensor.Float32
	}
	return tensor.Float64
}

func compile[T Float](r request) (*Program[T], error) {
	if len(r.outputs) == 0 {
		return nil, fmt.Errorf("graph: no outputs to compile; list at least one node")
	}
	if slices.Contains(r.inputs, nil) || slices.Contains(r.outputs, nil) {
		panic("graph: nil node")
	}
	b := newBuilder()
	views, err := b.lower(dtypeOf[T](), r.inputs, r.outputs)
	if err != nil {
		return nil, err
	}
	fold[T](b, views)
	p := assemble[T](b, views, r.add, r.groups)
	for _, n := range r.inputs {
		p.in = append(p.in, n.Shape().TotalSize())
	}
	return p, nil
}

// fold replaces computed constants by literals: it compiles what depends on no
// input and runs it.
func fold[T Float](b *builder, views []view) {
	roots := make([]*value, len(views))
	for i, v := range views {
		roots[i] = v.of
	}
	order, uses := usesOf(roots)
	fixed := make(map[*value]bool)
	for _, v := range order {
		fixed[v] = true
		switch v.do.(type) {
		case inputOp, priorOp, foreignOp:
			fixed[v] = false
		}
		for _, a := range v.args {
			fixed[v] = fixed[v] && fixed[a.of]
		}
	}
	var edge []*value // constants that are needed at run time
	for _, v := range order {
		if !fixed[v] || v.leaf() {
			continue
		}
		if slices.Contains(roots, v) || slices.ContainsFunc(uses[v], func(u use) bool { return !fixed[u.by] }) {
			edge = append(edge, v)
		}
	}
	if len(edge) == 0 {
		return
	}
	all := make([]view, len(edge))
	dst := make([][]T, len(edge))
	for i, v := range edge {
		all[i] = v.all()
		dst[i] = make([]T, v.size())
	}
	m := assemble[T](b, all, nil, nil).NewInstance()
	m.run(dst, nil, 1)
	for i, v := range edge {
		data := make([]float64, len(dst[i]))
		for k, x := range dst[i] {
			data[k] = float64(x)
		}
		v.do, v.args = literalOp{data}, nil
	}
}

// assemble makes the program that stores views in its outputs.
func assemble[T Float](b *builder, views []view, add []bool, groups []uint) *Program[T] {
	p := &Program[T]{}
	if groups == nil {
		groups = make([]uint, len(views))
	}
	for _, v := range views {
		p.out = append(p.out, v.size())
	}
	roots, ends, groups := b.outputs(views, add, groups)
	units := fuse(roots, groups)
	direct := make(map[*value]int)
	for i, v := range roots {
		direct[v] = ends[i]
	}
	pl := layOut(units, direct)

	for _, c := range pl.constants {
		data := make([]T, len(c))
		for i, x := range c {
			data[i] = T(x)
		}
		p.constants = append(p.constants, data)
	}
	p.arena = pl.arena
	refs := func(v *value) ref {
		switch at := pl.place[v]; at.kind {
		case inOutput:
			return ref{bufOutputs + at.at, 0}
		case inConstant:
			return ref{bufOutputs + len(p.out) + at.at, 0}
		case inInput:
			return ref{bufOutputs + len(p.out) + len(p.constants) + at.at, 0}
		default:
			return ref{bufArena, at.at}
		}
	}
	for _, u := range units {
		p.add(u, refs)
	}
	return p
}

// The buffers of an instance are the arena, the outputs, the constants and the
// inputs.
const (
	bufArena = iota
	bufOutputs
)

// outputs returns, for each view that must be stored, a value that can be
// stored in the output from the start, and the number of that output. A value
// that is read elsewhere, or is not computed, or has another layout, is copied.
func (b *builder) outputs(views []view, add []bool, groups []uint) (roots []*value, ends []int, kept []uint) {
	readers := make(map[*value]int)
	all := make([]*value, len(views))
	for i, v := range views {
		all[i] = v.of
		readers[v.of]++
	}
	_, uses := usesOf(all)
	for i, v := range views {
		if add != nil && add[i] {
			if c, ok := constantIn(v); ok && c == 0 {
				continue
			}
			prior := b.add(priorOp{i}, v.shape)
			v = b.add(binaryOp{fnAdd}, v.shape, prior, v)
		} else if !v.whole() || v.of.leaf() || len(uses[v.of]) > 0 || readers[v.of] > 1 {
			c := &value{id: len(b.values), shape: v.shape, do: copyOp{}, args: []view{v}}
			b.values = append(b.values, c)
			v = c.all()
		}
		roots, ends, kept = append(roots, v.of), append(ends, i), append(kept, groups[i])
	}
	return roots, ends, kept
}

// add appends the instruction of a unit.
func (p *Program[T]) add(u *unit, refs func(*value) ref) {
	var in instruction[T]
	v := u.root
	if u.source != nil {
		v = u.source
	}
	switch v.do.(type) {
	case matmulOp:
		mm := newMatmul[T](u, refs)
		if mm.then != nil {
			p.reserve(mm.then)
		}
		in = mm
	case reduceOp:
		in = newReduction[T](u, refs)
	case copyOp:
		if len(u.chain) == 1 {
			in = newCopying[T](u, refs)
			break
		}
		in = p.reserve(newChain[T](u, refs))
	case concatOp, placeOp:
		in = newJoining[T](u, refs)
	case foreignOp:
		in = newForeign[T](u, refs)
	case im2colOp, col2imOp, maxPoolOp, maxPoolGradOp, averagePoolOp, averagePoolGradOp:
		in = newImage[T](u, refs)
	default:
		in = p.reserve(newChain[T](u, refs))
	}
	p.instructions = append(p.instructions, in)
	p.needs = append(p.needs, u.outputs)
}

// reserve makes room for the blocks of a chain.
func (p *Program[T]) reserve(c *chain[T]) *chain[T] {
	p.scratch = max(p.scratch, c.scratch())
	p.regs = max(p.regs, c.regs)
	return c
}

// NewInstance returns an instance with memory of its own.
func (p *Program[T]) NewInstance() *Instance[T] {
	m := &Instance[T]{
		p:       p,
		buffers: make([][]T, bufOutputs+len(p.out)+len(p.constants)+len(p.in)),
		scratch: make([]T, p.scratch),
		regs:    make([][]T, p.regs),
		staged:  make([][]T, len(p.in)),
	}
	m.buffers[bufArena] = make([]T, p.arena)
	copy(m.buffers[bufOutputs+len(p.out):], p.constants)
	return m
}

// Run computes the outputs, dst[i] being row-major like the i-th output node,
// from the inputs src. It writes nothing but dst and keeps no slice. A dst may
// overlap any src, which is then copied before the run, but no other dst.
//
// Run panics if the number or a length of slices is wrong. Its error is a
// *ForeignError, and can only come from an op that the compiler does not know;
// the contents of dst are then undefined. Without such ops it allocates
// nothing, but for copies the first time that slices overlap.
func (m *Instance[T]) Run(dst, src [][]T) error {
	if len(dst) != len(m.p.out) || len(src) != len(m.p.in) {
		panic("graph: wrong number of slices")
	}
	for i, d := range dst {
		if len(d) != m.p.out[i] {
			panic("graph: wrong length of a destination")
		}
	}
	at := bufOutputs + len(m.p.out) + len(m.p.constants)
	for i, s := range src {
		if len(s) != m.p.in[i] {
			panic("graph: wrong length of a source")
		}
		m.buffers[at+i] = s
		for _, d := range dst {
			if overlap(d, s) {
				m.buffers[at+i] = m.stage(i, s)
				break
			}
		}
	}
	copy(m.buffers[bufOutputs:], dst)
	err := m.execute(^uint64(0))
	clear(m.buffers[bufOutputs:][:len(dst)])
	clear(m.buffers[at:])
	return err
}

// stage returns a copy of input i.
func (m *Instance[T]) stage(i int, s []T) []T {
	if m.staged[i] == nil {
		m.staged[i] = make([]T, len(s))
	}
	copy(m.staged[i], s)
	return m.staged[i]
}

// run is Run without checks, for the output groups in wanted.
func (m *Instance[T]) run(dst, src [][]T, wanted uint64) error {
	copy(m.buffers[bufOutputs:], dst)
	copy(m.buffers[bufOutputs+len(m.p.out)+len(m.p.constants):], src)
	return m.execute(wanted)
}

// execute runs the instructions that the output groups in wanted need.
func (m *Instance[T]) execute(wanted uint64) error {
	m.err = nil
	needs := m.p.needs
	for i, in := range m.p.instructions {
		if needs[i]&wanted != 0 {
			in.run(m)
		}
	}
	return m.err
}

// UnboundError reports variables that the outputs depend on and that are not
// inputs.
type UnboundError struct{ Names []string }

func (e *UnboundError) Error() string {
	return fmt.Sprintf("graph: the outputs depend on variables that are not inputs: %s; list them as inputs", strings.Join(e.Names, ", "))
}

// DtypeError reports a node whose elements are not those of the program.
type DtypeError struct {
	Node      string
	Got, Want tensor.Dtype
}

func (e *DtypeError) Error() string {
	return fmt.Sprintf("graph: node %q has elements %v, but the program is compiled for %v; build the whole graph in one dtype", e.Node, e.Got, e.Want)
}

// RefusedError reports all ops whose result is not a function of their operands.
type RefusedError struct{ Ops []Refusal }

// Refusal is one of them.
type Refusal struct{ Op, Node, Reason string }

func (e *RefusedError) Error() string {
	var s strings.Builder
	s.WriteString("graph: ops that cannot be compiled:")
	for i, r := range e.Ops {
		if i > 0 {
			s.WriteString(";")
		}
		fmt.Fprintf(&s, " %s (node %q): %s", r.Op, r.Node, r.Reason)
	}
	return s.String()
}
