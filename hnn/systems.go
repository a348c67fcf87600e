package hnn

import (
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Harmonic is n uncoupled oscillators, H = |p|²/2m + k|q|²/2, of angular
// frequency √(k/m).
//
// The parameters of this and the other known systems are positive; 0 means the
// default. Those named in Learn are learned: their logarithms are the
// learnables "name/log_mass" and so on, of shape (1, 1), in the order of the
// fields, and begin at the given values.
type Harmonic struct {
	Degrees   int      // n; 0 means 1
	Mass      float64  // m, "mass"; 0 means 1
	Stiffness float64  // k, "stiffness"; 0 means 1
	Learn     []string // parameters to learn, by the names given here
}

func (s Harmonic) system() system {
	return system{"Harmonic", max(s.Degrees, 1), []parameter{{"mass", s.Mass, 1}, {"stiffness", s.Stiffness, 1}}, s.Learn,
		func(b builder, c []quantity, q, p []*G.Node) *G.Node {
			kinetic := b.times(b.Scale(b.squares(p), 0.5), b.reciprocal(c[0]))
			return b.Add(kinetic, b.times(b.Scale(b.squares(q), 0.5), c[1]))
		}}
}

// Place implements [Module].
func (s Harmonic) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	return s.system().Place(g, name, dt, r)
}

// StateShape is (2n).
func (s Harmonic) StateShape() []int { return []int{2 * max(s.Degrees, 1)} }

// Pendulum is a mass on a rod, H = p²/2ml² + mgl(1 − cos q), q the angle from
// hanging at rest.
type Pendulum struct {
	Mass    float64  // m, "mass"; 0 means 1
	Length  float64  // l, "length"; 0 means 1
	Gravity float64  // g, "gravity"; 0 means 9.8
	Learn   []string // parameters to learn, as in Harmonic
}

func (s Pendulum) system() system {
	return system{"Pendulum", 1, []parameter{{"mass", s.Mass, 1}, {"length", s.Length, 1}, {"gravity", s.Gravity, 9.8}}, s.Learn,
		func(b builder, c []quantity, q, p []*G.Node) *G.Node {
			m, l, gr := c[0], c[1], c[2]
			kinetic := b.times(b.Scale(b.Square(p[0]), 0.5), b.reciprocal(b.product(m, l, l)))
			height := b.plus(b.Neg(b.Cos(q[0])), quantity{value: 1})
			return b.Add(kinetic, b.times(height, b.product(m, gr, l)))
		}}
}

// Place implements [Module].
func (s Pendulum) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	return s.system().Place(g, name, dt, r)
}

// StateShape is (2).
func (s Pendulum) StateShape() []int { return []int{2} }

// DoublePendulum is two masses on two rods, the second hanging from the first;
// q are the angles of the rods from the vertical, p the conjugate momenta, and
//
//	H = (m₂l₂²p₁² + (m₁+m₂)l₁²p₂² − 2m₂l₁l₂p₁p₂ cos(q₁−q₂)) / (2m₂l₁²l₂²(m₁ + m₂ sin²(q₁−q₂)))
//	    − (m₁+m₂)gl₁ cos q₁ − m₂gl₂ cos q₂,
//
// which is −(m₁+m₂)gl₁ − m₂gl₂ at rest.
type DoublePendulum struct {
	Mass1, Mass2     float64  // m₁, m₂, "mass1", "mass2"; 0 means 1
	Length1, Length2 float64  // l₁, l₂, "length1", "length2"; 0 means 1
	Gravity          float64  // g, "gravity"; 0 means 9.8
	Learn            []string // parameters to learn, as in Harmonic
}

func (s DoublePendulum) system() system {
	return system{"DoublePendulum", 2, []parameter{
		{"mass1", s.Mass1, 1}, {"mass2", s.Mass2, 1}, {"length1", s.Length1, 1}, {"length2", s.Length2, 1}, {"gravity", s.Gravity, 9.8},
	}, s.Learn, doublePendulum}
}

// Place implements [Module].
func (s DoublePendulum) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	return s.system().Place(g, name, dt, r)
}

// StateShape is (4).
func (s DoublePendulum) StateShape() []int { return []int{4} }

func doublePendulum(b builder, c []quantity, q, p []*G.Node) *G.Node {
	m1, m2, l1, l2, gr := c[0], c[1], c[2], c[3], c[4]
	m := b.sum(m1, m2)
	angle := b.Sub(q[0], q[1])
	cross := b.times(b.Mul(b.Mul(p[0], p[1]), b.Cos(angle)), b.product(quantity{value: 2}, m2, l1, l2))
	top := b.Add(b.times(b.Square(p[0]), b.product(m2, l2, l2)), b.times(b.Square(p[1]), b.product(m, l1, l1)))
	inertia := b.plus(b.times(b.Square(b.Sin(angle)), m2), m1)
	kinetic := b.times(b.Mul(b.Sub(top, cross), b.Inverse(inertia)), b.reciprocal(b.product(quantity{value: 2}, m2, l1, l1, l2, l2)))
	potential := b.Add(b.times(b.Cos(q[0]), b.product(m, gr, l1)), b.times(b.Cos(q[1]), b.product(m2, gr, l2)))
	return b.Sub(kinetic, potential)
}

// Kepler is a body in the field of a fixed centre, H = |p|²/2 − μ/|q|, per unit
// of the body's mass.
type Kepler struct {
	Degrees int      // dimension of space; 0 means 2
	Mu      float64  // μ, "mu", the gravitational parameter; 0 means 1
	Learn   []string // parameters to learn, as in Harmonic
}

func (s Kepler) degrees() int {
	if s.Degrees == 0 {
		return 2
	}
	return s.Degrees
}

func (s Kepler) system() system {
	return system{"Kepler", s.degrees(), []parameter{{"mu", s.Mu, 1}}, s.Learn,
		func(b builder, c []quantity, q, p []*G.Node) *G.Node {
			return b.Sub(b.Scale(b.squares(p), 0.5), b.times(b.Inverse(b.Sqrt(b.squares(q))), c[0]))
		}}
}

// Place implements [Module].
func (s Kepler) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	return s.system().Place(g, name, dt, r)
}

// StateShape is (2n).
func (s Kepler) StateShape() []int { return []int{2 * s.degrees()} }

// HenonHeiles is the motion of a star about a galactic centre after Hénon and
// Heiles (1964), H = (|p|² + |q|²)/2 + λ(q₁²q₂ − q₂³/3), in parts chaotic; orbits
// below the energy 1/6λ² stay bounded.
type HenonHeiles struct {
	Lambda float64  // λ, "lambda"; 0 means 1
	Learn  []string // parameters to learn, as in Harmonic
}

// Place implements [Module].
func (s HenonHeiles) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	return system{"HenonHeiles", 2, []parameter{{"lambda", s.Lambda, 1}}, s.Learn,
		func(b builder, c []quantity, q, p []*G.Node) *G.Node {
			quadratic := b.Scale(b.Add(b.squares(p), b.squares(q)), 0.5)
			cubic := b.Mul(b.Sub(b.Square(q[0]), b.Scale(b.Square(q[1]), 1./3)), q[1])
			return b.Add(quadratic, b.times(cubic, c[0]))
		}}.Place(g, name, dt, r)
}

// StateShape is (4).
func (s HenonHeiles) StateShape() []int { return []int{4} }
