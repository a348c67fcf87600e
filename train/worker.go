package train

import (
	"slices"
	"sync"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint"
)

// worker is what one goroutine needs to solve for a batch of samples.
type worker[T Float] struct {
	field     Field[T]
	predictor *odeint.Integrator[T]
	sol       odeint.Solution[T] // of predictor
	solver    *adjoint.Solver[T]
	grad      adjoint.Gradient[T]
	dys       []T
	apart     *apart[T] // nil: not needed so far
}

// proto makes workers for one batch size and keeps those that are idle.
type proto[T Float] struct {
	batch int

	mu    sync.Mutex
	field Field[T] // is cloned, and never evaluated if it can be cloned
	given bool     // it cannot, and the first worker has it
	idle  []*worker[T]
}

// maxProtos is how many batch sizes a model keeps compiled.
const maxProtos = 16

// proto returns the maker of workers for a batch size.
func (m *Model[T]) proto(batch int) (*proto[T], error) {
	m.pools.Lock()
	defer m.pools.Unlock()
	i := slices.IndexFunc(m.protos, func(p *proto[T]) bool { return p.batch == batch })
	if i >= 0 {
		p := m.protos[i]
		m.protos = append(slices.Delete(m.protos, i, i+1), p)
		return p, nil
	}
	field, err := m.compile(batch)
	if err != nil {
		return nil, err
	}
	p := &proto[T]{batch: batch, field: field}
	if len(m.protos) == maxProtos {
		m.protos = slices.Delete(m.protos, 0, 1)
	}
	m.protos = append(m.protos, p)
	return p, nil
}

// take returns a worker that belongs to the caller until it is given back.
func (p *proto[T]) take(m *Model[T]) (*worker[T], error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return w, nil
	}
	field, err := p.another(m)
	if err != nil {
		return nil, err
	}
	return newWorker(m, field, p.batch)
}

// another returns a field that nobody else has.
func (p *proto[T]) another(m *Model[T]) (Field[T], error) {
	if c, ok := p.field.(graph.CompiledField[T]); ok {
		return c.CloneField(), nil
	}
	if !p.given {
		p.given = true
		return p.field, nil
	}
	m.pools.Lock()
	defer m.pools.Unlock()
	return m.compile(p.batch)
}

// give takes a worker back.
func (p *proto[T]) give(w *worker[T]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, w)
}

func newWorker[T Float](m *Model[T], field Field[T], batch int) (*worker[T], error) {
	opt := m.cfg.Solve
	tile := func(tol []float64) []float64 {
		if len(tol) != m.dim || batch == 1 {
			return tol
		}
		return slices.Repeat(tol, batch)
	}
	opt.RTols, opt.ATols = tile(opt.RTols), tile(opt.ATols)
	w := &worker[T]{field: field}
	var err error
	if w.predictor, err = odeint.New[T](field, opt); err != nil {
		return nil, err
	}
	if w.solver, err = adjoint.New[T](field, opt, m.cfg.Adjoint); err != nil {
		return nil, err
	}
	return w, nil
}
