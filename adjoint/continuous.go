package adjoint

import (
	"context"

	"github.com/neuralode/neuralode/odeint"
)

// augmented is the right-hand side of the adjoint equation,
//
//	dλ/dt = −(∂f/∂y)ᵀ λ,   dμ/dt = −(∂f/∂θ)ᵀ λ,
//
// for a state z = (λ) with y from the dense output, or z = (λ, y) with dy/dt = f.
type augmented[T odeint.Float] struct {
	f     odeint.Differentiable[T]
	n     int
	path  *odeint.Solution[T] // where y(t) comes from; nil: from the state
	y     []T                 // y(t) of the path
	keeps bool                // y(t) serves again at the same t: the path does not change
	at    float64             // its t; NaN: none
	lam   []T                 // scaled λ
	jumps []float64
	err   error // of the path, since the last call of Err
}

// rhs stores the derivative of (λ) or (λ, y) in dz and adds w times that of μ to
// dmu. VJP is linear in λ, so w goes into it and no vector of θ's length is needed.
func (a *augmented[T]) rhs(dz, dmu []T, t float64, z []T, w float64) {
	n := a.n
	y, dydt := a.y, []T(nil)
	if a.path == nil {
		y, dydt = z[n:2*n], dz[n:2*n]
	} else if !a.keeps || t != a.at {
		a.at = t
		if err := a.path.At(y, t); err != nil && a.err == nil {
			a.err = err
		}
	}
	for i, l := range z[:n] {
		a.lam[i] = T(-w) * l
	}
	a.f.VJP(dydt, dz[:n], dmu, t, y, a.lam)
	if w != 1 {
		for i := range n {
			dz[i] /= T(w)
		}
	}
}

// Err returns why the last evaluation failed.
func (a *augmented[T]) Err() error {
	err := a.err
	a.err = nil
	if f, ok := a.f.(odeint.Fallible); ok {
		if e := f.Err(); err == nil {
			err = e
		}
	}
	return err
}

// Jumps passes on the field's, and the times at which events change the path.
func (a *augmented[T]) Jumps() []float64 {
	jumps := odeint.Jumps[T](a.f)
	if a.path == nil || len(a.path.Events) == 0 {
		return jumps
	}
	a.jumps = a.eventTimes(append(a.jumps[:0], jumps...))
	return a.jumps
}

// seminorm leaves μ out of the state: a step's share is gathered in pending,
// with the weights of the method, and joins μ when the step is accepted.
type seminorm[T odeint.Float] struct {
	augmented[T]
	dim     int
	pending []T
	mu      []T
}

func (s *seminorm[T]) Dim() int { return s.dim }

func (s *seminorm[T]) Eval(dz []T, t float64, z []T) { s.rhs(dz, nil, t, z, 1) }

// EvalWeighted, Commit and Discard implement odeint.Quadrature.
func (s *seminorm[T]) EvalWeighted(dz []T, t float64, z []T, w float64) {
	if T(w) == 0 {
		s.rhs(dz, nil, t, z, 1)
		return
	}
	s.rhs(dz, s.pending, t, z, w)
}

func (s *seminorm[T]) Commit() {
	add(s.mu, s.pending)
	clear(s.pending)
}

func (s *seminorm[T]) Discard() { clear(s.pending) }

// fullNorm has μ at the end of the state.
type fullNorm[T odeint.Float] struct {
	augmented[T]
	dim    int // of the state before μ
	params int
}

func (s *fullNorm[T]) Dim() int { return s.dim + s.params }

func (s *fullNorm[T]) Eval(dz []T, t float64, z []T) {
	dmu := dz[s.dim:]
	clear(dmu)
	s.rhs(dz[:s.dim], dmu, t, z[:s.dim], 1)
}

// stiffOrder is the order of a method that solves with the Jacobian, or 0 for others.
func stiffOrder(m odeint.Method) int {
	switch m := m.(type) {
	case *odeint.ESDIRK:
		return m.Order
	case *odeint.Rosenbrock:
		return m.Order
	case odeint.Auto:
		nonStiff, stiff := m.Methods()
		return max(nonStiff.Order, stiffOrder(stiff))
	}
	return 0
}

// continuous is the second pass of Interpolating and Backsolve: the adjoint equation,
// solved backwards from one saved time to another.
type continuous[T odeint.Float] struct {
	resets bool         // y is part of the state
	every  bool         // stop at every saved time, not only at those with a cotangent
	params int          // the length of μ at the end of the state
	semi   *seminorm[T] // nil: μ is part of the state, or for gauss
	gauss  *quadrature[T]
	in     *odeint.Integrator[T]
	fixed  bool    // steps have a fixed size
	h0     float64 // of the options
	span   [2]float64
	piece  odeint.Solution[T]
	z      []T
}

// newContinuous returns the pass for a right-hand side with a state of length dim,
// μ apart.
func newContinuous[T odeint.Float](a augmented[T], dim int, forward, own *odeint.Options, inNorm bool) (*continuous[T], []string) {
	var bad []string
	opt := backwardOptions(forward, own, a.path != nil)
	if own != nil && !savesNothing(own) {
		bad = append(bad, "backward solve: "+keptFault)
	}
	opt.SaveAt, opt.EndAtNaN = odeint.SaveAt{}, true // what is not finite here is a fault of the products
	c := &continuous[T]{resets: a.path == nil}
	params := a.f.NumParams()
	var field odeint.VectorField[T]
	if order := stiffOrder(opt.Method); order > 0 && a.path != nil && !inNorm {
		c.gauss = newQuadrature(a, order)
		field, opt.SaveAt = c.gauss, odeint.SaveAt{Keep: odeint.Dense}
	} else if inNorm {
		c.params = params
		field = &fullNorm[T]{augmented: a, dim: dim, params: params}
	} else {
		c.semi = &seminorm[T]{augmented: a, dim: dim, pending: make([]T, params)}
		field = c.semi
	}
	c.z = make([]T, field.Dim())
	var err error
	if c.in, err = odeint.New(field, opt); err != nil {
		for _, fault := range faultsOf(err) {
			bad = append(bad, "backward solve: "+fault)
		}
	}
	if bad != nil {
		return nil, bad
	}
	opt = c.in.Options()
	_, c.fixed = opt.Controller.(odeint.Fixed)
	c.h0 = opt.H0
	// A number of fixed steps is one between saved times.
	c.every = c.resets || opt.Steps > 0
	return c, nil
}

func (c *continuous[T]) run(ctx context.Context, p *pass[T]) error {
	if p.ev != nil && len(p.sol.Events) > 0 {
		return c.runEvents(ctx, p, p.ev)
	}
	c.begin(p)
	for i := p.last; i > 0; {
		next := c.next(p, i)
		if err := c.solve(ctx, p, i, next); err != nil {
			return err
		}
		i = next
	}
	c.end(p)
	return nil
}

// begin prepares for a pass.
func (c *continuous[T]) begin(p *pass[T]) {
	clear(c.z)
	if c.semi != nil {
		c.semi.mu = p.grad.Theta
		c.semi.Discard()
	}
	if c.gauss != nil {
		c.gauss.start(p.sol)
	}
	if !c.fixed {
		c.in.SetH0(c.h0)
	}
}

// end hands over what came out.
func (c *continuous[T]) end(p *pass[T]) {
	copy(p.lambda, c.z)
	if c.params > 0 {
		copy(p.grad.Theta, c.z[len(c.z)-c.params:])
	}
}

// next returns the saved time, before time i, at which λ jumps or y is reset, or 0.
func (c *continuous[T]) next(p *pass[T], i int) int {
	for i--; i > 0 && !p.live[i] && !c.every; i-- {
	}
	return i
}

// solve takes z over its jump at saved time i and solves back to saved time j.
func (c *continuous[T]) solve(ctx context.Context, p *pass[T], i, j int) error {
	add(c.z[:p.n], p.row(i))
	if c.resets {
		copy(c.z[p.n:], p.sol.Row(i))
	}
	return c.piecewise(ctx, p, p.sol.T[i], p.sol.T[j])
}

func (c *continuous[T]) bytes() int {
	n := sizeOf[T](len(c.z)) + c.piece.Bytes() + c.in.Bytes()
	if c.semi != nil {
		n += sizeOf[T](len(c.semi.pending))
	}
	if c.gauss != nil {
		n += c.gauss.bytes()
	}
	return n
}
