package hnn

import (
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// systemLagrangian is a Lagrangian written down, of positions and velocities.
type systemLagrangian struct {
	system
	of Module // the known system
}

// StateShape is (2n).
func (k systemLagrangian) StateShape() []int { return []int{2 * k.n} }

// Lagrangian returns L = m|v|²/2 − k|q|²/2, a module of (q, v) for [Lagrangian].
func (s Harmonic) Lagrangian() Module {
	k := s.system()
	k.energy = func(b builder, c []quantity, q, v []*G.Node) *G.Node {
		return b.Sub(b.times(b.Scale(b.squares(v), 0.5), c[0]), b.times(b.Scale(b.squares(q), 0.5), c[1]))
	}
	return systemLagrangian{k, s}
}

// Lagrangian returns L = ml²v²/2 − mgl(1 − cos q), a module of (q, v) for [Lagrangian].
func (s Pendulum) Lagrangian() Module {
	k := s.system()
	k.energy = func(b builder, c []quantity, q, v []*G.Node) *G.Node {
		m, l, gr := c[0], c[1], c[2]
		height := b.plus(b.Neg(b.Cos(q[0])), quantity{value: 1})
		return b.Sub(b.times(b.Scale(b.Square(v[0]), 0.5), b.product(m, l, l)), b.times(height, b.product(m, gr, l)))
	}
	return systemLagrangian{k, s}
}

// Lagrangian returns
//
//	L = (m₁+m₂)l₁²v₁²/2 + m₂l₂²v₂²/2 + m₂l₁l₂v₁v₂ cos(q₁−q₂) + (m₁+m₂)gl₁ cos q₁ + m₂gl₂ cos q₂,
//
// a module of (q, v) for [Lagrangian].
func (s DoublePendulum) Lagrangian() Module {
	k := s.system()
	k.energy = func(b builder, c []quantity, q, v []*G.Node) *G.Node {
		m1, m2, l1, l2, gr := c[0], c[1], c[2], c[3], c[4]
		m := b.sum(m1, m2)
		first := b.times(b.Scale(b.Square(v[0]), 0.5), b.product(m, l1, l1))
		second := b.times(b.Scale(b.Square(v[1]), 0.5), b.product(m2, l2, l2))
		cross := b.times(b.Mul(b.Mul(v[0], v[1]), b.Cos(b.Sub(q[0], q[1]))), b.product(m2, l1, l2))
		depth := b.Add(b.times(b.Cos(q[0]), b.product(m, gr, l1)), b.times(b.Cos(q[1]), b.product(m2, gr, l2)))
		return b.Add(b.Add(b.Add(first, second), cross), depth)
	}
	return systemLagrangian{k, s}
}

// Lagrangian returns L = |v|²/2 + μ/|q|, a module of (q, v) for [Lagrangian].
func (s Kepler) Lagrangian() Module {
	k := s.system()
	k.energy = func(b builder, c []quantity, q, v []*G.Node) *G.Node {
		return b.Add(b.Scale(b.squares(v), 0.5), b.times(b.Inverse(b.Sqrt(b.squares(q))), c[0]))
	}
	return systemLagrangian{k, s}
}

// Relativistic is a particle under a constant force F along a line,
//
//	L = −mc²√(1 − v²/c²) + Fq,   H = √(m²c⁴ + p²c²) − Fq,
//
// whose acceleration falls as its speed approaches c.
type Relativistic struct {
	Mass  float64  // m, "mass"; 0 means 1
	Light float64  // c, "light", the speed of light; 0 means 1
	Force float64  // F, "force"; 0 means 1
	Learn []string // parameters to learn, as in Harmonic
}

func (s Relativistic) system() system {
	return system{"Relativistic", 1, []parameter{{"mass", s.Mass, 1}, {"light", s.Light, 1}, {"force", s.Force, 1}}, s.Learn,
		func(b builder, c []quantity, q, p []*G.Node) *G.Node {
			m, light, force := c[0], c[1], c[2]
			square := b.plus(b.times(b.Square(p[0]), b.product(light, light)), b.product(m, m, light, light, light, light))
			return b.Sub(b.Sqrt(square), b.times(q[0], force))
		}}
}

// Place implements [Module].
func (s Relativistic) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	return s.system().Place(g, name, dt, r)
}

// StateShape is (2).
func (s Relativistic) StateShape() []int { return []int{2} }

// Lagrangian returns L, a module of (q, v) for [Lagrangian].
func (s Relativistic) Lagrangian() Module {
	k := s.system()
	k.energy = func(b builder, c []quantity, q, v []*G.Node) *G.Node {
		m, light, force := c[0], c[1], c[2]
		rest := b.plus(b.Neg(b.times(b.Square(v[0]), b.reciprocal(b.product(light, light)))), quantity{value: 1})
		return b.Sub(b.times(q[0], force), b.times(b.Sqrt(rest), b.product(m, light, light)))
	}
	return systemLagrangian{k, s}
}
