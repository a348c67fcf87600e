package hnn

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Mechanical is the Lagrangian of a mechanical system, L = ½ vᵀM(q)v − V(q), with the
// mass matrix M = CCᵀ + ε, positive definite whatever C is, so that Lagrangian.Solve may
// be Cholesky. Learnables are under "name/C" and "name/V".
type Mechanical struct {
	// C maps positions (batch, n) to matrices (batch, n·n), row-major.
	C Module

	// V is the potential, (batch, n) to (batch, 1).
	V Module

	// Epsilon is ε, the least mass; 0 means 1e-3.
	Epsilon float64
}

// Place implements [Module].
func (m Mechanical) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	return m.place("Mechanical", -1, g, name, dt, r)
}

func (m Mechanical) place(what string, sign float64, g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	var faults []string
	if m.C == nil || m.V == nil {
		faults = append(faults, "C and V are needed; they are the modules of the matrix and the potential")
	}
	if m.Epsilon == 0 {
		m.Epsilon = 1e-3
	}
	if !(m.Epsilon > 0) {
		faults = append(faults, fmt.Sprintf("Epsilon is %v; it must be positive", m.Epsilon))
	}
	if faults != nil {
		return nil, &ConfigError{What: what, Faults: faults}
	}
	l := &placedMechanical{name: what + " " + name, epsilon: m.Epsilon, sign: sign}
	var err error
	if l.c, err = m.C.Place(g, nodes.Join(name, "C"), dt, r); err != nil {
		return nil, err
	}
	if l.v, err = m.V.Place(g, nodes.Join(name, "V"), dt, r); err != nil {
		return nil, err
	}
	if nodes.IsTimed(l.c, l.v) {
		return nil, &ConfigError{What: what, Faults: []string{"C or V depends on time; use a Sum or a module of your own"}}
	}
	return l, nil
}

// StateShape is (2n), or nil if neither V nor C knows n.
func (m Mechanical) StateShape() []int {
	for _, m := range []Module{m.V, m.C} {
		if d := nodes.StateShape(m); len(d) == 1 && d[0] > 0 {
			return []int{2 * d[0]}
		}
	}
	return nil
}

// MechanicalEnergy is the Hamiltonian of a mechanical system, H = ½ pᵀM⁻¹(q)p + V(q),
// with the inverse of the mass matrix M⁻¹ = CCᵀ + ε, positive definite whatever C is: the
// structured energy of SymODEN (Zhong, Dey and Chakraborty 2020). Learnables are under
// "name/C" and "name/V".
type MechanicalEnergy struct {
	// C maps positions (batch, n) to matrices (batch, n·n), row-major.
	C Module

	// V is the potential, (batch, n) to (batch, 1).
	V Module

	// Epsilon is ε, the inverse of the largest mass; 0 means 1e-3.
	Epsilon float64
}

// Place implements [Module].
func (m MechanicalEnergy) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	return Mechanical(m).place("MechanicalEnergy", +1, g, name, dt, r)
}

// StateShape is (2n), or nil if neither V nor C knows n.
func (m MechanicalEnergy) StateShape() []int { return Mechanical(m).StateShape() }

type placedMechanical struct {
	name    string
	epsilon float64
	sign    float64 // of the potential
	c, v    Layer
}

func (l *placedMechanical) Learnables() G.Nodes {
	return append(append(G.Nodes(nil), l.c.Learnables()...), l.v.Learnables()...)
}

func (l *placedMechanical) Fwd(z *G.Node) (*G.Node, error) {
	b, q, v, err := splitState(l.name, z)
	if err != nil {
		return nil, err
	}
	batch, n := q.Shape()[0], q.Shape()[1]
	c, err := squareMatrix(l.name, l.c, q)
	if err != nil {
		return nil, err
	}
	potential, err := l.v.Fwd(q)
	if err != nil {
		return nil, err
	}
	if err := checkColumn(l.name+": the potential", potential, batch); err != nil {
		return nil, err
	}
	product := b.Binary("BatchedMatMul", func(x, y *G.Node) (*G.Node, error) { return G.BatchedMatMul(x, y) },
		b.Reshape(v, tensor.Shape{batch, 1, n}), c) // vᵀC
	squares := b.Add(b.Square(b.Reshape(product, tensor.Shape{batch, n})), b.Scale(b.Square(v), l.epsilon))
	return b.result(b.Add(b.Scale(b.rowSums(squares), 0.5), b.Scale(potential, l.sign)))
}

// squareMatrix applies the module of a matrix to positions and returns (batch, n, n).
func squareMatrix(name string, c Layer, q *G.Node) (*G.Node, error) {
	batch, n := q.Shape()[0], q.Shape()[1]
	y, err := c.Fwd(q)
	if err != nil {
		return nil, err
	}
	if want := (tensor.Shape{batch, n * n}); !y.Shape().Eq(want) {
		return nil, &ShapeError{What: name + ": the result of C", Got: y.Shape().Clone(), Want: fmt.Sprintf("%v, an (%d, %d) matrix for each row", want, n, n)}
	}
	b := build(q)
	return b.result(b.Reshape(y, tensor.Shape{batch, n, n}))
}
