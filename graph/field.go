package graph

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/vec"
)

// Layer is a piece of a model on a graph: Fwd applies it to a node, Learnables
// are its parameters, variables that have a value.
//
// A layer whose result depends on time also has
//
//	FwdAt(t, y *gorgonia.Node) (*gorgonia.Node, error)
//
// where t is a column (batch, 1) that holds the time in every row.
type Layer = interface {
	Fwd(x *G.Node) (*G.Node, error)
	Learnables() G.Nodes
}

// Module describes a layer that can be placed on any graph, in either dtype.
// The names of its nodes start with name; its initial values are drawn from r.
//
// A module that knows the shape of its state, without the batch axis, may also
// have StateShape() []int.
type Module interface {
	Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error)
}

// FieldConfig is how a module becomes a vector field. The zero value asks the
// module for the shape of the state.
type FieldConfig struct {
	// Shape is the shape of the state of one sample, without the batch axis.
	// Nil asks the module's StateShape.
	Shape []int

	// Name starts the names of the nodes and parameters. The default is "field".
	Name string

	// Rand draws the initial parameters. The default is rand.New(rand.NewPCG(0, 0)).
	Rand *rand.Rand
}

// Param tells where a parameter lies in the flat θ.
type Param struct {
	Name   string
	Shape  []int
	Offset int
}

// Field is a module as a vector field dy/dt = f(t, y; θ): a compiled program
// for f and its vector-Jacobian products. The state is flat, the row-major
// elements of (batch, shape…). It satisfies odeint.Differentiable,
// odeint.Fallible and odeint.Batched. A Field belongs to one goroutine at a time; Clone gives
// another goroutine its own.
//
// Eval and VJP allocate nothing, and f has the same bits in both.
type Field[T Float] struct {
	program *Program[T]
	layout  []Param
	shape   []int // of the state, with the batch axis
	dim     int

	m        *Instance[T]
	theta    []T
	time     []T   // t as a column; nil if f does not depend on it
	dst, src [][]T // outputs and inputs of a run
	err      error
}

// The output groups of a field's program.
const (
	groupValue = iota
	groupState
	groupParams
)

// building serialises the construction of graphs: Gorgonia's constants cache
// their hashes without synchronisation.
var building sync.Mutex

// NewField places m on a graph of its own, builds f and its vector-Jacobian
// product there, and compiles them. batch is the number of samples in the
// state. The parameters start at the values that m gives its learnables.
//
// Errors: those of m, of VJP (an op that cannot be differentiated) and of
// Compile; a state without shape, f of another shape than the state, and
// learnables without a value.
func NewField[T Float](m Module, batch int, cfg FieldConfig) (*Field[T], error) {
	if m == nil {
		panic("graph: nil module")
	}
	if batch < 1 {
		return nil, fmt.Errorf("graph: a field of %d samples; the batch must be at least 1", batch)
	}
	if cfg.Shape == nil {
		s, ok := m.(interface{ StateShape() []int })
		if !ok {
			return nil, fmt.Errorf("graph: %T does not tell the shape of its state; set FieldConfig.Shape", m)
		}
		cfg.Shape = s.StateShape()
	}
	if cfg.Name == "" {
		cfg.Name = "field"
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(0, 0))
	}
	building.Lock()
	defer building.Unlock()
	return newField[T](m, append([]int{batch}, cfg.Shape...), cfg)
}

func newField[T Float](m Module, shape []int, cfg FieldConfig) (*Field[T], error) {
	g, dt := G.NewGraph(), dtypeOf[T]()
	node := func(name string, shape ...int) *G.Node {
		return G.NewTensor(g, dt, len(shape), G.WithShape(shape...), G.WithName(name+" of "+cfg.Name))
	}
	t, y, lambda := node("time", shape[0], 1), node("state", shape...), node("cotangent", shape...)
	f, layer, timed, err := place(m, cfg, t, y)
	if err != nil {
		return nil, fmt.Errorf("graph: building the field of %T: %w", m, err)
	}
	if !slices.Equal([]int(f.Shape()), shape) {
		return nil, fmt.Errorf("graph: the field of %T has shape %v for a state of shape %v; they must be equal", m, f.Shape(), shape)
	}
	fd := &Field[T]{shape: shape, dim: sizeOf(shape)}
	inputs := G.Nodes{y, lambda}
	if timed {
		fd.time = make([]T, shape[0])
		inputs = append(inputs, t)
	}
	learnables, err := fd.collect(layer.Learnables())
	if err != nil {
		return nil, err
	}
	grads, err := VJP(G.Nodes{f}, G.Nodes{lambda}, append(G.Nodes{y}, learnables...))
	if err != nil {
		return nil, err
	}
	r := spec{
		inputs:  append(inputs, learnables...),
		outputs: append(G.Nodes{f}, grads...),
		add:     make([]bool, 1+len(grads)),
		groups:  make([]uint, 1+len(grads)),

		batch:        shape[0],
		batchInputs:  make([]bool, len(inputs)+len(learnables)),
		batchOutputs: make([]bool, 1+len(grads)),
	}
	for i := range inputs {
		r.batchInputs[i] = true
	}
	r.batchOutputs[0], r.batchOutputs[1] = true, true
	r.groups[1] = groupState
	for i := range learnables {
		r.add[2+i], r.groups[2+i] = true, groupParams
	}
	if fd.program, err = compile[T](r); err != nil {
		return nil, err
	}
	fd.instantiate()
	return fd, nil
}

// place builds f on the graph of y. Panics of Gorgonia become errors.
func place(m Module, cfg FieldConfig, t, y *G.Node) (f *G.Node, layer Layer, timed bool, err error) {
	defer recoverInto(&err)
	layer, err = m.Place(y.Graph(), cfg.Name, y.Dtype(), cfg.Rand)
	if err != nil {
		return nil, nil, false, err
	}
	if at, ok := layer.(interface {
		FwdAt(t, y *G.Node) (*G.Node, error)
	}); ok {
		f, err = at.FwdAt(t, y)
		return f, layer, true, err
	}
	f, err = layer.Fwd(y)
	return f, layer, false, err
}

// collect lays the learnables out in θ and copies their values. Nodes listed
// twice count once.
func (f *Field[T]) collect(nodes G.Nodes) (G.Nodes, error) {
	var distinct G.Nodes
	for _, n := range nodes {
		if slices.Contains(distinct, n) {
			continue
		}
		if n.Value() == nil {
			return nil, fmt.Errorf("graph: parameter %q has no value; give it one when it is placed", n.Name())
		}
		distinct = append(distinct, n)
		f.layout = append(f.layout, Param{Name: n.Name(), Shape: ints(n.Shape()), Offset: len(f.theta)})
		switch v := rowMajorData(n.Value()).(type) {
		case T:
			f.theta = append(f.theta, v)
		case []T:
			f.theta = append(f.theta, v...)
		default:
			return nil, &DtypeError{Node: n.Name(), Got: n.Dtype(), Want: dtypeOf[T]()}
		}
	}
	return distinct, nil
}

// instantiate gives f an instance whose parameters are f.theta.
func (f *Field[T]) instantiate() {
	f.m = f.program.NewInstance()
	f.dst, f.src = make([][]T, len(f.program.out)), make([][]T, len(f.program.in))
	params := f.src[2:]
	if f.time != nil {
		params[0] = f.time
		params = params[1:]
	}
	for i, p := range f.layout {
		params[i] = f.theta[p.Offset:][:sizeOf(p.Shape)]
	}
}

// Dim is the length of the state, batch·shape….
func (f *Field[T]) Dim() int { return f.dim }

// SampleDim is the length of the state of one sample.
func (f *Field[T]) SampleDim() int { return f.dim / f.shape[0] }

// NumParams is the length of θ.
func (f *Field[T]) NumParams() int { return len(f.theta) }

// Shape is the shape of the state, the batch axis first.
func (f *Field[T]) Shape() []int { return slices.Clone(f.shape) }

// Params is θ itself: writing to it changes the field.
func (f *Field[T]) Params() []T { return f.theta }

// Layout tells where each parameter lies in θ, in the order of the layer's
// learnables. The caller must not change it.
func (f *Field[T]) Layout() []Param { return f.layout }

// Clone returns a field with its own copy of θ and of all buffers. The
// compiled program is shared.
func (f *Field[T]) Clone() *Field[T] {
	c := *f
	c.theta = slices.Clone(f.theta)
	c.time = slices.Clone(f.time)
	c.err = nil
	c.instantiate()
	return &c
}

// CloneField is Clone, for [CompiledField].
func (f *Field[T]) CloneField() CompiledField[T] { return f.Clone() }

// Err returns the first failure of Eval or VJP since the last call of Err.
// Only ops that the compiler does not know can fail; the destinations are then
// filled with NaN.
func (f *Field[T]) Err() error {
	err := f.err
	f.err = nil
	return err
}

// Eval stores f(t, y; θ) in dydt. Both have length Dim and do not overlap.
func (f *Field[T]) Eval(dydt []T, t float64, y []T) {
	if len(dydt) != f.dim || len(y) != f.dim {
		panic("graph: wrong length of a state")
	}
	f.dst[0] = dydt
	if f.run(t, y, nil, 1<<groupValue) != nil {
		vec.Fill(dydt, T(math.NaN()))
	}
}

// VJP stores λᵀ∂f/∂y in dy and adds λᵀ∂f/∂θ to dtheta, unless that is nil;
// f(t, y; θ) goes to dydt, unless that is nil. The slices must not overlap.
func (f *Field[T]) VJP(dydt, dy, dtheta []T, t float64, y, lambda []T) {
	if len(dy) != f.dim || len(y) != f.dim || len(lambda) != f.dim || dydt != nil && len(dydt) != f.dim {
		panic("graph: wrong length of a state")
	}
	if dtheta != nil && len(dtheta) != len(f.theta) {
		panic("graph: wrong length of the parameters' gradient")
	}
	wanted := uint64(1 << groupState)
	f.dst[1] = dy
	if dydt != nil {
		f.dst[0] = dydt
		wanted |= 1 << groupValue
	}
	if dtheta != nil {
		wanted |= 1 << groupParams
		for i, p := range f.layout {
			f.dst[2+i] = dtheta[p.Offset:][:f.program.out[2+i]]
		}
	}
	if f.run(t, y, lambda, wanted) != nil {
		vec.Fill(dydt, T(math.NaN()))
		vec.Fill(dy, T(math.NaN()))
		vec.Fill(dtheta, T(math.NaN()))
	}
}

// run executes the program on y, lambda and t, into f.dst, which it clears.
func (f *Field[T]) run(t float64, y, lambda []T, wanted uint64) error {
	f.src[0], f.src[1] = y, lambda
	vec.Fill(f.time, T(t))
	err := f.m.run(f.dst, f.src, wanted)
	f.src[0], f.src[1] = nil, nil
	clear(f.dst)
	if err != nil && f.err == nil {
		f.err = err
	}
	return err
}
