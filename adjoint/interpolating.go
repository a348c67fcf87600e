package adjoint

import "github.com/neuralode/neuralode/odeint"

// newInterpolating returns the second pass of Interpolating along path, which will
// hold the dense output of the forward solve.
func newInterpolating[T odeint.Float](f odeint.Differentiable[T], path *odeint.Solution[T], forward *odeint.Options, m Interpolating) (*continuous[T], []string) {
	n := f.Dim()
	a := augmented[T]{f: f, n: n, path: path, y: make([]T, n), lam: make([]T, n)}
	return newContinuous(a, n, forward, m.Solve, m.ParamsInNorm)
}
