package hnn

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/nodes"
)

// Velocities is a Hamiltonian field, with its friction and ports, of states (q, v) in
// place of (q, p), for data that have velocities and no momenta:
//
//	p = M(q)v,   dq/dt = ∂H/∂p,   dv/dt = M⁻¹ dp/dt + (dM⁻¹/dt) p,
//
// with dp/dt as Field has it: SymODEN's field (Zhong, Dey and Chakraborty 2020, section
// 3.3). p comes from a system of n equations, which [graph.Solve] solves. Forces must
// act on the momenta alone: no Conservative.
//
// The inverse of the mass matrix is that of Field.H if it is a [MechanicalEnergy];
// dq/dt is then v. For another H, M⁻¹ = CCᵀ + ε is learned beside it.
//
// Its learnables are those of Field, then those of C ("name/C").
type Velocities struct {
	Field Field

	// C maps positions (batch, n) to matrices (batch, n·n), row-major. It is needed, and
	// allowed, only if Field.H is no MechanicalEnergy.
	C Module

	// Epsilon is ε beside C; 0 means 1e-3.
	Epsilon float64
}

// Place implements [Module].
func (m Velocities) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	_, structured := m.Field.H.(MechanicalEnergy)
	var faults []string
	if structured != (m.C == nil) {
		faults = append(faults, "C is needed if Field.H is no MechanicalEnergy, and only then")
	}
	if m.Epsilon == 0 {
		m.Epsilon = 1e-3
	}
	if !(m.Epsilon > 0) {
		faults = append(faults, fmt.Sprintf("Epsilon is %v; it must be positive", m.Epsilon))
	}
	if m.Field.Conservative != nil {
		faults = append(faults, "Field.Conservative is not supported")
	}
	if faults != nil {
		return nil, &ConfigError{What: "Velocities", Faults: faults}
	}
	field, err := m.Field.place(g, name, dt, r)
	if err != nil {
		return nil, err
	}
	l := &placedVelocities{placedField: field, epsilon: m.Epsilon}
	if structured {
		energy := field.h.(*placedMechanical)
		l.c, l.epsilon, l.shared = energy.c, energy.epsilon, true
	} else if l.c, err = m.C.Place(g, nodes.Join(name, "C"), dt, r); err != nil {
		return nil, err
	}
	if nodes.IsTimed(l.c) {
		return nil, &ConfigError{What: "Velocities", Faults: []string{"C depends on time; it must be a function of the positions"}}
	}
	switch {
	case takesInput(field.drive):
		return drivenVelocities{l}, nil
	case field.timed():
		return timedVelocities{l}, nil
	}
	return l, nil
}

// StateShape is that of Field.
func (m Velocities) StateShape() []int { return m.Field.StateShape() }

type placedVelocities struct {
	*placedField
	c       Layer
	epsilon float64
	shared  bool // c is part of the energy
}

func (l *placedVelocities) Learnables() G.Nodes {
	all := l.placedField.Learnables()
	if !l.shared {
		all = append(all, l.c.Learnables()...)
	}
	return all
}

func (l *placedVelocities) Fwd(z *G.Node) (*G.Node, error) { return l.at(nil, nil, nil, z) }

type timedVelocities struct{ *placedVelocities }

func (l timedVelocities) FwdAt(t, z *G.Node) (*G.Node, error) { return l.at(t, nil, nil, z) }

func (l timedVelocities) Fwd(*G.Node) (*G.Node, error) {
	return nil, &ConfigError{What: "Velocities " + l.name, Faults: []string{"the field depends on time; call FwdAt(t, z)"}}
}

type drivenVelocities struct{ *placedVelocities }

func (l drivenVelocities) FwdInput(t, u, du, z *G.Node) (*G.Node, error) { return l.at(t, u, du, z) }

func (l drivenVelocities) Fwd(*G.Node) (*G.Node, error) {
	return nil, errNeedsInput("Velocities " + l.name)
}

func (l *placedVelocities) at(t, u, du, z *G.Node) (*G.Node, error) {
	b, q, v, err := splitState("Velocities "+l.name, z)
	if err != nil {
		return nil, err
	}
	batch, n := q.Shape()[0], q.Shape()[1]
	c, err := squareMatrix("Velocities "+l.name, l.c, q)
	if err != nil {
		return nil, err
	}
	product := func(x, y *G.Node) *G.Node {
		return b.Binary("BatchedMatMul", func(x, y *G.Node) (*G.Node, error) { return G.BatchedMatMul(x, y) }, x, y)
	}
	times := func(matrix, x *G.Node) *G.Node {
		return b.Reshape(product(matrix, b.Reshape(x, tensor.Shape{batch, n, 1})), tensor.Shape{batch, n})
	}
	square := product(c, b.Do("Transpose", func() (*G.Node, error) { return G.Transpose(c, 0, 2, 1) }, c))
	if b.Err() != nil {
		return nil, b.Err()
	}
	p, err := graph.Solve(square, v, graph.SolveOptions{Factorisation: graph.Cholesky, Ridge: l.epsilon})
	if err != nil {
		return nil, fmt.Errorf("hnn: Velocities %s: %w", l.name, err)
	}
	flow, err := l.placedField.at(t, u, du, b.concat(q, p))
	if err != nil {
		return nil, err
	}
	dq, dp := b.columns(flow, 0, n), b.columns(flow, n, 2*n)
	if b.Err() != nil {
		return nil, b.Err()
	}
	rate, err := graph.JVP(G.Nodes{square}, G.Nodes{q}, G.Nodes{dq})
	if err != nil {
		return nil, err
	}
	dv := b.Add(b.Add(times(square, dp), b.Scale(dp, l.epsilon)), times(rate[0], p))
	return b.result(b.concat(dq, dv))
}
