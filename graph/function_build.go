package graph

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	G "gorgonia.org/gorgonia"
)

// building serialises the construction of graphs: Gorgonia's constants cache
// their hashes without synchronisation.
var building sync.Mutex

// NewFunction places m on a graph of its own, builds f and its vector-Jacobian
// products there, and compiles them. batch is the number of samples in x. The
// parameters start at the values that m gives its learnables.
//
// Errors: those of m, of VJP (an op that cannot be differentiated) and of
// Compile; a [*SizeError] for shapes that cannot be; inputs without shape, and
// learnables without a value. Panics of Gorgonia and of m become errors.
func NewFunction[T Float](m Module, batch int, cfg FieldConfig) (*Function[T], error) {
	return build[T](m, batch, cfg, false)
}

// build is NewFunction, with f of the shape of x if asked.
func build[T Float](m Module, batch int, cfg FieldConfig, field bool) (*Function[T], error) {
	if m == nil {
		panic("graph: nil module")
	}
	if cfg.Shape == nil {
		s, ok := m.(interface{ StateShape() []int })
		if ok {
			cfg.Shape = s.StateShape()
		}
		if cfg.Shape == nil {
			return nil, fmt.Errorf("graph: %T does not tell the shape of its state; set FieldConfig.Shape", m)
		}
	}
	if cfg.Name == "" {
		cfg.Name = "field"
	}
	r := cfg.Rand
	if r == nil {
		r = rand.New(rand.NewPCG(0, 0))
	}
	cfg.Rand = nil
	if cfg.Workers < 0 {
		return nil, fmt.Errorf("graph: %d workers; use at least 1, or 0 for the default", cfg.Workers)
	}
	fam := &family[T]{module: m, cfg: cfg, field: field, sizes: make(map[int]*compiled[T])}
	code, theta, err := fam.compile(batch, r)
	if err != nil {
		return nil, err
	}
	fam.layout = code.layout
	fam.sizes[batch] = code
	return newFunction(fam, code, theta), nil
}

// family is one function in all batch sizes.
type family[T Float] struct {
	module Module
	cfg    FieldConfig
	field  bool // f has the shape of x
	layout []Param

	mu    sync.Mutex
	sizes map[int]*compiled[T]
}

// compiled is a function of one batch size. What the JVP needs is compiled when
// it is first asked for.
type compiled[T Float] struct {
	in, out []int // shapes
	timed   bool
	layout  []Param
	value   *Program[T]

	f, x    *G.Node
	inputs  G.Nodes // x, a place for a second argument, t, learnables
	forward func() (*Program[T], error)
}

// compiled returns the function of a batch size.
func (fam *family[T]) compiled(batch int) (*compiled[T], error) {
	fam.mu.Lock()
	defer fam.mu.Unlock()
	if c := fam.sizes[batch]; c != nil {
		return c, nil
	}
	c, _, err := fam.compile(batch, rand.New(rand.NewPCG(0, 0))) // the values do not matter
	if err != nil {
		return nil, err
	}
	if !slices.EqualFunc(c.layout, fam.layout, func(a, b Param) bool {
		return a.Name == b.Name && slices.Equal(a.Shape, b.Shape)
	}) {
		return nil, fmt.Errorf("graph: %T has other parameters for a batch of %d; its learnables must not depend on the batch", fam.module, batch)
	}
	fam.sizes[batch] = c
	return c, nil
}

// compile compiles f and its VJPs, and returns the initial θ too.
func (fam *family[T]) compile(batch int, r *rand.Rand) (*compiled[T], []T, error) {
	shape := append([]int{batch}, fam.cfg.Shape...)
	if err := checkSize(fmt.Sprintf("the state of %T", fam.module), shape); err != nil {
		return nil, nil, err
	}
	building.Lock()
	defer building.Unlock()
	g, dt := G.NewGraph(), dtypeOf[T]()
	node := func(what string, shape ...int) *G.Node {
		return G.NewTensor(g, dt, len(shape), G.WithShape(shape...), G.WithName(what+" of "+fam.cfg.Name))
	}
	t, x := node("time", batch, 1), node("state", shape...)
	f, layer, timed, err := place(fam.module, fam.cfg, r, t, x)
	if err != nil {
		return nil, nil, fmt.Errorf("graph: building the function of %T: %w", fam.module, err)
	}
	out := ints(f.Shape())
	if fam.field && !slices.Equal(out, shape) {
		return nil, nil, fmt.Errorf("graph: the field of %T has shape %v for a state of shape %v; they must be equal", fam.module, out, shape)
	}
	layout, theta, learnables, err := collect[T](layer.Learnables())
	if err != nil {
		return nil, nil, err
	}
	lambda := valueLike(f, "cotangent of "+fam.cfg.Name)
	inputs := G.Nodes{x, lambda}
	if timed {
		inputs = append(inputs, t)
	}
	inputs = append(inputs, learnables...)
	grads, err := VJP(G.Nodes{f}, G.Nodes{lambda}, append(G.Nodes{x}, learnables...))
	if err != nil {
		return nil, nil, err
	}
	s := spec{
		workers: fam.cfg.Workers,
		inputs:  inputs,
		outputs: append(G.Nodes{f}, grads...),
		add:     make([]bool, 1+len(grads)),
		groups:  make([]uint, 1+len(grads)),
	}
	s.rows(f, batch, len(inputs)-len(learnables), 2)
	s.groups[1] = groupState
	for i := range learnables {
		s.add[2+i], s.groups[2+i] = true, groupParams
	}
	program, err := compile[T](s)
	if err != nil {
		return nil, nil, err
	}
	c := &compiled[T]{in: shape, out: out, timed: timed, layout: layout, value: program}
	c.forward = sync.OnceValues(func() (*Program[T], error) {
		return compileForward[T](f, x, inputs, learnables)
	})
	return c, theta, nil
}

// compileForward compiles f and its JVPs: along the tangent of x, along that of
// θ, and along both.
func compileForward[T Float](f, x *G.Node, inputs, learnables G.Nodes) (*Program[T], error) {
	building.Lock()
	defer building.Unlock()
	v := valueLike(x, "tangent of "+x.Name())
	along, err := JVP(G.Nodes{f}, G.Nodes{x}, G.Nodes{v})
	if err != nil {
		return nil, err
	}
	s := spec{
		inputs:  append(G.Nodes{x, v}, inputs[2:]...),
		outputs: G.Nodes{f, along[0]},
		groups:  []uint{groupValue, groupState},
	}
	args := len(inputs) - len(learnables)
	if len(learnables) > 0 {
		var w G.Nodes
		for _, n := range learnables {
			w = append(w, valueLike(n, "tangent of "+n.Name()))
		}
		turned, err := JVP(G.Nodes{f}, learnables, w)
		if err != nil {
			return nil, err
		}
		both, err := G.Add(along[0], turned[0])
		if err != nil {
			return nil, fmt.Errorf("graph: JVP: %w", err)
		}
		s.inputs = append(s.inputs, w...)
		s.outputs = append(s.outputs, turned[0], both)
		s.groups = append(s.groups, groupParams, groupBoth)
	}
	s.rows(f, x.Shape()[0], args, len(s.outputs))
	return compile[T](s)
}

// rows tells that the first inputs, and the first outputs if f has one row for
// each sample, hold one row for each sample.
func (s *spec) rows(f *G.Node, batch, inputs, outputs int) {
	s.batchInputs, s.batchOutputs = make([]bool, len(s.inputs)), make([]bool, len(s.outputs))
	if f.Dims() == 0 || f.Shape()[0] != batch {
		return
	}
	s.batch = batch
	for i := range inputs {
		s.batchInputs[i] = true
	}
	for i := range outputs {
		s.batchOutputs[i] = true
	}
}

// valueLike is a variable of the shape and type of n.
func valueLike(n *G.Node, name string) *G.Node {
	if n.IsScalar() {
		return G.NewScalar(n.Graph(), n.Dtype(), G.WithName(name))
	}
	return G.NewTensor(n.Graph(), n.Dtype(), n.Dims(), G.WithShape(n.Shape()...), G.WithName(name))
}

// place builds f on the graph of x. Panics of Gorgonia become errors.
func place(m Module, cfg FieldConfig, r *rand.Rand, t, x *G.Node) (f *G.Node, layer Layer, timed bool, err error) {
	defer recoverInto(&err)
	layer, err = m.Place(x.Graph(), cfg.Name, x.Dtype(), r)
	switch {
	case err != nil:
		return nil, nil, false, err
	case layer == nil:
		return nil, nil, false, errors.New("Place returned no layer")
	}
	at, timed := layer.(interface {
		FwdAt(t, y *G.Node) (*G.Node, error)
	})
	if timed {
		f, err = at.FwdAt(t, x)
	} else {
		f, err = layer.Fwd(x)
	}
	switch {
	case err != nil:
	case f == nil:
		err = errors.New("the layer returned no node")
	case f.Graph() != x.Graph():
		err = fmt.Errorf("the layer returned a node of another graph: %w", ErrOtherGraph)
	}
	return f, layer, timed, err
}

// collect lays the learnables out in θ and returns their values. Nodes listed
// twice count once.
func collect[T Float](nodes G.Nodes) (layout []Param, theta []T, distinct G.Nodes, err error) {
	for i, n := range nodes {
		switch {
		case n == nil:
			return nil, nil, nil, fmt.Errorf("graph: learnable %d is nil; list the nodes that were placed", i)
		case slices.Contains(distinct, n):
			continue
		case n.Value() == nil:
			return nil, nil, nil, fmt.Errorf("graph: parameter %q has no value; give it one when it is placed", n.Name())
		}
		distinct = append(distinct, n)
		layout = append(layout, Param{Name: n.Name(), Shape: ints(n.Shape()), Offset: len(theta)})
		switch v := rowMajorData(n.Value()).(type) {
		case T:
			theta = append(theta, v)
		case []T:
			theta = append(theta, v...)
		default:
			return nil, nil, nil, &DtypeError{Node: n.Name(), Got: n.Dtype(), Want: dtypeOf[T]()}
		}
	}
	return layout, theta, distinct, nil
}
