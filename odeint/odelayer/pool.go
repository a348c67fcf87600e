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
	adj    *adjoint.Solver[T]
	y0     []T  // where the trajectory starts; its θ is the field's
	warm   bool // there is a trajectory
	spent  bool // a gradient was taken of it
	states []T  // the saved states of the trajectory, in adj's memory
	grad   adjoint.Gradient[T]
	dys    []T // cotangents of all saved states
}

// pool hands out solvers to the ops of one layer.
type pool[T graph.Float] struct {
	cfg Config
	dim int

	mu           sync.Mutex
	prototype    graph.CompiledField[T] // never solved with
	idle         []*solver[T]           // the longest unused first
	applications int
	misses       int // gradients that found no trajectory
	fwd, bwd     adjoint.Stats
}

func newPool[T graph.Float](field graph.CompiledField[T], cfg Config) (*pool[T], error) {
	p := &pool[T]{cfg: cfg, prototype: field, dim: field.Dim()}
	s, err := p.newSolver() // which also checks the options
	if err != nil {
		return nil, err
	}
	p.idle = append(p.idle, s)
	return p, nil
}

func (p *pool[T]) newSolver() (*solver[T], error) {
	field := p.prototype.CloneField()
	adj, err := adjoint.New[T](field, p.cfg.Solve, p.cfg.Adjoint)
	if err != nil {
		return nil, err
	}
	return &solver[T]{field: field, adj: adj, y0: make([]T, p.dim), dys: make([]T, len(p.cfg.Times)*p.dim)}, nil
}

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

// find returns an idle solver with the trajectory from y0 and θ, or nil.
func (p *pool[T]) find(y0, theta []T) *solver[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.idle, func(s *solver[T]) bool {
		return s.warm && sameBits(s.y0, y0) && sameBits(s.field.Params(), theta)
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
	y0, theta, err := p.inputs(in)
	if err != nil {
		return nil, err
	}
	s, err := p.take()
	if err != nil {
		return nil, err
	}
	if err := p.solve(s, y0, theta); err != nil {
		p.put(s)
		return nil, err
	}
	states := s.states
	if p.cfg.Final {
		states = states[len(states)-p.dim:]
	}
	out := slices.Clone(states)
	p.put(s)
	return out, nil
}

func (p *pool[T]) backward(in []G.Value, cotangent G.Value) (any, error) {
	y0, theta, err := p.inputs(in)
	if err != nil {
		return nil, err
	}
	s := p.find(y0, theta)
	if s == nil {
		if s, err = p.take(); err != nil {
			return nil, err
		}
		if err := p.solve(s, y0, theta); err != nil {
			p.put(s)
			return nil, err
		}
	}
	dys := s.dys
	if p.cfg.Final {
		dys = dys[len(dys)-p.dim:]
	}
	if err = read(dys, cotangent); err == nil {
		err = s.adj.Backward(context.Background(), &s.grad, s.dys)
	}
	s.spent = true
	packed := slices.Concat(s.grad.Y0, s.grad.Theta)
	p.mu.Lock()
	_, p.bwd = s.adj.Stats()
	p.mu.Unlock()
	p.put(s)
	if err != nil {
		return nil, err
	}
	return packed, nil
}

// solve makes s's trajectory the one from y0 with θ.
func (p *pool[T]) solve(s *solver[T], y0, theta []T) error {
	s.warm, s.spent = false, false
	copy(s.y0, y0)
	copy(s.field.Params(), theta)
	sol, err := s.adj.Forward(context.Background(), p.cfg.Times, s.y0)
	p.mu.Lock()
	p.fwd, _ = s.adj.Stats()
	p.mu.Unlock()
	if err != nil {
		return err
	}
	s.warm, s.states = true, sol.Y
	return nil
}

// inputs returns copies of the initial state and of the parameters as flat θ.
func (p *pool[T]) inputs(in []G.Value) (y0, theta []T, err error) {
	y0, theta = make([]T, p.dim), make([]T, p.prototype.NumParams())
	if err := read(y0, in[0]); err != nil {
		return nil, nil, fmt.Errorf("u0: %w", err)
	}
	for i, param := range p.prototype.Layout() {
		size := tensor.Shape(param.Shape).TotalSize()
		if err := read(theta[param.Offset:param.Offset+size], in[i+1]); err != nil {
			return nil, nil, fmt.Errorf("parameter %s: %w", param.Name, err)
		}
	}
	return y0, theta, nil
}

func (p *pool[T]) unpack(packed G.Value, offset, size int) (any, error) {
	part := make([]T, size)
	if err := readPart(part, packed, offset, p.dim+p.prototype.NumParams()); err != nil {
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
	contiguous, size := true, 1
	for axis := len(shape) - 1; axis >= 0; axis-- {
		contiguous = contiguous && strides[axis] == size
		size *= shape[axis]
	}
	if contiguous {
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
