package odeint

import (
	"math"

	"github.com/neuralode/neuralode/internal/vec"
)

// jacobian computes ∂f/∂y in float64: from the products of a field that is Differentiable
// or Forward, from differences otherwise.
type jacobian[T Float] struct {
	ev *evaluator[T]
	n  int
	a  []float64 // n × n

	y, f0, f1  []T // for differences
	line, unit []T // for products: a row or a column
}

func newJacobian[T Float](ev *evaluator[T]) jacobian[T] {
	n := ev.field.Dim()
	w := jacobian[T]{ev: ev, n: n, a: make([]float64, n*n)}
	switch ev.field.(type) {
	case Differentiable[T], Forward[T]:
		w.line, w.unit = make([]T, n), make([]T, n)
	default:
		w.y, w.f0, w.f1 = make([]T, n), make([]T, n), make([]T, n)
	}
	return w
}

// at computes the Jacobian at the start of s.
func (w *jacobian[T]) at(s *Step[T]) error {
	t := s.StageTime(0)
	switch f := w.ev.field.(type) {
	case Differentiable[T]:
		return w.byVJP(f, t, s.Y0)
	case Forward[T]:
		return w.byJVP(f, t, s.Y0)
	}
	return w.byDifferences(t, s.Y0)
}

func (w *jacobian[T]) byVJP(f Differentiable[T], t float64, y []T) error {
	for i := range w.n {
		w.unit[i] = 1
		f.VJP(nil, w.line, nil, t, y, w.unit)
		w.unit[i] = 0
		w.ev.stats.VJPs++
		if err := w.ev.check("the Jacobian", w.line, t); err != nil {
			return err
		}
		for j, v := range w.line {
			w.a[i*w.n+j] = float64(v)
		}
	}
	return nil
}

func (w *jacobian[T]) byJVP(f Forward[T], t float64, y []T) error {
	for j := range w.n {
		w.unit[j] = 1
		f.JVP(w.line, t, y, w.unit)
		w.unit[j] = 0
		w.ev.stats.JVPs++
		if err := w.ev.check("the Jacobian", w.line, t); err != nil {
			return err
		}
		for i, v := range w.line {
			w.a[i*w.n+j] = float64(v)
		}
	}
	return nil
}

// byDifferences moves one component at a time by √ε of its size or, for small ones,
// of the state's.
func (w *jacobian[T]) byDifferences(t float64, y []T) error {
	if err := w.ev.at(w.f0, t, y); err != nil {
		return err
	}
	size := 0.0
	for _, v := range y {
		size = max(size, math.Abs(float64(v)))
	}
	if size == 0 {
		size = 1
	}
	copy(w.y, y)
	for j := range w.n {
		w.y[j] = y[j] + T(math.Sqrt(vec.Epsilon[T]())*max(math.Abs(float64(y[j])), 1e-3*size))
		d := float64(w.y[j] - y[j])
		if err := w.ev.at(w.f1, t, w.y); err != nil {
			return err
		}
		w.y[j] = y[j]
		for i := range w.n {
			w.a[i*w.n+j] = float64(w.f1[i]-w.f0[i]) / d
		}
	}
	return nil
}
