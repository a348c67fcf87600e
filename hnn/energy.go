package hnn

import (
	"fmt"

	"github.com/neuralode/neuralode/graph"
)

// Energy is an energy compiled into a function of the time and of a batch of
// states. It belongs to one goroutine; see Clone.
type Energy[T Float] struct {
	f             *graph.Function[T]
	e, lambda, dz []T
}

// NewEnergy compiles an energy for batch rows at a time. Of the configuration,
// Shape is (2n), nil asks the module's StateShape; Name and Rand are those of
// graph.NewField.
//
// The parameters begin with the same values, in the same order, as those of
// graph.NewField of a [Field] of the energy with the same Name and an equal
// Rand, of which they are the first NumParams: to follow the energy of a trained
// field, copy(energy.Params(), field.Params()).
func NewEnergy[T Float](h Module, batch int, cfg graph.FieldConfig) (*Energy[T], error) {
	if h == nil || batch < 1 {
		return nil, &ConfigError{What: "NewEnergy", Faults: []string{fmt.Sprintf("an energy that is not nil and a batch of at least 1 are needed; the batch is %d", batch)}}
	}
	if _, err := resolve("NewEnergy", h, &cfg); err != nil {
		return nil, err
	}
	f, err := graph.NewFunction[T](h, batch, cfg)
	if err != nil {
		return nil, err
	}
	if f.OutDim() != batch {
		return nil, &ConfigError{What: "NewEnergy", Faults: []string{fmt.Sprintf("the energy has %d values for %d rows; it must have one for each", f.OutDim(), batch)}}
	}
	return newEnergy(f), nil
}

func newEnergy[T Float](f *graph.Function[T]) *Energy[T] {
	n := f.Batch()
	return &Energy[T]{f: f, e: make([]T, n), lambda: make([]T, n), dz: make([]T, f.InDim())}
}

// Dim is the length of a batch of states, batch·2n.
func (e *Energy[T]) Dim() int { return e.f.InDim() }

// NumParams is the length of θ.
func (e *Energy[T]) NumParams() int { return e.f.NumParams() }

// Params returns θ itself: what is written to it counts.
func (e *Energy[T]) Params() []T { return e.f.Params() }

// Layout says where each learnable is in θ. The caller must not change it.
func (e *Energy[T]) Layout() []graph.Param { return e.f.Layout() }

// Clone returns an energy with buffers and parameters of its own.
func (e *Energy[T]) Clone() *Energy[T] { return newEnergy(e.f.Clone()) }

// WithBatch returns the energy of another number of rows, which shares θ with e.
// Errors are those of graph.Function.WithBatch.
func (e *Energy[T]) WithBatch(batch int) (*Energy[T], error) {
	f, err := e.f.WithBatch(batch)
	if err != nil {
		return nil, err
	}
	return newEnergy(f), nil
}

// Eval stores the energies of a batch of states z at time t in dst, one for each
// row. After an error, see Err, dst is NaN.
func (e *Energy[T]) Eval(dst []T, t float64, z []T) { e.f.Eval(dst, t, z) }

// VJP stores λᵀ∂H/∂z in dz and adds λᵀ∂H/∂θ to dtheta, where λ weighs the
// rows; the energies go to dst. Destinations that are nil are not wanted and cost
// nothing.
func (e *Energy[T]) VJP(dst, dz, dtheta []T, t float64, z, lambda []T) {
	e.f.VJP(dst, dz, dtheta, t, z, lambda)
}

// Err returns the first error of an evaluation since the last call of Err.
func (e *Energy[T]) Err() error { return e.f.Err() }

// Along returns the energies along trajectories: y holds one batch of states
// for each of the times, as a solution with saved times does, and so many
// energies are returned for each.
func (e *Energy[T]) Along(times []float64, y []T) ([]float64, error) {
	n := e.Dim()
	if len(y) != len(times)*n {
		panic("hnn: slice length mismatch")
	}
	h := make([]float64, 0, len(times)*len(e.e))
	for i, t := range times {
		e.Eval(e.e, t, y[i*n:(i+1)*n])
		for _, v := range e.e {
			h = append(h, float64(v))
		}
	}
	return h, e.Err()
}

// Variance is an energy regulariser for trajectories whose energy is
// conserved: the mean over the batch of the variance of H(t) along each
// trajectory. y is as in Along. The gradient, times weight, is added to dtheta,
// and with respect to y to dy; either may be nil.
//
// It is zero for a constant H: use it beside a loss, not instead of one.
func (e *Energy[T]) Variance(dtheta, dy []T, weight float64, times []float64, y []T) (float64, error) {
	h, err := e.Along(times, y)
	if err != nil {
		return 0, err
	}
	mean := make([]float64, len(e.e))
	for i, v := range h {
		mean[i%len(e.e)] += v / float64(len(times))
	}
	variance := 0.0
	for i := range h {
		h[i] -= mean[i%len(e.e)]
		variance += h[i] * h[i] / float64(len(h))
	}
	return variance, e.regularise(dtheta, dy, 2*weight/float64(len(h)), times, y, h)
}

// Anchor is a regulariser that fixes the constant an energy is free by: the
// mean of (H − level)² over the states y, as in Along, of which one is enough.
// Gradients are added as in Variance.
func (e *Energy[T]) Anchor(dtheta, dy []T, weight, level float64, times []float64, y []T) (float64, error) {
	h, err := e.Along(times, y)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for i := range h {
		h[i] -= level
		sum += h[i] * h[i] / float64(len(h))
	}
	return sum, e.regularise(dtheta, dy, 2*weight/float64(len(h)), times, y, h)
}

// regularise adds the gradients of ½ scale Σ r², r the residuals of energies.
func (e *Energy[T]) regularise(dtheta, dy []T, scale float64, times []float64, y []T, r []float64) error {
	if dy != nil && len(dy) != len(y) {
		panic("hnn: slice length mismatch")
	}
	if dtheta == nil && dy == nil {
		return nil
	}
	n := e.Dim()
	for i, t := range times {
		for j := range e.lambda {
			e.lambda[j] = T(scale * r[i*len(e.e)+j])
		}
		if dy == nil {
			e.VJP(nil, nil, dtheta, t, y[i*n:(i+1)*n], e.lambda)
			continue
		}
		e.VJP(nil, e.dz, dtheta, t, y[i*n:(i+1)*n], e.lambda)
		for j, v := range e.dz {
			dy[i*n+j] += v
		}
	}
	return e.Err()
}
