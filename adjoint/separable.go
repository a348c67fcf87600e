package adjoint

import "github.com/neuralode/neuralode/odeint"

// Separable is a separable field dq/dt = Drift(t, p; θ), dp/dt = Kick(t, q; θ) with
// the vector-Jacobian products of its halves, as Discrete needs it to reverse an
// odeint.Splitting. All slices of the halves are row-major (batch, n) arrays with
// n = SampleDim()/2; what is stored does not overlap what is read.
type Separable[T odeint.Float] interface {
	odeint.Separable[T]
	odeint.Differentiable[T]

	// DriftVJP stores λᵀ∂Drift/∂p in dp and adds λᵀ∂Drift/∂θ to dtheta (nil: not
	// wanted). dq/dt, met on the way, is stored in dq. It must not modify p or lambda.
	DriftVJP(dq, dp, dtheta []T, t float64, p, lambda []T)

	// KickVJP stores λᵀ∂Kick/∂q in dq and adds λᵀ∂Kick/∂θ to dtheta (nil: not
	// wanted). dp/dt, met on the way, is stored in dp. It must not modify q or lambda.
	KickVJP(dp, dq, dtheta []T, t float64, q, lambda []T)
}
