package odeint

import (
	"math"

	"github.com/neuralode/neuralode/internal/vec"
)

// tolerance measures errors against the tolerances of Options.
type tolerance[T Float] struct {
	dim        int                       // components seen
	rtol, atol float64                   // for all
	rtols      []float64                 // each; nil: rtol and atol
	atols      []float64                 // each; not nil if rtols is not
	norm       func(r []float64) float64 // nil: root mean square
	r          []float64                 // argument of norm
}

func newTolerance[T Float](o *Options) tolerance[T] {
	tol := tolerance[T]{dim: o.ErrDim, rtol: o.RTol, atol: o.ATol, norm: o.Norm}
	if o.RTols == nil && o.ATols == nil && o.Norm == nil {
		return tol
	}
	tol.rtols, tol.atols = make([]float64, tol.dim), make([]float64, tol.dim)
	for i := range tol.dim {
		tol.rtols[i], tol.atols[i] = o.tolerances(i)
	}
	if o.Norm != nil {
		tol.r = make([]float64, tol.dim)
	}
	return tol
}

// measure returns the norm of the error e of a step from y0 to y1.
func (tol *tolerance[T]) measure(e, y0, y1 []T) float64 {
	e = e[:tol.dim]
	switch {
	case tol.norm != nil:
		vec.Scaled(tol.r, e, y0, y1, tol.atols, tol.rtols)
		return tol.norm(tol.r)
	case tol.rtols != nil:
		return vec.ScaledRMSEach(e, y0, y1, tol.atols, tol.rtols)
	}
	return vec.ScaledRMS(e, y0, y1, tol.atol, tol.rtol)
}

// unscaled returns a component of y that is 0 and has no absolute tolerance, or -1.
func (tol *tolerance[T]) unscaled(y []T) int {
	for i, v := range y[:tol.dim] {
		if v == 0 && (tol.atols == nil && tol.atol == 0 || tol.atols != nil && tol.atols[i] == 0) {
			return i
		}
	}
	return -1
}

// both combines two estimates of different order (Tableau.E2).
func both(r, r2 float64) float64 {
	if r == 0 {
		return 0
	}
	return r * (r / math.Sqrt(r*r+r2*r2/100))
}
