package odelayer

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/nodes"
	"github.com/neuralode/neuralode/odeint"
)

// Config says what a [Layer] solves and how. Batch and Times, or SampleTimes, are needed; the zero
// value of the rest is a documented default.
type Config struct {
	// Batch is the number of samples that are solved together, with common steps unless
	// SampleTimes says otherwise.
	Batch int

	// Times are the saved times, strictly monotone in either direction. The initial
	// state holds at the first.
	Times []float64

	// SampleTimes, in place of Times, are the saved times of each sample: as many lists as
	// Batch says, of different lengths if need be. The samples are then solved each with its own steps
	// (adjoint.Batch), and the result has as many rows as the longest list; the rows
	// that a sample does not have are zeros, which nothing depends on. There are no Input and no events.
	SampleTimes [][]float64

	// Final makes the layer's result the state at the last time only, of each sample its own.
	Final bool

	// Shape is the shape of one sample's state, without the batch axis. Nil: what
	// the dynamics' StateShape says.
	Shape []int

	// Dtype is the type of state and parameters. Zero: tensor.Float64; the other
	// choice is tensor.Float32.
	Dtype tensor.Dtype

	// Solve are the options of the forward solve; its SaveAt must be zero. The zero
	// value is adaptive Tsit5. An odeint.Splitting needs separable dynamics.
	Solve odeint.Options

	// Adjoint makes the gradients. Nil: adjoint.Discrete{}.
	Adjoint adjoint.Method

	// Events are what happens during a solve, with modules for conditions and effects. Plain
	// functions go to Solve.Events instead; their own parameters, if any, are no learnables, and several
	// goroutines may call them.
	Events []Event

	// Rand is the source of the parameters' initial values. Nil:
	// rand.New(rand.NewPCG(0, 0)).
	Rand *rand.Rand

	// Observe is called after every accepted step of a forward solve with the time it
	// reached and the counts so far, on the goroutine of the machine, or, with SampleTimes, of
	// several, one at a time. An error of it
	// stops the solve, and is RunAll's [Cause]. Nil: no calls.
	Observe func(t float64, st *odeint.Stats) error

	// Shared makes a layer without parameters of its own: nothing is put on the graph
	// but solves, which get their parameters through FwdWith. Without it, a layer that
	// is applied by FwdWith alone leaves its own learnables on the graph, unused, and a
	// LispMachine refuses such a graph.
	Shared bool

	// Input, unless nil, drives the dynamics by inputs u(t), whose values are a node of the
	// graph; apply the layer by [Layer.FwdInput].
	Input *Input

	// Context stops solves and backward passes when it is cancelled, between two steps;
	// the machine's RunAll then fails with its error as [Cause]. Nil: they are not
	// stopped. [Layer.SetContext] replaces it.
	Context context.Context
}

// Layer is a differential equation on a Gorgonia graph.
type Layer struct {
	op         *forwardOp
	graph      *G.ExprGraph
	params     []graph.Param // the values of the input's knots the last, if there is one
	driven     bool
	learnables G.Nodes
}

// New compiles the dynamics net and puts their parameters on g as learnables, named
// by their path below name: "ode/W0". Every layer on a graph needs a name of
// its own. Gradients with respect to time-like inputs are not offered: times
// are numbers, not nodes.
//
// The error is a [*ConfigError] with every fault of cfg, a [*NameError], what
// graph.CompileField says of the dynamics, or what odeint and adjoint say of the options.
func New(g *G.ExprGraph, name string, net graph.Module, cfg Config) (*Layer, error) {
	if g == nil || net == nil {
		panic("odelayer: New with a nil graph or module")
	}
	cfg, err := cfg.resolved(name, net)
	if err != nil {
		return nil, err
	}
	if cfg.Dtype == tensor.Float32 {
		return newLayer[float32](g, name, net, cfg)
	}
	return newLayer[float64](g, name, net, cfg)
}

func newLayer[T graph.Float](g *G.ExprGraph, name string, net graph.Module, cfg Config) (*Layer, error) {
	field, err := compileField[T](name, net, cfg)
	if err != nil {
		return nil, fmt.Errorf("odelayer: %s: %w", name, err)
	}
	events, err := compileEvents[T](name, cfg)
	if err != nil {
		return nil, fmt.Errorf("odelayer: %s: %w", name, err)
	}
	solves, err := newPool(field, events, cfg)
	if err != nil {
		return nil, fmt.Errorf("odelayer: %s: %w", name, err)
	}
	l := &Layer{graph: g, params: solves.layout, driven: cfg.Input != nil}
	state := append(tensor.Shape{cfg.Batch}, cfg.Shape...)
	in, offset := []tensor.Shape{state}, []int{0}
	initial := make([]T, solves.params())
	events.initial(initial[copy(initial, field.Params()):])
	for _, p := range l.params {
		shape := tensor.Shape(p.Shape).Clone()
		if len(shape) == 0 {
			return nil, &ConfigError{What: name, Faults: []string{fmt.Sprintf("parameter %q is a scalar; give it the shape (1, 1)", p.Name)}}
		}
		if err := nodes.Free(g, p.Name); err != nil && !cfg.Shared {
			return nil, err
		}
		in, offset = append(in, shape), append(offset, field.Dim()+p.Offset)
	}
	own := len(l.params)
	if l.driven {
		own--
		in[own+1] = cfg.Input.shape(cfg.Batch)
	}
	for i, p := range l.params[:own] {
		if cfg.Shared {
			break
		}
		shape := in[i+1]
		theta := slices.Clone(initial[p.Offset : p.Offset+shape.TotalSize()])
		w, err := nodes.Learnable(g, p.Name, tensor.New(tensor.WithShape(shape...), tensor.WithBacking(theta)))
		if err != nil {
			return nil, err
		}
		l.learnables = append(l.learnables, w)
	}
	out := state.Clone()
	if !cfg.Final {
		out = append(tensor.Shape{cfg.rows()}, state...)
	}
	l.op = newForward(&layerOp{name: name, dt: cfg.Dtype, in: in, offset: offset, out: out, solves: solves})
	return l, nil
}

// Fwd adds to the graph the solution that starts at u0, a node of shape (Batch,
// Shape…), with the layer's own parameters. The result has shape (len(Times),
// Batch, Shape…), its first row being u0, or (Batch, Shape…) if Config.Final is set; see
// Config.SampleTimes for samples with times of their own.
//
// Fwd may be called more than once: the solves share the parameters.
func (l *Layer) Fwd(u0 *G.Node) (*G.Node, error) { return l.FwdWith(u0, l.learnables...) }

// FwdWith is Fwd with parameters from elsewhere, in the order and with the shapes
// of Params: the learnables of another layer, or nodes that a network computed. A layer
// that is used in no other way is best made with Config.Shared.
func (l *Layer) FwdWith(u0 *G.Node, params ...*G.Node) (*G.Node, error) {
	in := append(G.Nodes{u0}, params...)
	if slices.Contains(in, nil) {
		panic("odelayer: nil node")
	}
	if err := l.check(in); err != nil {
		return nil, err
	}
	u, err := G.ApplyOp(l.op, in...)
	if err != nil {
		return nil, fmt.Errorf("odelayer: %s: %w", l.op.name, err)
	}
	l.op.solves.applied()
	return u, nil
}

// Params tells the names and shapes of the parameters of a solve, in the order of the
// field's flat θ. With an Input the last are the values of its knots, which FwdWith
// takes in the shape that FwdInput documents. The caller must not change it.
func (l *Layer) Params() []graph.Param { return l.params }

// SetContext replaces Config.Context for the solves that begin after it, for instance by
// one with a deadline for each step of a training. Nil: they are not stopped.
func (l *Layer) SetContext(ctx context.Context) { l.op.solves.setContext(ctx) }

// Learnables lists the layer's own parameters, in the order of Params; none if the layer
// is Shared. The slice is the caller's.
func (l *Layer) Learnables() G.Nodes { return slices.Clone(l.learnables) }

// Stats returns what the last forward solve and the last gradient took, of whichever
// application and machine. They are zero before the first.
func (l *Layer) Stats() (forward, backward adjoint.Stats) { return l.op.solves.stats() }

// cure says what to try if a layer without parameters of its own was applied by Fwd.
func (l *Layer) cure() string {
	if l.driven {
		return "; the layer has inputs, call FwdInput, or FwdWith with their values at the end"
	}
	if l.learnables == nil && len(l.params) > 0 {
		return "; the layer is Shared, call FwdWith"
	}
	return ""
}

// check reports what keeps the nodes from being the op's inputs.
func (l *Layer) check(in G.Nodes) error {
	name, want := l.op.name, l.op.in
	if len(in) != len(want) {
		return &ConfigError{What: name, Faults: []string{fmt.Sprintf("%d parameters given, want the %d of Params%s", len(in)-1, len(want)-1, l.cure())}}
	}
	var faults []string
	for i, n := range in {
		what := "u0"
		if i > 0 {
			what = fmt.Sprintf("parameter %d (%s)", i-1, l.params[i-1].Name)
		}
		if n.Graph() != l.graph {
			faults = append(faults, what+" belongs to another graph; make the layer on that graph")
			continue
		}
		if !n.Shape().Eq(want[i]) || n.IsScalar() {
			faults = append(faults, fmt.Sprintf("%s has shape %v, want %v; reshape it, or change Batch or Shape", what, n.Shape(), want[i]))
		} else if n.Dtype() != l.op.dt {
			faults = append(faults, fmt.Sprintf("%s is %v, want %v; set Config.Dtype", what, n.Dtype(), l.op.dt))
		}
	}
	if faults != nil {
		return &ConfigError{What: name, Faults: faults}
	}
	for _, n := range l.graph.AllNodes() {
		if other, ok := n.Op().(*forwardOp); ok && other != l.op && other.name == name {
			return &NameError{Name: name}
		}
	}
	return nil
}

// resolved returns cfg with its defaults filled in and slices of its own.
func (cfg Config) resolved(name string, net graph.Module) (Config, error) {
	var faults []string
	if name == "" {
		faults = append(faults, "the name is empty; every layer on a graph needs one of its own")
	}
	if cfg.Batch < 1 {
		faults = append(faults, fmt.Sprintf("Batch is %d; it must be at least 1", cfg.Batch))
	}
	faults = append(faults, cfg.timeFaults()...)
	if cfg.Dtype == (tensor.Dtype{}) {
		cfg.Dtype = tensor.Float64
	}
	if cfg.Dtype != tensor.Float64 && cfg.Dtype != tensor.Float32 {
		faults = append(faults, fmt.Sprintf("Dtype is %v; use tensor.Float64 or tensor.Float32", cfg.Dtype))
	}
	if cfg.Shape == nil {
		cfg.Shape = nodes.StateShape(net)
	}
	if len(cfg.Shape) == 0 {
		faults = append(faults, "the shape of a state is not known; set Shape")
	}
	for _, n := range cfg.Shape {
		if n < 1 {
			faults = append(faults, fmt.Sprintf("Shape is %v; every axis must be at least 1", cfg.Shape))
			break
		}
	}
	if cfg.Input != nil && faults == nil {
		faults = append(faults, cfg.Input.faults(cfg.Batch)...)
	}
	if faults == nil {
		if all := append([]int{cfg.rows(), cfg.Batch}, cfg.Shape...); !fits(all) {
			faults = append(faults, fmt.Sprintf("the saved states have shape %v, more than 2^30 numbers; solve fewer samples at a time", all))
		}
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(0, 0))
	}
	cfg.Times, cfg.Shape = slices.Clone(cfg.Times), slices.Clone(cfg.Shape)
	cfg.SampleTimes = slices.Clone(cfg.SampleTimes)
	for i, ts := range cfg.SampleTimes {
		cfg.SampleTimes[i] = slices.Clone(ts)
	}
	if faults != nil {
		return cfg, &ConfigError{What: name, Faults: faults}
	}
	return cfg, nil
}

// fits reports whether a tensor of the shape can be held.
func fits(shape []int) bool {
	_, ok := nodes.Size(shape)
	return ok
}

// checkTimes returns what is wrong with the saved times of that name, or "".
func checkTimes(name string, times []float64) string {
	if len(times) == 0 {
		return name + " is empty; its first is where the initial state holds"
	}
	for i, t := range times {
		if math.IsNaN(t) || math.IsInf(t, 0) {
			return fmt.Sprintf("%s[%d] is %v", name, i, t)
		}
		if i > 0 && (t == times[i-1] || (t > times[i-1]) != (times[1] > times[0])) {
			return fmt.Sprintf("%s[%d] = %v does not follow %v; times must be strictly monotone", name, i, t, times[i-1])
		}
	}
	return ""
}
