package graph

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/internal/nodes"
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
	if in := cfg.Input; in != nil {
		own := *in
		cfg.Input, fam.cfg.Input = &own, &own
		if err := checkSize("the input", []int{in.Channels, in.Knots + 1}); err != nil {
			return nil, err
		}
	}
	code, theta, err := fam.compile(batch, r)
	if err != nil {
		return nil, err
	}
	fam.layout, fam.nodes = code.layout, len(code.layout)
	if cfg.Input != nil && cfg.Input.Knots > 0 {
		fam.layout = append(slices.Clone(fam.layout), Param{Name: nodes.Join(cfg.Name, "input"), Shape: []int{cfg.Input.Knots}, Offset: len(theta)})
		theta = append(theta, make([]T, cfg.Input.Knots)...)
	}
	fam.sizes[batch] = code
	return newFunction(fam, code, theta, code.value.workers), nil
}

// family is one function in all batch sizes.
type family[T Float] struct {
	module Module
	cfg    FieldConfig
	field  bool    // f has the shape of x
	layout []Param // of θ
	nodes  int     // the first of them are learnables of the module

	mu    sync.Mutex
	sizes map[int]*compiled[T]
}

// compiled is a function of one batch size. What JVP and TangentVJP need is compiled when
// it is first asked for.
type compiled[T Float] struct {
	in, out []int // shapes
	timed   bool
	layout  []Param
	value   *Program[T]
	layer   *hiddenLayer // f and its VJP, with places in θ; nil: they are not of that form
	forward func() (*Program[T], error)
	second  func() (*Program[T], error) // for TangentVJP
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
	if !slices.EqualFunc(c.layout, fam.layout[:fam.nodes], func(a, b Param) bool {
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
	var u, du *G.Node
	var driven G.Nodes
	in := fam.cfg.Input
	if in != nil {
		if err := checkSize("the input", []int{batch, in.Channels}); err != nil {
			return nil, nil, err
		}
		u = node("input", batch, in.Channels)
		driven = append(driven, u)
		if in.Rates {
			du = node("rates", batch, in.Channels)
			driven = append(driven, du)
		}
	}
	f, layer, timed, err := place(fam.module, fam.cfg, r, t, u, du, x)
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
	args := G.Nodes{x, lambda}
	if timed {
		args = append(args, t)
	}
	args = append(args, driven...)
	if in == nil || in.Knots == 0 {
		driven = nil // nobody asks for their derivatives
	}
	wrt := slices.Concat(G.Nodes{x}, learnables, driven)
	grads, err := VJP(G.Nodes{f}, G.Nodes{lambda}, wrt)
	if err != nil {
		return nil, nil, err
	}
	s := spec{
		workers: fam.cfg.Workers,
		inputs:  slices.Concat(args, learnables),
		outputs: append(G.Nodes{f}, grads...),
		add:     make([]bool, 1+len(grads)),
		groups:  make([]uint, 1+len(grads)),
	}
	s.rows(f, batch, len(args), 2)
	s.groups[1] = groupState
	for i := range learnables {
		s.add[2+i], s.groups[2+i] = true, groupParams
	}
	for i := 2 + len(learnables); i < len(s.outputs); i++ {
		s.groups[i], s.batchOutputs[i] = groupInput, s.batch > 0
	}
	program, err := compile[T](s)
	if err != nil {
		return nil, nil, err
	}
	c := &compiled[T]{in: shape, out: out, timed: timed, layout: layout, value: program}
	if program.layered && in == nil {
		c.layer, _ = program.layer.inParams(len(args), layout)
	}
	c.forward = sync.OnceValues(func() (*Program[T], error) {
		return compileForward[T](f, args, learnables, driven)
	})
	c.second = sync.OnceValues(func() (*Program[T], error) {
		return compileSecond[T](f, args, learnables, driven)
	})
	return c, theta, nil
}

// compileSecond compiles the VJP of the JVP along the tangent of x = args[0].
func compileSecond[T Float](f *G.Node, args, learnables, driven G.Nodes) (*Program[T], error) {
	building.Lock()
	defer building.Unlock()
	x := args[0]
	v := valueLike(x, "direction of "+x.Name())
	lambda := valueLike(f, "cotangent of the JVP of "+f.Name())
	along, err := JVP(G.Nodes{f}, G.Nodes{x}, G.Nodes{v})
	if err != nil {
		return nil, err
	}
	grads, err := VJP(along, G.Nodes{lambda}, slices.Concat(G.Nodes{x}, learnables, driven))
	if err != nil {
		return nil, err
	}
	s := spec{
		inputs:  slices.Concat(G.Nodes{x, v, lambda}, args[2:], learnables),
		outputs: grads,
		add:     make([]bool, len(grads)),
		groups:  make([]uint, len(grads)),
	}
	s.rows(f, x.Shape()[0], len(args)+1, 1)
	s.groups[0] = groupState
	for i := 1; i < len(grads); i++ {
		if i <= len(learnables) {
			s.add[i], s.groups[i] = true, groupParams
		} else {
			s.groups[i], s.batchOutputs[i] = groupInput, s.batch > 0
		}
	}
	return compile[T](s)
}

// compileForward compiles f and its JVPs: along the tangent of x = args[0], along
// those of the learnables and of the inputs driven by parameters, and along both.
func compileForward[T Float](f *G.Node, args, learnables, driven G.Nodes) (*Program[T], error) {
	building.Lock()
	defer building.Unlock()
	x := args[0]
	v := valueLike(x, "tangent of "+x.Name())
	along, err := JVP(G.Nodes{f}, G.Nodes{x}, G.Nodes{v})
	if err != nil {
		return nil, err
	}
	s := spec{
		inputs:  slices.Concat(G.Nodes{x, v}, args[2:], learnables),
		outputs: G.Nodes{f, along[0]},
		groups:  []uint{groupValue, groupState},
	}
	if params := slices.Concat(learnables, driven); len(params) > 0 {
		var w G.Nodes
		for _, n := range params {
			w = append(w, valueLike(n, "tangent of "+n.Name()))
		}
		turned, err := JVP(G.Nodes{f}, params, w)
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
	s.rows(f, x.Shape()[0], len(args), len(s.outputs))
	for i := len(s.inputs) - len(driven); i < len(s.inputs); i++ {
		s.batchInputs[i] = s.batch > 0
	}
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
func place(m Module, cfg FieldConfig, r *rand.Rand, t, u, du, x *G.Node) (f *G.Node, layer Layer, timed bool, err error) {
	defer recoverInto(&err)
	layer, err = m.Place(x.Graph(), cfg.Name, x.Dtype(), r)
	switch {
	case err != nil:
		return nil, nil, false, err
	case layer == nil:
		return nil, nil, false, errors.New("the module's Place returned no layer")
	}
	driven, takes := layer.(interface {
		FwdInput(t, u, du, x *G.Node) (*G.Node, error)
	})
	at, dated := layer.(nodes.Timed)
	switch {
	case u != nil && !takes:
		return nil, nil, false, errors.New("FieldConfig.Input is set, but the layer has no method FwdInput(t, u, du, x)")
	case u != nil:
		timed = true
		f, err = driven.FwdInput(t, u, du, x)
	case dated:
		timed = true
		f, err = at.FwdAt(t, x)
	default:
		f, err = layer.Fwd(x)
	}
	switch {
	case err != nil:
		err = explained(err)
	case f == nil:
		err = errors.New("the layer returned no node")
	case f.Graph() != x.Graph():
		err = fmt.Errorf("the layer returned a node of another graph: %w", ErrOtherGraph)
	}
	return f, layer, timed, err
}

// collect lays the learnables out in θ and returns their values. Nodes listed
// twice count once.
func collect[T Float](list G.Nodes) (layout []Param, theta []T, distinct G.Nodes, err error) {
	for i, n := range list {
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
