package adjoint

import "github.com/neuralode/neuralode/odeint"

// Cost is a running cost g(t, y; θ) along a solve, of the same θ as the field's.
type Cost[T odeint.Float] interface {
	// Eval returns g(t, y). It must not modify y.
	Eval(t float64, y []T) T

	// VJP stores w·∂g/∂y in dy and adds w·∂g/∂θ to dtheta (nil: not wanted). It must
	// not modify y.
	VJP(dy, dtheta []T, t float64, y []T, w T)
}

// WithCost returns f with the running cost c as one more component at the end of the
// state: z = (y, ∫g dt), of length f.Dim()+1. Start it with 0; its saved values are
// the integrals from the first time on, and a loss that contains the whole cost has
// the cotangent 1 in the last component of the last saved row. It has its part in the
// error norm; set ErrDim to f.Dim() to leave it out.
func WithCost[T odeint.Float](f odeint.Differentiable[T], c Cost[T]) odeint.Differentiable[T] {
	if f == nil || c == nil {
		panic("adjoint: WithCost of a nil field or cost")
	}
	return &costField[T]{f: f, c: c, n: f.Dim(), dy: make([]T, f.Dim())}
}

// costField is dy/dt = f(t, y), dc/dt = g(t, y).
type costField[T odeint.Float] struct {
	f odeint.Differentiable[T]
	c Cost[T]
	n int

	dy []T // of the cost alone
}

func (z *costField[T]) Dim() int { return z.n + 1 }

func (z *costField[T]) NumParams() int { return z.f.NumParams() }

func (z *costField[T]) Eval(dydt []T, t float64, y []T) {
	z.f.Eval(dydt[:z.n], t, y[:z.n])
	dydt[z.n] = z.c.Eval(t, y[:z.n])
}

func (z *costField[T]) VJP(dydt, dy, dtheta []T, t float64, y, lambda []T) {
	n := z.n
	var inner []T
	if dydt != nil {
		inner = dydt[:n]
		dydt[n] = z.c.Eval(t, y[:n])
	}
	z.f.VJP(inner, dy[:n], dtheta, t, y[:n], lambda[:n])
	if w := lambda[n]; w != 0 {
		z.c.VJP(z.dy, dtheta, t, y[:n], w)
		add(dy[:n], z.dy)
	}
	dy[n] = 0
}

// Err passes on the field's own error.
func (z *costField[T]) Err() error {
	if f, ok := z.f.(odeint.Fallible); ok {
		return f.Err()
	}
	return nil
}

// Jumps passes on the field's.
func (z *costField[T]) Jumps() []float64 { return odeint.Jumps[T](z.f) }
