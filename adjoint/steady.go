package adjoint

import (
	"errors"
	"math"

	"github.com/neuralode/neuralode/internal/lu"
	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// ErrSingular is a steady state whose Jacobian is singular: it does not determine how the state depends
// on θ.
var ErrSingular = errors.New("adjoint: the Jacobian at the steady state is singular, so that the state is no function of θ there")

// SteadyState takes ∂L/∂y = dy back through a steady state y of f, where f(t, y; θ) = 0, as
// odeint.SteadyState finds it: by the implicit function theorem, whatever the way on which it was found,
//
//	(∂f/∂y)ᵀ z = −dy,   dtheta += (∂f/∂θ)ᵀ z.
//
// L does not depend on where the search started. The system is of the size of a sample. The error is
// ErrSingular or a NonFiniteError.
func SteadyState[T odeint.Float](f odeint.Differentiable[T], t float64, y, dy, dtheta []T) error {
	n, m := f.Dim(), odeint.SampleDim[T](f)
	if len(y) != n || len(dy) != n || len(dtheta) != f.NumParams() {
		panic("adjoint: lengths that do not fit the field")
	}
	if m < 1 || n%m != 0 || lu.Fault(m, 1) != "" {
		return &odeint.OptionError{Faults: []string{"VectorField: its samples are too large, or do not divide its dimension"}}
	}
	p := &pass[T]{f: f, n: n}
	blocks := lu.NewBlocks(m, n/m)
	z, r, row := make([]T, n), make([]T, n), make([]T, n)
	if err := jacobianBlocks(p, f, t, y, blocks.J(), m, make([]T, n), row); err != nil {
		return err
	}
	norm := 0.0
	for _, a := range blocks.J() {
		norm = max(norm, math.Abs(a))
	}
	// I − c·J with a c so large that I does not matter, and the rest by refinement.
	c := 1e12 / norm
	if norm == 0 || !blocks.Factorise(c) {
		return ErrSingular
	}
	x := make([]float64, n)
	last := math.Inf(1)
	for range 20 {
		f.VJP(nil, r, nil, t, y, z)
		for i := range r {
			x[i] = c * (float64(r[i]) + float64(dy[i]))
		}
		blocks.Solve(x, true)
		change, size := 0.0, 0.0
		for i, d := range x {
			z[i] += T(d)
			change, size = max(change, math.Abs(d)), max(size, math.Abs(float64(z[i])))
		}
		if !vec.Finite(z) {
			return ErrSingular
		}
		eps := vec.Epsilon[T]()
		if change <= 4*eps*size || change >= 0.5*last && change <= math.Sqrt(eps)*size {
			f.VJP(nil, row, dtheta, t, y, z)
			if !vec.Finite(dtheta) {
				return p.nonFinite("the gradient", t, dtheta)
			}
			return nil
		}
		last = change
	}
	return ErrSingular
}
