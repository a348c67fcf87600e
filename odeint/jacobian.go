package odeint

import (
	"math"

	"github.com/neuralode/neuralode/internal/vec"
)

// jacobian computes ∂f/∂y in float64: from the products of a field that is Differentiable
// or Forward, from differences otherwise. It is block-diagonal: that of one sample after
// the other, all of which take part in every product.
type jacobian[T Float] struct {
	ev *evaluator[T]
	n  int       // the size of a block
	a  []float64 // the blocks one after the other, row-major

	y, f0, f1  []T // for differences
	line, unit []T // for products: a row or a column
}

// newJacobian returns the Jacobian in blocks of n × n, to be stored in a.
func newJacobian[T Float](ev *evaluator[T], n int, a []float64) jacobian[T] {
	dim := ev.field.Dim()
	w := jacobian[T]{ev: ev, n: n, a: a}
	switch ev.field.(type) {
	case Differentiable[T], Forward[T]:
		w.line, w.unit = make([]T, dim), make([]T, dim)
	default:
		w.y, w.f0, w.f1 = make([]T, dim), make([]T, dim), make([]T, dim)
	}
	return w
}

// at computes the Jacobian at time t and state y.
func (w *jacobian[T]) at(t float64, y []T) error {
	w.ev.stats.Jacobians++
	switch f := w.ev.field.(type) {
	case Differentiable[T]:
		return w.byVJP(f, t, y)
	case Forward[T]:
		return w.byJVP(f, t, y)
	}
	return w.byDifferences(t, y)
}

func (w *jacobian[T]) byVJP(f Differentiable[T], t float64, y []T) error {
	for i := range w.n {
		w.setUnit(i, 1)
		f.VJP(nil, w.line, nil, t, y, w.unit)
		w.setUnit(i, 0)
		w.ev.stats.VJPs++
		if err := w.ev.check("the Jacobian", w.line, t); err != nil {
			return err
		}
		for c, v := range w.line { // row i of each block
			w.a[(c-c%w.n+i)*w.n+c%w.n] = float64(v)
		}
	}
	return nil
}

func (w *jacobian[T]) byJVP(f Forward[T], t float64, y []T) error {
	for j := range w.n {
		w.setUnit(j, 1)
		f.JVP(w.line, t, y, w.unit)
		w.setUnit(j, 0)
		w.ev.stats.JVPs++
		if err := w.ev.check("the Jacobian", w.line, t); err != nil {
			return err
		}
		for c, v := range w.line { // column j of each block
			w.a[c*w.n+j] = float64(v)
		}
	}
	return nil
}

// setUnit sets component i of every sample of unit.
func (w *jacobian[T]) setUnit(i int, v T) {
	for ; i < len(w.unit); i += w.n {
		w.unit[i] = v
	}
}

// byDifferences moves one component of every sample at a time by √ε of its size or, for
// small ones, of the sample's.
func (w *jacobian[T]) byDifferences(t float64, y []T) error {
	if err := w.ev.at(w.f0, t, y); err != nil {
		return err
	}
	copy(w.y, y)
	for j := range w.n {
		for first := 0; first < len(y); first += w.n {
			i := first + j
			w.y[i] = y[i] + T(math.Sqrt(vec.Epsilon[T]())*max(math.Abs(float64(y[i])), 1e-3*size(y[first:first+w.n])))
		}
		if err := w.ev.at(w.f1, t, w.y); err != nil {
			return err
		}
		for i, v := range w.f1 { // column j of each block
			moved := i - i%w.n + j
			w.a[i*w.n+j] = float64(v-w.f0[i]) / float64(w.y[moved]-y[moved])
		}
		for i := j; i < len(y); i += w.n {
			w.y[i] = y[i]
		}
	}
	return nil
}

// size is the largest component of y, or 1 if all are 0.
func size[T Float](y []T) float64 {
	size := 0.0
	for _, v := range y {
		size = max(size, math.Abs(float64(v)))
	}
	if size == 0 {
		return 1
	}
	return size
}
