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

	y, f0, f1  []T  // for differences
	central    bool // they are central ones
	line, unit []T  // for products: a row or a column
}

// newJacobian returns the Jacobian in blocks of n × n, to be stored in a. A method
// that needs it to more than half of the digits asks for central differences.
func newJacobian[T Float](ev *evaluator[T], n int, a []float64, central bool) jacobian[T] {
	dim := ev.field.Dim()
	w := jacobian[T]{ev: ev, n: n, a: a, central: central}
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
// small ones, of the sample's, and for central differences by the cube root, both ways.
func (w *jacobian[T]) byDifferences(t float64, y []T) error {
	by := math.Sqrt(vec.Epsilon[T]())
	if w.central {
		by = math.Cbrt(vec.Epsilon[T]())
	} else if err := w.ev.at(w.f0, t, y); err != nil {
		return err
	}
	copy(w.y, y)
	for j := range w.n {
		if w.central {
			w.move(y, j, -by)
			if err := w.ev.at(w.f0, t, w.y); err != nil {
				return err
			}
		}
		w.move(y, j, by)
		if err := w.ev.at(w.f1, t, w.y); err != nil {
			return err
		}
		for i, v := range w.f1 { // column j of each block
			moved := i - i%w.n + j
			by := float64(w.y[moved] - y[moved])
			if w.central {
				by *= 2
			}
			w.a[i*w.n+j] = float64(v-w.f0[i]) / by
		}
		for i := j; i < len(y); i += w.n {
			w.y[i] = y[i]
		}
	}
	return nil
}

// move moves component j of every sample of w.y to that of y and by of its size.
func (w *jacobian[T]) move(y []T, j int, by float64) {
	for first := 0; first < len(y); first += w.n {
		i := first + j
		up := y[i] + T(math.Abs(by)*max(math.Abs(float64(y[i])), 1e-3*size(y[first:first+w.n])))
		if by < 0 {
			up = y[i] - (up - y[i])
		}
		w.y[i] = up
	}
}

// norm is the largest sum of sizes in a row.
func (w *jacobian[T]) norm() float64 {
	largest := 0.0
	for i := 0; i < len(w.a); i += w.n {
		sum := 0.0
		for _, a := range w.a[i : i+w.n] {
			sum += math.Abs(a)
		}
		largest = max(largest, sum)
	}
	return largest
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
