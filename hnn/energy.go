package hnn

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/graph"
)

// Energy is an energy compiled into a function of the time and of a batch of
// states. It belongs to one goroutine; see Clone.
type Energy[T Float] struct {
	f      *function[T]
	layout []graph.Param
	batch  int
	e      []T
	lambda []T
	err    error
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
	w, err := resolve("NewEnergy", h, &cfg)
	if err != nil {
		return nil, err
	}
	g := G.NewGraph()
	l, err := h.Place(g, cfg.Name, dtype[T](), cfg.Rand)
	if err != nil {
		return nil, err
	}
	f, err := compile[T](g, l, batch, w)
	if err != nil {
		return nil, err
	}
	if f.out != batch {
		return nil, &ConfigError{What: "NewEnergy", Faults: []string{fmt.Sprintf("the energy has %d values for %d rows; it must have one for each", f.out, batch)}}
	}
	return &Energy[T]{f: f, layout: layout(l.Learnables()), batch: batch, e: make([]T, batch), lambda: make([]T, batch)}, nil
}

// Dim is the length of a batch of states, batch·2n.
func (e *Energy[T]) Dim() int { return e.f.in }

// NumParams is the length of θ.
func (e *Energy[T]) NumParams() int { return len(e.f.theta) }

// Params returns θ itself: what is written to it counts.
func (e *Energy[T]) Params() []T { return e.f.theta }

// Layout says where each learnable is in θ.
func (e *Energy[T]) Layout() []graph.Param { return append([]graph.Param(nil), e.layout...) }

// Clone returns an energy with buffers and parameters of its own.
func (e *Energy[T]) Clone() *Energy[T] {
	c := *e
	c.f = e.f.clone(make([]T, len(e.f.theta)))
	c.e, c.lambda = make([]T, e.batch), make([]T, e.batch)
	c.err = nil
	return &c
}

// Eval stores the energies of a batch of states z at time t in dst, one for each
// row. After an error, see Err, dst is NaN.
func (e *Energy[T]) Eval(dst []T, t float64, z []T) { e.note(e.f.at(dst, t, z)) }

// VJP stores λᵀ∂H/∂z in dz and adds λᵀ∂H/∂θ to dtheta, where λ weighs the
// rows; the energies go to dst. Destinations that are nil are not wanted.
func (e *Energy[T]) VJP(dst, dz, dtheta []T, t float64, z, lambda []T) {
	e.note(e.f.pull(dst, dz, dtheta, t, z, lambda))
}

// Err returns the first error of an evaluation since the last call of Err.
func (e *Energy[T]) Err() error {
	err := e.err
	e.err = nil
	return err
}

func (e *Energy[T]) note(err error) {
	if e.err == nil {
		e.err = err
	}
}

// Along returns the energies along trajectories: y holds one batch of states
// for each of the times, as a solution with saved times does, and so many
// energies are returned for each.
func (e *Energy[T]) Along(times []float64, y []T) ([]float64, error) {
	n := e.Dim()
	if len(y) != len(times)*n {
		panic("hnn: slice length mismatch")
	}
	h := make([]float64, 0, len(times)*e.batch)
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
	mean := make([]float64, e.batch)
	for i, v := range h {
		mean[i%e.batch] += v / float64(len(times))
	}
	variance := 0.0
	for i := range h {
		h[i] -= mean[i%e.batch]
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
			e.lambda[j] = T(scale * r[i*e.batch+j])
		}
		e.VJP(nil, e.f.spareX, dtheta, t, y[i*n:(i+1)*n], e.lambda)
		if dy != nil {
			for j, v := range e.f.spareX {
				dy[i*n+j] += v
			}
		}
	}
	return e.Err()
}
