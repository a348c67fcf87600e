package main

import (
	"context"
	"math"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/odeint"
)

// The paper's experiment. Angles are in radians, lengths in metres, masses in
// kilograms and times in seconds.
const (
	degrees   = 2 // of freedom
	dim       = 2 * degrees
	end       = 2.5 // of the observations
	intervals = 25  // between the observations
	horizon   = 200 // of the extrapolation
)

// pendulum is the true system: both masses and lengths are 1, g is 9.8.
var pendulum = hnn.DoublePendulum{Mass1: 1, Mass2: 1, Length1: 1, Length2: 1, Gravity: 9.8}

// rest is the energy of the pendulum at rest, the least there is.
const rest = -3 * 9.8

// start is the state at t = 0: q = (0.05, −0.05), p = 0.
func start() []float64 { return []float64{0.05, -0.05, 0, 0} }

func trueField() (*graph.Field[float64], error) {
	return graph.NewField[float64](hnn.Field{H: pendulum}, 1, graph.FieldConfig{})
}

// truth solves the true system at times, the first of which is 0.
func truth(ctx context.Context, times []float64) ([]float64, error) {
	field, err := trueField()
	if err != nil {
		return nil, err
	}
	in, err := odeint.New(field, odeint.Options{Method: odeint.Dop853, RTol: 1e-12, ATol: 1e-12})
	if err != nil {
		return nil, err
	}
	var sol odeint.Solution[float64]
	err = in.SolveAt(ctx, &sol, times, start())
	return sol.Y, err
}

// energies returns the true energies of states, as their excess over the energy at
// rest: the unit in which deviations are reported is the first of them, 0.0367423.
func energies(times, y []float64) ([]float64, error) {
	h, err := hnn.NewEnergy[float64](pendulum, 1, graph.FieldConfig{})
	if err != nil {
		return nil, err
	}
	e, err := h.Along(times, y)
	for i := range e {
		e[i] -= rest
	}
	return e, err
}

// deviation is max |e − e₀|/scale.
func deviation(e []float64, scale float64) float64 {
	worst := 0.0
	for _, v := range e {
		if d := math.Abs(v-e[0]) / scale; !(d <= worst) {
			worst = d
		}
	}
	return worst
}
