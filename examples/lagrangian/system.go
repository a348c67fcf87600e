package main

import (
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
)

// The double pendulum of Cranmer et al. (2020): m = l = 1, g = 9.8. The program works in
// its natural units, the time √(l/g) and the energy mgl, in which g is 1 too; a change of
// the unit of time keeps the Euler–Lagrange equations.
const (
	degrees = 2
	dim     = 2 * degrees
	gravity = 9.8
	apart   = 0.1 // s, the time between the states of a rollout
	scale   = 3   // mgl: 29.4 J, the potential energy by which energies are judged

	energetic = 3.2 // mgl, the largest energy of the samples; at rest it is at most 3
	speed     = 7.2 // the largest speed at that energy
)

var second = math.Sqrt(gravity) // in units of time

var pendulum = hnn.DoublePendulum{Mass1: 1, Mass2: 1, Length1: 1, Length2: 1, Gravity: 1}

// system is the true pendulum, n states at a time.
type system struct {
	n           int
	velocities  *graph.Field[float64] // of (q, v)
	momenta     *graph.Field[float64] // of (q, p)
	toMomenta   *graph.Function[float64]
	energy      *graph.Function[float64] // of (q, v)
	hamiltonian *graph.Function[float64] // of (q, p)
}

func newSystem(n int) (*system, error) {
	s, l := &system{n: n}, pendulum.Lagrangian()
	var err error
	if s.velocities, err = graph.NewField[float64](hnn.Lagrangian{L: l}, n, graph.FieldConfig{}); err != nil {
		return nil, err
	}
	if s.momenta, err = graph.NewField[float64](hnn.Field{H: pendulum}, n, graph.FieldConfig{}); err != nil {
		return nil, err
	}
	for _, f := range []struct {
		dst **graph.Function[float64]
		of  graph.Module
	}{{&s.toMomenta, hnn.Legendre{L: l}}, {&s.energy, hnn.LagrangianEnergy{L: l}}, {&s.hamiltonian, pendulum}} {
		if *f.dst, err = graph.NewFunction[float64](f.of, n, graph.FieldConfig{}); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// sample draws n states (q, v) with energies up to energetic: all that a pendulum which
// starts almost at rest may come to.
func (s *system) sample(r *rand.Rand) []float64 {
	z := make([]float64, 0, s.n*dim)
	for len(z) < cap(z) {
		q1, q2 := 2*math.Pi*r.Float64(), 2*math.Pi*r.Float64()
		v1, v2 := speed*(2*r.Float64()-1), speed*(2*r.Float64()-1)
		if v1*v1+v2*v2/2+v1*v2*math.Cos(q1-q2)-2*math.Cos(q1)-math.Cos(q2) < energetic {
			z = append(z, q1, q2, v1, v2)
		}
	}
	return z
}

// slopes returns what a kind of model is fitted to: states as it takes them, and their
// derivatives. p is ∂L/∂v of the true pendulum, which an experiment would have to know.
func (s *system) slopes(k kind, z []float64) (states, dz []float64) {
	dz = make([]float64, len(z))
	if k != hamiltonian {
		s.velocities.Eval(dz, 0, z)
		return z, dz
	}
	states = s.momentaOf(z)
	s.momenta.Eval(dz, 0, states)
	return states, dz
}

func (s *system) momentaOf(z []float64) []float64 {
	y := make([]float64, len(z))
	s.toMomenta.Eval(y, 0, z)
	return y
}
