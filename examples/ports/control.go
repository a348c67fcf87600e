package main

import (
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/odeint"
)

// controller shapes the energy of the pendulum that a structured model has learned. Far from
// the top it drives the learned energy to that of the top,
//
//	u = k (H* − H(q, p)) sign(g(q) v),
//
// since dH/dt = g(q) u v; near the top it replaces the learned potential by one
// with its minimum there, and adds damping:
//
//	u = (V′(q) − K sin q − D v)/g(q).
//
// The motor is weak: it cannot hold the pendulum against gravity but near the top
// and the bottom.
type controller struct {
	inverse, potential, input *graph.Function[float64]
	top, bottom               float64 // the learned energies at rest
}

const (
	strongest = 2.0 // |u|; gravity needs 5 to be held at a right angle
	near      = 0.35
)

// newController takes the model apart into its M⁻¹, V and g.
func newController(m *model) (*controller, error) {
	c, rest := new(controller), m.field.Params()
	for _, part := range []struct {
		dst **graph.Function[float64]
		of  graph.Module
	}{{&c.inverse, inverseMass}, {&c.potential, potential}, {&c.input, input}} {
		f, err := graph.NewFunction[float64](part.of, 1, graph.FieldConfig{Shape: []int{1}})
		if err != nil {
			return nil, err
		}
		rest = rest[copy(f.Params(), rest):]
		*part.dst = f
	}
	c.top, c.bottom = c.energy(0, 0), c.energy(math.Pi, 0)
	return c, nil
}

func value(f *graph.Function[float64], q float64) float64 {
	var y [1]float64
	f.Eval(y[:], 0, []float64{q})
	return y[0]
}

// energy is ½ v²/M⁻¹ + V, which is H at p = v/M⁻¹.
func (c *controller) energy(q, v float64) float64 {
	factor := value(c.inverse, q)
	return v*v/(2*(factor*factor+epsilon)) + value(c.potential, q)
}

// torque is u at a state.
func (c *controller) torque(q, v float64) float64 {
	q = math.Remainder(q, 2*math.Pi)
	g := value(c.input, q)
	u := 0.0
	if math.Abs(q) < near && math.Abs(v) < 2.5 {
		var y, slope [1]float64
		c.potential.VJP(y[:], slope[:], nil, 0, []float64{q}, []float64{1})
		u = (slope[0] - 8*math.Sin(q) - 3*v) / g
	} else {
		u = 10 * strongest * (c.top - c.energy(q, v)) / (c.top - c.bottom) * math.Copysign(1, g*v)
	}
	return math.Max(-strongest, math.Min(strongest, u))
}

// swing is a closed loop: the true pendulum under torques that are held for 0.05 s.
type swing struct {
	times, q, v, u, energy []float64
	held                   bool // within 0.1 rad of the top for the last two seconds
}

const duration = 15.0 // s

func (c *controller) run(q, v float64) (*swing, error) {
	s := &swing{held: true}
	steps := int(duration / apart)
	for i := range steps + 1 {
		u := c.torque(q, v)
		s.times, s.q, s.v, s.u = append(s.times, apart*float64(i)), append(s.q, q), append(s.v, v), append(s.u, u)
		s.energy = append(s.energy, v*v/2/gravity+math.Cos(q))
		if duration-apart*float64(i) < 2 && math.Abs(math.Remainder(q, 2*math.Pi)) > 0.1 {
			s.held = false
		}
		sol, err := odeint.Solve(pendulum(u), 0, apart, []float64{q, v}, odeint.Options{RTol: 1e-9, ATol: 1e-9})
		if err != nil {
			return nil, err
		}
		q, v = sol.Last()[0], sol.Last()[1]
	}
	return s, nil
}

// swingUps starts n times near the bottom, and returns how often the pendulum was held.
func (c *controller) swingUps(n int, r *rand.Rand) (success float64, all []*swing, err error) {
	for range n {
		s, err := c.run(math.Pi+0.4*(r.Float64()-0.5), 0.4*(r.Float64()-0.5))
		if err != nil {
			return 0, nil, err
		}
		if s.held {
			success += 1 / float64(n)
		}
		all = append(all, s)
	}
	return success, all, nil
}
