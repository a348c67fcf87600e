package odeint

import (
	"github.com/neuralode/neuralode/internal/vec"
)

// evaluator evaluates a field for the steppers: it counts, and it turns values
// that are not finite into errors.
type evaluator[T Float] struct {
	field VectorField[T]
	quad  Quadrature[T] // nil: none
	stats *Stats
}

// at stores f(t, y) in dydt.
func (e *evaluator[T]) at(dydt []T, t float64, y []T) error {
	e.stats.NFE++
	e.field.Eval(dydt, t, y)
	return e.check("f", dydt, t)
}

// weighted is at, with the weight of the stage in the step for a Quadrature.
func (e *evaluator[T]) weighted(dydt []T, t float64, y []T, w float64) error {
	if e.quad == nil {
		return e.at(dydt, t, y)
	}
	e.stats.NFE++
	e.quad.EvalWeighted(dydt, t, y, w)
	return e.check("f", dydt, t)
}

// check describes the first value of v that is not finite.
func (e *evaluator[T]) check(what string, v []T, t float64) error {
	if vec.Finite(v) {
		return nil
	}
	i := vec.NonFinite(v)
	return &NonFiniteError{What: what, T: t, Component: i, Value: float64(v[i]), Cause: e.failure()}
}

// failure returns the error of a field that failed.
func (e *evaluator[T]) failure() error {
	if f, ok := e.field.(Fallible); ok {
		return f.Err()
	}
	return nil
}
