package graph

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Machine runs a whole Gorgonia model, training included, as compiled programs. It takes
// the place of a TapeMachine: RunAll reads what is bound to the graph's variables
// (gorgonia.Let, the values of learnables), and writes what gorgonia.Read asked for, the
// values of results and the gradients of learnables, so that Gorgonia's solvers work on
// it. Gradients are those that gorgonia.Grad put on the graph, or those of Grad of this
// package after gorgonia.SetDerivOf.
//
// The model is cut at the ops that the compiler does not know. What lies between them
// is one program each, run by blocks of rows over several cores where samples do not
// depend on each other. Ops that can work on flat memory, such as the solves of package
// odelayer, do so in the memory of the machine; see the package comment.
//
// A run allocates nothing but what unknown ops allocate. Results have the same bits for
// any number of cores. They are those of a TapeMachine up to rounding, without its
// faults that the package comment lists.
//
// Of what a TapeMachine does it leaves out: values of intermediate nodes, other than
// MachineConfig.Values; gorgonia.Set; and ops whose result is not a function of their
// operands, such as dropout and batch norm in training.
//
// A Machine belongs to one goroutine at a time, and so does its graph.
type Machine struct {
	run interface {
		runAll() error
		close()
	}
}

var _ G.VM = (*Machine)(nil)

// MachineConfig says what a Machine computes. The zero value takes gradients as a
// TapeMachine without options does.
type MachineConfig struct {
	// Learnables get their gradients added to what Node.Grad holds, until a solver's Step
	// clears it, as with gorgonia.BindDualValues. Nil: the gradients of all variables that
	// have any, each stored anew by every run.
	Learnables G.Nodes

	// Values are nodes whose Node.Value is wanted, besides those that nothing else is made
	// of, a loss for instance.
	Values G.Nodes

	// Batch is the number of samples: the length of the first axis of the nodes that have
	// a row for each. The default is the length that most variables without gradients have.
	Batch int

	// Workers is how many goroutines share the samples, the caller included. The default
	// is GOMAXPROCS where that shortens a run, and 1 elsewhere.
	Workers int
}

// NewMachine compiles all that cfg and the statements on g ask for. Nodes that are added
// later are not run.
//
// Errors: ErrDtype, or a *DtypeError, for a graph that is not all float32 or all float64;
// a *RefusedError, see Compile; Learnables without value or gradient, or nodes of another
// graph; a graph without results.
func NewMachine(g *G.ExprGraph, cfg MachineConfig) (*Machine, error) {
	if g == nil {
		panic("graph: nil graph")
	}
	if cfg.Batch < 0 || cfg.Workers < 0 {
		return nil, fmt.Errorf("graph: a machine of %d samples and %d workers; use at least 1, or 0 for the default", cfg.Batch, cfg.Workers)
	}
	for _, n := range slices.Concat(cfg.Learnables, cfg.Values) {
		if n == nil {
			panic("graph: nil node")
		}
		if n.Graph() != g {
			return nil, fmt.Errorf("graph: node %q: %w; list nodes of the machine's graph", n.Name(), ErrOtherGraph)
		}
	}
	for _, n := range g.AllNodes() {
		if n.Op() != nil || n.Type() == nil {
			continue
		}
		switch n.Dtype() {
		case tensor.Float64:
			return newMachine[float64](g, cfg)
		case tensor.Float32:
			return newMachine[float32](g, cfg)
		}
	}
	return nil, fmt.Errorf("graph: a model without variables of float32 or float64: %w; Int and other types are not compiled", ErrDtype)
}

// RunAll runs the model once. It needs no Reset before it.
//
// Errors: *UnboundValuesError for variables without a value; a *ForeignError of an op
// that the compiler does not know, with the op's own error in it; a *SingularError.
// Values, gradients and reads are then undefined.
func (m *Machine) RunAll() error { return m.run.runAll() }

// Reset does nothing; it is there for gorgonia.VM.
func (m *Machine) Reset() {}

// Close sends away the goroutines that share the work. A run after it calls others.
func (m *Machine) Close() error {
	m.run.close()
	return nil
}

// UnboundValuesError reports variables that a Machine needs and that have no value, or
// none of their shape and type.
type UnboundValuesError struct{ Names []string }

// Error names the variables and says what to do.
func (e *UnboundValuesError) Error() string {
	return fmt.Sprintf("graph: variables without a value of their shape and type: %s; bind one to each by gorgonia.Let before RunAll", strings.Join(e.Names, ", "))
}

// machine is a Machine for one type of element.
type machine[T Float] struct {
	vars    []*boundInput[T]
	values  []*shown[T]
	grads   []*gradient[T]
	stages  []stage[T]
	memory  [][]T // of nodes that pass between stages, and of variables and results
	unbound []string
}

// stage is a program of a machine; in and out are indices of memory.
type stage[T Float] struct {
	run     *Instance[T]
	in, out []int
	src     [][]T
	dst     [][]T
}

func newMachine[T Float](g *G.ExprGraph, cfg MachineConfig) (*Machine, error) {
	m := &machine[T]{}
	s := newStages()
	wanted, err := m.results(g, cfg)
	if err != nil {
		return nil, err
	}
	if err := s.place(wanted); err != nil {
		return nil, err
	}
	for _, n := range s.variables {
		m.vars = append(m.vars, &boundInput[T]{node: n, at: m.room(0), size: n.Shape().TotalSize()})
	}
	at := make(map[*G.Node]int)
	for _, v := range m.vars {
		at[v.node] = v.at
	}
	var plain G.Nodes // what is computed into memory of its own
	for _, v := range m.values {
		if v.node.Op() == nil {
			v.at = at[v.node]
			continue
		}
		v.at = len(m.memory)
		m.memory = append(m.memory, v.data)
		at[v.node] = v.at
		plain = append(plain, v.node)
	}
	for _, gr := range m.grads {
		gr.at = m.room(0)
	}
	parts := s.cut(plain, m.gradientNodes())
	batch := cfg.Batch
	if batch == 0 {
		batch = commonLength(s.variables)
	}
	for _, p := range parts {
		for _, n := range p.out {
			if _, ok := at[n]; !ok {
				at[n] = m.room(n.Shape().TotalSize())
			}
		}
	}
	for _, p := range parts {
		st := stage[T]{}
		r := spec{inputs: p.in, outputs: slices.Clone(p.out), add: make([]bool, len(p.out)), workers: cfg.Workers}
		for _, n := range p.in {
			if s.lent(n) {
				whole := m.memory[at[childrenOf(n)[0]]]
				at[n] = len(m.memory)
				m.memory = append(m.memory, whole[s.ops[n].(pieceOp).start:][:n.Shape().TotalSize()])
			}
			st.in = append(st.in, at[n])
			r.batchInputs = append(r.batchInputs, isRows(n, batch) && (n.Op() != nil || n.Deriv() == nil))
		}
		for _, n := range p.out {
			st.out = append(st.out, at[n])
		}
		for _, i := range p.grads {
			gr := m.grads[i]
			r.outputs = append(r.outputs, gr.node)
			r.add = append(r.add, true)
			st.out = append(st.out, gr.at)
		}
		if !p.foreign {
			r.batch = batch
		}
		prog, err := compile[T](r)
		if err != nil {
			return nil, err
		}
		st.run = prog.NewInstance()
		st.src, st.dst = make([][]T, len(st.in)), make([][]T, len(st.out))
		m.stages = append(m.stages, st)
	}
	return &Machine{m}, nil
}

// gradientNodes lists the nodes of the gradients.
func (m *machine[T]) gradientNodes() G.Nodes {
	nodes := make(G.Nodes, len(m.grads))
	for i, g := range m.grads {
		nodes[i] = g.node
	}
	return nodes
}

// room adds memory of size elements.
func (m *machine[T]) room(size int) int {
	m.memory = append(m.memory, make([]T, size))
	return len(m.memory) - 1
}

// isRows reports whether n has a row for each sample.
func isRows(n *G.Node, batch int) bool {
	s := n.Shape()
	return len(s) > 0 && batch > 1 && s[0] == batch
}

// commonLength is the first length of most variables without gradients, the first one's
// of equally many.
func commonLength(variables G.Nodes) int {
	best, most, counts := 0, 0, make(map[int]int)
	for _, n := range variables {
		if s := n.Shape(); n.Deriv() == nil && len(s) > 0 {
			counts[s[0]]++
		}
	}
	for _, n := range variables {
		if s := n.Shape(); len(s) > 0 && counts[s[0]] > most {
			best, most = s[0], counts[s[0]]
		}
	}
	return best
}

// results finds what is wanted of the graph: m.values and m.grads, and the nodes of both.
func (m *machine[T]) results(g *G.ExprGraph, cfg MachineConfig) (G.Nodes, error) {
	all := g.AllNodes()
	used, derivs := make(map[*G.Node]bool), make(map[*G.Node]bool)
	var reads G.Nodes
	for _, n := range all {
		if d := n.Deriv(); d != nil {
			derivs[d] = true
		}
		if kind := statement(n); kind == readStatement {
			reads = append(reads, n)
			continue
		} else if kind == setStatement {
			return nil, &RefusedError{Ops: []Refusal{{Op: fmt.Sprint(n.Op()), Node: n.Name(), Reason: "it assigns to a variable; bind values by gorgonia.Let between runs"}}}
		}
		for _, c := range childrenOf(n) {
			used[c] = true
		}
	}
	shownAs := make(map[*G.Node]*shown[T])
	show := func(n *G.Node, bind bool) *shown[T] {
		v := shownAs[n]
		if v == nil {
			v = newShown[T](n)
			shownAs[n] = v
			m.values = append(m.values, v)
		}
		v.bind = v.bind || bind && n.Op() != nil
		return v
	}
	for _, n := range cfg.Values {
		show(n, true)
	}
	for _, n := range reads {
		v := show(childrenOf(n)[0], false)
		v.into = append(v.into, readInto(n))
	}
	for _, n := range all {
		o, err := decode(n)
		if err != nil {
			return nil, err
		}
		switch o.(type) {
		case nil, constantOp, sizeOp, statementOp:
			continue
		}
		if n.Type() != nil && n.Dtype() == dtypeOf[T]() && !used[n] && !derivs[n] {
			show(n, true)
		}
	}
	var wanted G.Nodes
	for _, v := range m.values {
		wanted = append(wanted, v.node)
	}
	if cfg.Learnables != nil {
		for i, n := range cfg.Learnables {
			if slices.Contains(cfg.Learnables[:i], n) {
				continue
			}
			if n.Deriv() == nil {
				return nil, fmt.Errorf("graph: learnable %q has no gradient; call gorgonia.Grad with it, or gorgonia.SetDerivOf", n.Name())
			}
			if err := bindDual[T](n); err != nil {
				return nil, err
			}
			m.grads = append(m.grads, &gradient[T]{node: n.Deriv(), of: n, size: n.Shape().TotalSize()})
		}
	} else {
		seen := make(map[*G.Node]bool)
		for _, n := range all {
			d := n.Deriv()
			if n.Op() != nil || d == nil || seen[d] || shownAs[d] != nil {
				continue
			}
			seen[d] = true
			if d.Op() == nil {
				continue
			}
			if o, err := decode(d); err != nil {
				return nil, err
			} else if _, fixed := o.(constantOp); fixed {
				continue
			}
			show(d, true)
			wanted = append(wanted, d)
		}
	}
	for _, gr := range m.grads {
		wanted = append(wanted, gr.node)
	}
	if len(wanted) == 0 {
		return nil, errors.New("graph: the graph has no results; add a loss, or nodes to read")
	}
	return wanted, nil
}

func (m *machine[T]) runAll() error {
	m.unbound = m.unbound[:0]
	for _, v := range m.vars {
		data, ok := v.data()
		if !ok {
			m.unbound = append(m.unbound, v.node.Name())
		}
		m.memory[v.at] = data
	}
	if len(m.unbound) > 0 {
		return &UnboundValuesError{Names: slices.Clone(m.unbound)}
	}
	for _, g := range m.grads {
		data, ok := g.data()
		if !ok {
			return fmt.Errorf("graph: the gradient of %q is not a dense tensor of its shape; make a new machine after replacing it", g.of.Name())
		}
		m.memory[g.at] = data
	}
	for i := range m.stages {
		if err := m.stages[i].execute(m.memory); err != nil {
			return err
		}
	}
	for _, v := range m.values {
		if v.node.Op() == nil {
			copy(v.data, m.memory[v.at])
		}
		v.publish()
	}
	return nil
}

func (m *machine[T]) close() {
	for i := range m.stages {
		m.stages[i].run.release()
	}
}

// execute runs the stage on memory.
func (s *stage[T]) execute(memory [][]T) error {
	for i, k := range s.in {
		s.src[i] = memory[k]
	}
	for i, k := range s.out {
		s.dst[i] = memory[k]
	}
	err := s.run.run(s.dst, s.src, ^uint64(0))
	clear(s.src)
	clear(s.dst)
	return err
}
