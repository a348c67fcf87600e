package odeint

// Float is the set of types a state may be made of. Time, tolerances and
// coefficients are float64 always.
type Float interface{ ~float32 | ~float64 }

// VectorField is the right-hand side of dy/dt = f(t, y).
//
// The state is a flat slice; what its components mean is the field's affair.
// One value is used by one goroutine at a time.
type VectorField[T Float] interface {
	// Dim is the length of the state. It does not change.
	Dim() int

	// Eval stores f(t, y) in dydt. Both slices have length Dim and do not
	// overlap. Eval must not modify y and must not keep either slice.
	Eval(dydt []T, t float64, y []T)
}

// Differentiable is a vector field f(t, y; θ) with its vector-Jacobian
// products, as the adjoint methods need it.
type Differentiable[T Float] interface {
	VectorField[T]

	// NumParams is the length of θ. It does not change.
	NumParams() int

	// VJP stores λᵀ∂f/∂y in dy and adds λᵀ∂f/∂θ to dtheta. A nil dtheta is not
	// wanted. f(t, y), met on the way, is stored in dydt unless dydt is nil.
	// VJP is linear in lambda and must not modify y or lambda.
	VJP(dydt, dy, dtheta []T, t float64, y, lambda []T)
}

// Fallible is implemented by vector fields whose evaluation can fail. After a
// failure Eval fills its destination with NaN; the solve, which stops at the
// first value that is not finite, then reports what Err returns.
type Fallible interface {
	// Err returns the first error since the last call of Err, or nil.
	Err() error
}
