package collocation

import (
	"context"
	"errors"
)

// Interpolant is what [Interpolate] asks of an interpolant, such as
// *interp.NotAKnotCubic, *interp.NaturalCubic, *interp.AkimaSpline or
// *interp.FritschButland of gonum.org/v1/gonum/interp.
type Interpolant interface {
	Fit(xs, ys []float64) error
	Predict(x float64) float64
	PredictDerivative(x float64) float64
}

// Interpolate fits a curve through the samples, without smoothing: for samples
// whose noise is far below what the derivative's error may be. fresh returns a
// new interpolant for each component; an error of its Fit is returned wrapped.
// The curve has the derivative of order 1. Arguments and other errors are those
// of [Local]; each component needs four observed samples, enough for every
// interpolant of gonum.
func Interpolate[T Float](times []float64, values []T, fresh func() Interpolant) (*Curve[T], error) {
	return newCurve(context.Background(), times, values, 1, func(s series) (component, error) {
		if len(s.t) < 4 {
			return nil, &SparseError{Degree: 3, Have: len(s.t)}
		}
		in := fresh()
		if in == nil {
			return nil, errors.New("no interpolant was made")
		}
		if err := in.Fit(s.t, s.y); err != nil {
			return nil, err
		}
		return &interpolated{in, len(s.t)}, nil
	})
}

type interpolated struct {
	in      Interpolant
	samples int
}

func (p *interpolated) smoothing() Smoothing { return Smoothing{Samples: p.samples} }

func (p *interpolated) derivative(order int, t float64) (float64, error) {
	if order == 0 {
		return p.in.Predict(t), nil
	}
	return p.in.PredictDerivative(t), nil
}
