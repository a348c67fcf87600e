package odeint

import (
	"github.com/neuralode/neuralode/internal/vec"
)

// Separable is a vector field whose two halves can be evaluated apart:
//
//	dq/dt = Drift(t, p) = ∂T/∂p,   dp/dt = Kick(t, q) = −∂V/∂q
//
// for H = T(p, t) + V(q, t). It is what a Splitting needs. The state is a row-major
// (batch, 2n) array with 2n = SampleDim: every row has its n components of q, then its
// n of p. Eval gives both slopes at once, and is used for dense output alone.
type Separable[T Float] interface {
	VectorField[T]
	Batched

	// Drift stores dq/dt in dq. Both slices are row-major (batch, n) arrays that do
	// not overlap. It must not modify p and must not keep either slice.
	Drift(dq []T, t float64, p []T)

	// Kick stores dp/dt in dp, with the same contract.
	Kick(dp []T, t float64, q []T)
}

// NewSeparable returns the separable field of batch samples with n pairs each, made
// of two functions with the contracts of Separable.Drift and Separable.Kick.
func NewSeparable[T Float](batch, n int, drift, kick func(dst []T, t float64, x []T)) Separable[T] {
	if drift == nil || kick == nil {
		panic("odeint: nil function")
	}
	if batch < 1 || n < 1 {
		panic("odeint: a separable field needs at least one sample and one pair")
	}
	return &separableFunc[T]{
		batch: batch, n: n, drift: drift, kick: kick,
		in: make([]T, 2*batch*n), out: make([]T, 2*batch*n),
	}
}

type separableFunc[T Float] struct {
	batch, n    int
	drift, kick func(dst []T, t float64, x []T)
	in, out     []T // (q | p) and its slopes
}

func (f *separableFunc[T]) Dim() int { return 2 * f.batch * f.n }

func (f *separableFunc[T]) SampleDim() int { return 2 * f.n }

func (f *separableFunc[T]) Drift(dq []T, t float64, p []T) { f.drift(dq, t, p) }

func (f *separableFunc[T]) Kick(dp []T, t float64, q []T) { f.kick(dp, t, q) }

func (f *separableFunc[T]) Eval(dydt []T, t float64, y []T) {
	half := f.batch * f.n
	vec.Unpair(f.in, y, f.n)
	f.drift(f.out[:half], t, f.in[half:])
	f.kick(f.out[half:], t, f.in[:half])
	vec.Pair(dydt, f.out, f.n)
}
