package main

import (
	"math"

	"github.com/neuralode/neuralode/odeint/collocation"
)

// units are those in which the networks see the world: positions in units of q, momenta of
// p, and time of t, so that states and slopes of the data are of size 1.
//
// With one unit for all positions and one for all momenta the change of variables
// q = q̃·Q, p = p̃·P, t = t̃·T keeps Hamilton's equations:
//
//	dq̃/dt̃ = (T/Q) ∂H/∂p = ∂H̃/∂p̃,   dp̃/dt̃ = −(T/P) ∂H/∂q = −∂H̃/∂q̃   with H = (QP/T) H̃.
//
// A field that is Hamiltonian in these units therefore is so in those of the
// pendulum, and QP/T is the unit of energy. Units of their own for each angle would break that.
type units struct{ q, p, t float64 }

// newUnits returns the root mean squares of positions and momenta as their units, and
// as that of time the one in which the slopes of the curve through the data have a
// root mean square of 1.
func newUnits(times, y []float64, curve *collocation.Curve[float64]) (units, error) {
	_, dy, err := curve.Sample(times)
	if err != nil {
		return units{}, err
	}
	var q, p, slopes float64
	for i := 0; i < len(y); i += dim {
		q += square(y[i : i+degrees])
		p += square(y[i+degrees : i+dim])
	}
	u := units{q: math.Sqrt(q / float64(len(y)/2)), p: math.Sqrt(p / float64(len(y)/2)), t: 1}
	slopes = square(u.scale(dy)) / float64(len(dy))
	u.t = 1 / math.Sqrt(slopes)
	return u, nil
}

func square(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// energy is the unit of energy.
func (u units) energy() float64 { return u.q * u.p / u.t }

// times returns times in units of t.
func (u units) times(t []float64) []float64 {
	s := make([]float64, len(t))
	for i, v := range t {
		s[i] = v / u.t
	}
	return s
}

// scale returns rows of states, or slopes, with their components in units of q and p.
func (u units) scale(y []float64) []float64 {
	z := make([]float64, len(y))
	for i, v := range y {
		z[i] = v / u.of(i)
	}
	return z
}

// unscale undoes scale.
func (u units) unscale(z []float64) []float64 {
	y := make([]float64, len(z))
	for i, v := range z {
		y[i] = v * u.of(i)
	}
	return y
}

// of is the unit of component i of rows of states.
func (u units) of(i int) float64 {
	if i%dim < degrees {
		return u.q
	}
	return u.p
}
