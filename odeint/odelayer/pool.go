package odelayer

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint"
)

// solver is one goroutine's workspace: a copy of the field with its θ, and the
// adjoint solver with the trajectory of its last forward solve.
type solver[T graph.Float] struct {
	field  graph.CompiledField[T]
	adj    *adjoint.Solver[T] // nil: samples have times of their own
	own    *ownTimes[T]       // for them
	y0     []T                // where the trajectory starts
	theta  []T                // its θ, the field's own memory if there are no parameters of events
	warm   bool               // there is a trajectory
	spent  bool               // a gradient was taken of it
	states []T                // the saved states of the trajectory, in adj's memory unless a Terminal event ended it
	sol    *odeint.Solution[T]
	rested []T // states with rows after the end
	after  []T
	cots   []eventCotangent[T]
	grad   adjoint.Gradient[T]
	dys    []T // cotangents of all saved states
}

// eventCotangent is adjoint's.
type eventCotangent[T graph.Float] = adjoint.EventCotangent[T]

// pool hands out solvers to the ops of one layer.
type pool[T graph.Float] struct {
	cfg Config
	dim int

	mu           sync.Mutex
	prototype    graph.CompiledField[T] // never solved with
	events       *eventMaps[T]          // never solved with
	layout       []graph.Param          // of the inputs after u0, in θ with the parameters of events
	idle         []*solver[T]           // the longest unused first
	applications int
	misses       int // gradients that found no trajectory
	fwd, bwd     adjoint.Stats
	ctx          context.Context // of the solves; nil: never cancelled
}

func newPool[T graph.Float](field graph.CompiledField[T], events *eventMaps[T], cfg Config) (*pool[T], error) {
	p := &pool[T]{cfg: cfg, prototype: field, events: events, dim: field.Dim(), ctx: cfg.Context}
	p.layout = events.joined(field.Layout(), field.NumParams(), cfg.Input != nil)
	s, err := p.newSolver() // which also checks the options
	if err != nil {
		return nil, err
	}
	p.idle = append(p.idle, s)
	return p, nil
}

func (p *pool[T]) newSolver() (*solver[T], error) {
	field := p.prototype.CloneField()
	theta := field.Params()
	if p.events.params > 0 {
		theta = make([]T, p.params())
	}
	s := &solver[T]{field: field, theta: theta, y0: make([]T, p.dim), after: make([]T, p.dim), dys: make([]T, p.rows()*p.dim)}
	var err error
	if p.cfg.SampleTimes != nil {
		s.own, err = newOwnTimes(field, p.cfg, p.rows())
		return s, err
	}
	if s.adj, err = adjoint.New[T](field, p.events.options(p.cfg.Solve, theta[field.NumParams():]), p.cfg.Adjoint); err != nil {
		return nil, err
	}
	if observe := p.cfg.Observe; observe != nil {
		s.adj.Observe(func(step *odeint.Step[T], st *odeint.Stats) error { return observe(step.T1, st) })
	}
	return s, nil
}

// rows is how many saved rows of all samples a solver has.
func (p *pool[T]) rows() int {
	if p.cfg.SampleTimes != nil && p.cfg.Final {
		return 1
	}
	return p.cfg.rows()
}

// stats are those of the last solve and the last gradient.
func (s *solver[T]) stats() (forward, backward adjoint.Stats) {
	if s.own != nil {
		return s.own.batch.Stats()
	}
	return s.adj.Stats()
}

// forward solves from s.y0.
func (s *solver[T]) forward(ctx context.Context, times []float64) error {
	var err error
	if s.own != nil {
		s.states, err = s.own.forward(ctx, s.y0)
		return err
	}
	if s.sol, err = s.adj.Forward(ctx, times, s.y0); err != nil {
		return err
	}
	s.states = s.sol.Y
	if s.sol.Stopped() {
		s.rested = append(append(s.rested[:0], s.states...), make([]T, len(s.dys)-len(s.states))...)
		rest(s.rested, s.sol)
		s.states = s.rested
	}
	return nil
}

// backward goes back from s.dys to s.grad.
func (s *solver[T]) backward(ctx context.Context) error {
	if s.own != nil {
		return s.own.backward(ctx, &s.grad, s.dys)
	}
	dys, cots := s.atRest(s.dys)
	return s.adj.BackwardEvents(ctx, &s.grad, dys, cots)
}

// params is the length of θ, with the parameters of events.
func (p *pool[T]) params() int { return p.prototype.NumParams() + p.events.params }

func (p *pool[T]) applied() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.applications++
}

func (p *pool[T]) stats() (forward, backward adjoint.Stats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fwd, p.bwd
}

func (p *pool[T]) setContext(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx = ctx
}

func (p *pool[T]) context() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx == nil {
		return context.Background()
	}
	return p.ctx
}

// kept is how many idle solvers the pool holds.
func (p *pool[T]) kept() int {
	apps := max(p.applications, 1)
	return min(apps+p.misses, apps*runtime.GOMAXPROCS(0))
}

// take returns the solver to be used for a new solve: one whose trajectory served
// already, a new one if the pool may grow, else the one that waited longest.
func (p *pool[T]) take() (*solver[T], error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.idle, func(s *solver[T]) bool { return !s.warm || s.spent })
	if i < 0 {
		if len(p.idle) < p.kept() {
			return p.newSolver()
		}
		i = 0
	}
	s := p.idle[i]
	p.idle = slices.Delete(p.idle, i, i+1)
	return s, nil
}

// find returns an idle solver with the trajectory from these inputs, or nil.
func (p *pool[T]) find(in inputs[T]) *solver[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.idle, func(s *solver[T]) bool {
		return s.warm && in.same(s.y0, s.theta, p.layout)
	})
	if i < 0 {
		p.misses++
		return nil
	}
	s := p.idle[i]
	p.idle = slices.Delete(p.idle, i, i+1)
	return s
}

// put takes a solver back. One that panicked is not put back.
func (p *pool[T]) put(s *solver[T]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, s)
	if n := len(p.idle) - p.kept(); n > 0 {
		p.idle = slices.Delete(p.idle, 0, n)
	}
}

func (p *pool[T]) forward(in []G.Value) (any, error) {
	from, err := p.inputs(in)
	if err != nil {
		return nil, err
	}
	rows := p.rows()
	if p.cfg.Final {
		rows = 1
	}
	out := make([]T, rows*p.dim)
	if err := p.forwardInto(out, from); err != nil {
		return nil, err
	}
	return out, nil
}

// forwardInto is forward on flat memory.
func (p *pool[T]) forwardInto(out []T, from inputs[T]) error {
	s, err := p.take()
	if err != nil {
		return err
	}
	if err := p.solve(s, from); err != nil {
		p.put(s)
		return err
	}
	copy(out, s.states[len(s.states)-len(out):])
	p.put(s)
	return nil
}

func (p *pool[T]) backward(in []G.Value, cotangent G.Value) (any, error) {
	from, err := p.inputs(in)
	if err != nil {
		return nil, err
	}
	packed := make([]T, p.dim+p.params())
	if err := p.backwardInto(packed, from, nil, cotangent); err != nil {
		return nil, err
	}
	return packed, nil
}

// backwardInto is backward on flat memory. The cotangent is flat, or, if that is nil, a value.
func (p *pool[T]) backwardInto(packed []T, from inputs[T], flat []T, cotangent G.Value) error {
	s := p.find(from)
	if s == nil {
		var err error
		if s, err = p.take(); err != nil {
			return err
		}
		if err := p.solve(s, from); err != nil {
			p.put(s)
			return err
		}
	}
	dys := s.dys
	if p.cfg.Final {
		dys = dys[len(dys)-p.dim:]
	}
	var err error
	if flat != nil {
		copy(dys, flat)
	} else {
		err = read(dys, cotangent)
	}
	if err == nil {
		clear(packed)
		own := p.dim + p.prototype.NumParams()
		s.grad.Y0, s.grad.Theta, s.grad.Events = packed[:p.dim:p.dim], packed[p.dim:own:own], packed[own:]
		err = s.backward(p.context())
	}
	s.grad.Y0, s.grad.Theta, s.grad.Events = nil, nil, nil
	s.spent = true
	p.mu.Lock()
	_, p.bwd = s.stats()
	p.mu.Unlock()
	p.put(s)
	return err
}

// solve makes s's trajectory the one from these inputs.
func (p *pool[T]) solve(s *solver[T], from inputs[T]) error {
	s.warm, s.spent = false, false
	from.copy(s.y0, s.theta, p.layout)
	if p.events.params > 0 {
		copy(s.field.Params(), s.theta)
	}
	err := s.forward(p.context(), p.cfg.Times)
	p.mu.Lock()
	p.fwd, _ = s.stats()
	p.mu.Unlock()
	s.warm = err == nil
	return err
}

// inputs are the elements of the initial state and of each parameter, in row-major order:
// the memory of the values where that is their order, not to be kept.
type inputs[T graph.Float] [][]T

func (p *pool[T]) inputs(in []G.Value) (inputs[T], error) {
	from := make(inputs[T], len(in))
	var err error
	if from[0], err = elements[T](in[0], p.dim); err != nil {
		return nil, fmt.Errorf("u0: %w", err)
	}
	for i, param := range p.layout {
		if from[i+1], err = elements[T](in[i+1], tensor.Shape(param.Shape).TotalSize()); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", param.Name, err)
		}
	}
	return from, nil
}

// copy copies to y0 and flat θ.
func (in inputs[T]) copy(y0, theta []T, layout []graph.Param) {
	copy(y0, in[0])
	for i, param := range in[1:] {
		copy(theta[layout[i].Offset:], param)
	}
}

// same reports whether y0 and flat θ hold the same bits.
func (in inputs[T]) same(y0, theta []T, layout []graph.Param) bool {
	if !sameBits(in[0], y0) {
		return false
	}
	for i, param := range in[1:] {
		if !sameBits(param, theta[layout[i].Offset:][:len(param)]) {
			return false
		}
	}
	return true
}

// elements returns the elements of v, of which there are size: v's own memory if they lie
// in row-major order.
func elements[T graph.Float](v G.Value, size int) ([]T, error) {
	if d, ok := v.(*tensor.Dense); ok {
		if data, ok := d.Data().([]T); ok && len(data) == size && contiguous(d.Shape(), d.Strides()) {
			return data, nil
		}
	}
	copied := make([]T, size)
	return copied, read(copied, v)
}

// contiguous reports whether strides are those of a row-major tensor.
func contiguous(shape tensor.Shape, strides []int) bool {
	size := 1
	for axis := len(shape) - 1; axis >= 0; axis-- {
		if axis >= len(strides) || strides[axis] != size {
			return false
		}
		size *= shape[axis]
	}
	return true
}

func (p *pool[T]) unpack(packed G.Value, offset, size int) (any, error) {
	part := make([]T, size)
	if err := readPart(part, packed, offset, p.dim+p.params()); err != nil {
		return nil, err
	}
	return part, nil
}

func (p *pool[T]) accumulate(gradient G.Value, packed any, offset int) error {
	d, ok := gradient.(*tensor.Dense)
	if !ok || d.RequiresIterator() {
		return fmt.Errorf("a gradient of %T cannot be added to", gradient)
	}
	sum, ok := d.Data().([]T)
	if !ok {
		return fmt.Errorf("a gradient of %v cannot be added to", d.Dtype())
	}
	for i, g := range packed.([]T)[offset : offset+len(sum)] {
		sum[i] += g
	}
	return nil
}

// read copies the elements of a value in row-major order; the value may be a view.
func read[T graph.Float](dst []T, v G.Value) error { return readPart(dst, v, 0, len(dst)) }

// readPart is read for the elements from offset on, of a value that has total.
func readPart[T graph.Float](dst []T, v G.Value, offset, total int) error {
	d, ok := v.(*tensor.Dense)
	if !ok {
		return fmt.Errorf("the value is a %T, want a tensor", v)
	}
	src, ok := d.Data().([]T)
	shape, strides := d.Shape(), d.Strides()
	if !ok || shape.TotalSize() != total || len(strides) != len(shape) {
		return fmt.Errorf("the value has shape %v and strides %v of %v, want %d elements of %T", shape, strides, d.Dtype(), total, *new(T))
	}
	if contiguous(shape, strides) {
		copy(dst, src[offset:])
		return nil
	}
	for i := range dst {
		at, rest := 0, offset+i
		for axis := len(shape) - 1; axis >= 0; axis-- {
			at += rest % shape[axis] * strides[axis]
			rest /= shape[axis]
		}
		dst[i] = src[at]
	}
	return nil
}

// sameBits reports whether a and b, of equal length, hold the same bits.
func sameBits[T graph.Float](a, b []T) bool {
	for i, v := range a {
		// Widening to float64 is one to one.
		if math.Float64bits(float64(v)) != math.Float64bits(float64(b[i])) {
			return false
		}
	}
	return true
}

var (
	_ solves                         = (*pool[float32])(nil)
	_ odeint.Differentiable[float32] = graph.CompiledField[float32](nil)
	_ odeint.Differentiable[float64] = graph.CompiledField[float64](nil)
)
