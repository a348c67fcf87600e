package hnn

import (
	"math"

	"github.com/neuralode/neuralode/graph"
)

// Float is the set of types a compiled field may be made of.
type Float = graph.Float

// Differentiable is a vector field with its vector-Jacobian products:
// *graph.Field, or any odeint.Differentiable.
type Differentiable[T Float] interface {
	Dim() int
	NumParams() int
	Eval(dydt []T, t float64, y []T)
	VJP(dydt, dy, dtheta []T, t float64, y, lambda []T)
}

// Matching is the loss of derivative matching,
//
//	L(θ) = mean ((f(z; θ) − ż) / Scale)²
//
// over samples and components: the way of training that needs no solver. With
// measured derivatives it is the loss of Greydanus, Dzamba and Yosinski (2019);
// the derivatives may as well be estimated, see [FromStates].
//
// A Matching has its own workspace and is used by one goroutine at a time.
type Matching[T Float] struct {
	f                Differentiable[T]
	scale            []float64
	dydt, dy, lambda []T
}

// NewMatching returns the derivative matching loss of f. scale divides the
// residuals of the components of one row (q, p), such as the spread of each
// derivative; it has a divisor of f.Dim() for its length. nil means 1.
func NewMatching[T Float](f Differentiable[T], scale []float64) *Matching[T] {
	n := f.Dim()
	if scale == nil {
		scale = []float64{1}
	}
	if len(scale) == 0 || n%len(scale) != 0 {
		panic("hnn: length of scale does not divide the field's dimension")
	}
	return &Matching[T]{
		f: f, scale: append([]float64(nil), scale...),
		dydt: make([]T, n), dy: make([]T, n), lambda: make([]T, n),
	}
}

// Loss returns L at the field's present parameters and stores its gradient in
// dtheta, unless that is nil. z and dz are the samples' states and derivatives,
// as many blocks of f.Dim() as there are; NaN in dz is a missing value. times
// are the blocks' times, nil if f does not depend on time. A loss without any
// value to match is 0.
func (m *Matching[T]) Loss(dtheta []T, times []float64, z, dz []T) float64 {
	n := m.f.Dim()
	if len(z) != len(dz) || len(z)%n != 0 || times != nil && len(times) != len(z)/n || dtheta != nil && len(dtheta) != m.f.NumParams() {
		panic("hnn: slice length mismatch")
	}
	clear(dtheta)
	count := 0
	for _, v := range dz {
		if v == v {
			count++
		}
	}
	if count == 0 {
		return 0
	}
	sum := 0.0
	for i := 0; i < len(z); i += n {
		t := 0.0
		if times != nil {
			t = times[i/n]
		}
		m.f.Eval(m.dydt, t, z[i:i+n])
		for j, v := range dz[i : i+n] {
			s := m.scale[j%len(m.scale)]
			r := 0.0
			if v == v {
				r = (float64(m.dydt[j]) - float64(v)) / s
			}
			sum += r * r
			m.lambda[j] = T(2 * r / (s * float64(count)))
		}
		if dtheta != nil {
			m.f.VJP(nil, m.dy, dtheta, t, z[i:i+n], m.lambda)
		}
	}
	return sum / float64(count)
}

// TrajectoryLoss is the loss of trajectory matching, mean (y − target)² over
// times and components, where NaN in target is a missing value: the way of
// training through a solver. It stores the cotangent ∂L/∂y in dy unless that is
// nil: what adjoint.Solver.Backward takes. All slices are of equal length. A
// loss without any value to match is 0.
func TrajectoryLoss[T Float](dy, y, target []T) float64 {
	if len(y) != len(target) || dy != nil && len(dy) != len(y) {
		panic("hnn: slice length mismatch")
	}
	count, sum := 0, 0.0
	for i, v := range target {
		if v == v {
			r := float64(y[i]) - float64(v)
			sum += r * r
			count++
		}
	}
	for i := range dy {
		dy[i] = 0
		if v := target[i]; v == v {
			dy[i] = T(2 * (float64(y[i]) - float64(v)) / float64(count))
		}
	}
	return sum / math.Max(float64(count), 1)
}
