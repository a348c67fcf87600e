package odeint

import (
	"math"
)

// Float is the set of types a state may be made of. Time, tolerances and
// coefficients are float64 always.
type Float interface{ ~float32 | ~float64 }

// VectorField is the right-hand side of dy/dt = f(t, y).
//
// The state is a flat slice; the field decides what its components mean.
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

// Parametrised is a differentiable field that gives access to its parameters, as those
// who train it need.
type Parametrised[T Float] interface {
	Differentiable[T]

	// Params is θ itself, of length NumParams: writing to it changes the field. It is
	// always the same slice.
	Params() []T
}

// Forward is implemented by vector fields with Jacobian-vector products (forward mode). A
// method that needs ∂f/∂y, such as Newton, takes them where a field is not Differentiable.
type Forward[T Float] interface {
	// JVP stores ∂f/∂y v in ddydt: how dydt changes as y moves along v. All slices have
	// length Dim and do not overlap. It must not modify y or v.
	JVP(ddydt []T, t float64, y, v []T)
}

// TwiceDifferentiable is a differentiable vector field with the derivatives of its
// Jacobian-vector products: a Rosenbrock method has the Jacobian in its formula, and adjoint.Discrete
// needs them to reverse it.
type TwiceDifferentiable[T Float] interface {
	Differentiable[T]

	// TangentVJP stores the derivative of λᵀ(∂f/∂y)v with respect to y in dy and adds that with
	// respect to θ to dtheta. A nil dtheta is not wanted. It is linear in v and in lambda and must not
	// modify them or y.
	TangentVJP(dy, dtheta []T, t float64, y, v, lambda []T)
}

// Autonomous is implemented by vector fields that know whether f depends on the time. A method
// that needs ∂f/∂t, such as Rodas5P, evaluates f at other times if it may.
type Autonomous interface {
	// Autonomous reports whether f(t, y) is the same at all t.
	Autonomous() bool
}

// Fallible is implemented by vector fields whose evaluation can fail. After a
// failure Eval fills its destination with NaN; the solve, which stops at the
// first value that is not finite, then reports what Err returns.
type Fallible interface {
	// Err returns the first error since the last call of Err, or nil.
	Err() error
}

// Quadrature is implemented by vector fields that integrate something else along
// the way, g(t, y), which is too large to be stored stage by stage: the gradient
// with respect to many parameters, for one. A Runge–Kutta step of size h then
// calls EvalWeighted with w = h·B_i for each of its stages, and Commit or Discard
// once when the step is accepted or rejected. The sum of w·g over the accepted
// steps is the method's own approximation of ∫ g dt. No stage is carried over
// from one step to the next; dense stages use Eval.
type Quadrature[T Float] interface {
	// EvalWeighted does what Eval does and adds w·g(t, y) to what is pending.
	EvalWeighted(dydt []T, t float64, y []T, w float64)

	// Commit adds what is pending to the result.
	Commit()

	// Discard forgets what is pending.
	Discard()
}

// Batched is implemented by vector fields whose state is several samples of one system:
// a row-major (batch, SampleDim) array. A field without it is one sample. The methods
// that work on pairs (q, p), Splitting and Tao, find them in each sample: the first
// half of it is q, the second p.
type Batched interface {
	// SampleDim is the length of the state of one sample, a divisor of Dim.
	SampleDim() int
}

// SampleDim returns the length of the state of one sample of f: what f says if it is
// Batched, otherwise Dim.
func SampleDim[T Float](f VectorField[T]) int {
	if b, ok := f.(Batched); ok {
		return b.SampleDim()
	}
	return f.Dim()
}

// Discontinuous is implemented by vector fields that know the times at which they, or
// one of their derivatives, are discontinuous: those of the knots of an input, for
// instance. A solve asks at its start and treats them like Options.Jumps.
type Discontinuous interface {
	// Jumps returns the times in any order. The caller must not change them.
	Jumps() []float64
}

// Jumps returns the jumps of f: what f says if it is Discontinuous, otherwise none.
func Jumps[T Float](f VectorField[T]) []float64 {
	if d, ok := f.(Discontinuous); ok {
		return d.Jumps()
	}
	return nil
}

// NewFunc returns the vector field of dimension dim that f evaluates; f has the
// contract of VectorField.Eval.
func NewFunc[T Float](dim int, f func(dydt []T, t float64, y []T)) VectorField[T] {
	if f == nil {
		panic("odeint: nil function")
	}
	return &funcField[T]{dim: dim, f: f}
}

type funcField[T Float] struct {
	dim int
	f   func(dydt []T, t float64, y []T)
}

func (f *funcField[T]) Dim() int { return f.dim }

func (f *funcField[T]) Eval(dydt []T, t float64, y []T) { f.f(dydt, t, y) }

// NewFallibleFunc is NewFunc for functions that can fail. The first error ends
// the solve, which returns it inside a StepError.
func NewFallibleFunc[T Float](dim int, f func(dydt []T, t float64, y []T) error) VectorField[T] {
	if f == nil {
		panic("odeint: nil function")
	}
	return &fallibleFunc[T]{dim: dim, f: f}
}

type fallibleFunc[T Float] struct {
	dim int
	f   func(dydt []T, t float64, y []T) error
	err error
}

func (f *fallibleFunc[T]) Dim() int { return f.dim }

func (f *fallibleFunc[T]) Eval(dydt []T, t float64, y []T) {
	err := f.f(dydt, t, y)
	if err == nil {
		return
	}
	if f.err == nil {
		f.err = err
	}
	for i := range dydt {
		dydt[i] = T(math.NaN())
	}
}

func (f *fallibleFunc[T]) Err() error {
	err := f.err
	f.err = nil
	return err
}
