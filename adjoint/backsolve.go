package adjoint

import "github.com/neuralode/neuralode/odeint"

// newBacksolve returns the second pass of Backsolve.
func newBacksolve[T odeint.Float](f odeint.Differentiable[T], forward *odeint.Options, m Backsolve) (*continuous[T], []string) {
	n := f.Dim()
	a := augmented[T]{f: f, n: n, lam: make([]T, n)}
	return newContinuous(a, 2*n, forward, m.Solve, m.ParamsInNorm)
}
