package main

import (
	"context"

	"gonum.org/v1/gonum/interp"

	"github.com/neuralode/neuralode/odeint/collocation"
	"github.com/neuralode/neuralode/train"
)

// data are the observations, and the curve through them.
type data struct {
	units
	times, y []float64
	curve    *collocation.Curve[float64]
}

// observe takes the 26 states from the true system. They are free of noise, so the curve
// is an interpolating spline.
func observe(ctx context.Context) (*data, error) {
	d := &data{times: train.Grid(end, intervals)}
	var err error
	if d.y, err = truth(ctx, d.times); err != nil {
		return nil, err
	}
	spline := func() collocation.Interpolant { return &interp.NotAKnotCubic{} }
	if d.curve, err = collocation.Interpolate(d.times, d.y, spline); err != nil {
		return nil, err
	}
	d.units, err = newUnits(d.times, d.y, d.curve)
	return d, err
}
