package graph

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Float is the element type of compiled programs.
type Float interface{ float32 | float64 }

// Program is a part of a Gorgonia graph, compiled for elements of type T. It
// is immutable and may be shared by goroutines; each runs it on an Instance of
// its own.
type Program[T Float] struct {
	in, out []int       // sizes of inputs and outputs
	whole   *code[T]    // all of the program, or
	blocked *blocked[T] // the program by blocks of rows
	workers int         // of spec
	layer   hiddenLayer // the first output, if layered
	layered bool
}

// Instance is the memory that a Program runs in. It belongs to one goroutine
// at a time.
type Instance[T Float] struct {
	p       *Program[T]
	frame   *frame[T]  // of p.whole, or
	rows    *rowRun[T] // of p.blocked
	staged  [][]T      // copies of inputs that overlap outputs
	sources [][]T      // the inputs of a run, some of them staged
}

// Compile lowers outputs, as functions of inputs, to a program. Inputs are
// usually variables, but any node may be one: it is then not computed but
// passed. Only the nodes between inputs and outputs are compiled; the rest of
// the graph does not matter, and the graph is not changed.
//
// An op that the compiler does not know is run by its own Do on copies of its
// operands, under a lock of its own in the program; only such ops may allocate,
// or fail, when the program runs.
//
// Errors: *UnboundError names the variables that are reached but are not
// inputs; *DtypeError a node whose elements are not T; *RefusedError the ops
// whose result is not a function of their operands, such as dropout and batch
// norm in training and random numbers.
func Compile[T Float](inputs, outputs G.Nodes) (*Program[T], error) {
	return compile[T](spec{inputs: inputs, outputs: outputs})
}

// spec is what compile makes a program of.
type spec struct {
	inputs, outputs G.Nodes
	add             []bool // outputs that are added to what the destination holds
	groups          []uint // output groups, below 64, that can be left out of a run; nil: one group

	// batch is the length of the first axis of the inputs and outputs that hold one
	// row for each sample. If the rows do not depend on each other, the program is
	// run by blocks of rows. Below 2: there is no such axis.
	batch                     int
	batchInputs, batchOutputs []bool // batchOutputs nil: those that are found to

	workers int // goroutines that share the rows of a run; 0: as many as pay
}

func dtypeOf[T Float]() tensor.Dtype {
	if _, ok := any(T(0)).(float32); ok {
		return tensor.Float32
	}
	return tensor.Float64
}

func compile[T Float](r spec) (*Program[T], error) {
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
	if err := fold[T](b, views); err != nil {
		return nil, err
	}
	p := &Program[T]{workers: r.workers}
	for _, n := range r.inputs {
		p.in = append(p.in, n.Shape().TotalSize())
	}
	var targets []target
	for i, v := range views {
		p.out = append(p.out, v.size())
		t := target{view: v, end: i, groups: 1}
		if r.add != nil {
			t.add = r.add[i]
		}
		if r.groups != nil {
			t.groups = 1 << r.groups[i]
		}
		targets = append(targets, t.terms()...)
	}
	if r.batch == 1 {
		p.layer, p.layered = hiddenLayerOf(views[0])
	}
	if r.batch > 1 {
		p.blocked = compileRows[T](b, &r, p.in, p.out, targets)
	}
	if p.blocked == nil {
		p.whole = assemble[T](b, targets, len(p.in), len(p.out))
	}
	return p, nil
}

// NewInstance returns an instance with memory of its own.
func (p *Program[T]) NewInstance() *Instance[T] { return p.newInstance(p.workers) }

// newInstance is NewInstance with another number of workers than that of the program.
func (p *Program[T]) newInstance(workers int) *Instance[T] {
	m := &Instance[T]{p: p, staged: make([][]T, len(p.in)), sources: make([][]T, len(p.in))}
	if p.whole != nil {
		m.frame = p.whole.newFrame()
	} else {
		m.rows = p.blocked.newRun(workers)
		runtime.AddCleanup(m, (*rowRun[T]).release, m.rows)
	}
	return m
}

// Run computes the outputs, dst[i] being row-major like the i-th output node,
// from the inputs src. It writes nothing but dst and keeps no slice. A dst may
// overlap any src, which is then copied before the run, but no other dst.
//
// Run panics if the number or a length of slices is wrong. Its error is a
// *ForeignError, and can only come from an op that the compiler does not know;
// the contents of dst are then undefined. Without such ops it allocates
// nothing, except for copies the first time that slices overlap.
func (m *Instance[T]) Run(dst, src [][]T) error {
	if len(dst) != len(m.p.out) || len(src) != len(m.p.in) {
		panic("graph: wrong number of slices")
	}
	for i, d := range dst {
		if len(d) != m.p.out[i] {
			panic("graph: wrong length of a destination")
		}
	}
	for i, s := range src {
		if len(s) != m.p.in[i] {
			panic("graph: wrong length of a source")
		}
		m.sources[i] = s
		for _, d := range dst {
			if overlap(d, s) {
				m.sources[i] = m.stage(i, s)
				break
			}
		}
	}
	err := m.run(dst, m.sources, ^uint64(0))
	clear(m.sources)
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

// release sends away the goroutines that help, until the next run.
func (m *Instance[T]) release() {
	if m.rows != nil {
		m.rows.release()
	}
}

// run is Run without checks, for the output groups in wanted. Destinations of
// other groups, and sources that only they need, may be nil.
func (m *Instance[T]) run(dst, src [][]T, wanted uint64) error {
	out, in := m.operands()
	copy(out, dst)
	copy(in, src)
	err := m.execute(wanted)
	clear(out)
	clear(in)
	return err
}

// operands are where execute looks for the outputs and the inputs.
func (m *Instance[T]) operands() (out, in [][]T) {
	if m.rows != nil {
		return m.rows.dst[:len(m.p.out)], m.rows.src[:len(m.p.in)]
	}
	return m.frame.outputs(), m.frame.inputs()
}

// execute is run on the slices in operands.
func (m *Instance[T]) execute(wanted uint64) error {
	if m.rows != nil {
		return m.rows.execute(wanted)
	}
	return m.frame.execute(wanted)
}

// overlap tells whether two slices share an element.
func overlap[T Float](a, b []T) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	a0, b0 := uintptr(unsafe.Pointer(&a[0])), uintptr(unsafe.Pointer(&b[0]))
	size := unsafe.Sizeof(a[0])
	return a0 < b0+uintptr(len(b))*size && b0 < a0+uintptr(len(a))*size
}
