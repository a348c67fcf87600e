package hnn

import (
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// LagrangianEnergy is the energy E = v·∂L/∂v − L of a Lagrangian at states (q, v): an
// energy for [NewEnergy], conserved where L does not depend on time and no forces act.
// Its learnables are those of L.
type LagrangianEnergy struct{ L Module }

// Legendre maps states (q, v) of a Lagrangian to (q, p) with the momenta p = ∂L/∂v: the
// states of the Hamiltonian system with H(q, p) = E. It is a module of (batch, 2n) to
// (batch, 2n); compile it with graph.NewFunction. Its learnables are those of L.
type Legendre struct{ L Module }

// Place implements [Module].
func (m LagrangianEnergy) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	return placeMap("LagrangianEnergy", m.L, g, name, dt, r, func(b builder, m motion) *G.Node {
		return b.Sub(b.rowSums(b.Mul(m.v, m.lv)), m.l)
	})
}

// Place implements [Module].
func (m Legendre) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	return placeMap("Legendre", m.L, g, name, dt, r, func(b builder, m motion) *G.Node { return b.concat(m.q, m.lv) })
}

// StateShape is that of L.
func (m LagrangianEnergy) StateShape() []int { return nodes.StateShape(m.L) }

// StateShape is that of L.
func (m Legendre) StateShape() []int { return nodes.StateShape(m.L) }

// placedMap is a function of a Lagrangian and its first derivatives.
type placedMap struct {
	Layer // of L
	name  string
	of    func(b builder, m motion) *G.Node
}

func placeMap(what string, lagrangian Module, g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand, of func(builder, motion) *G.Node) (Layer, error) {
	if lagrangian == nil {
		return nil, &ConfigError{What: what, Faults: []string{"L is nil; it is the module of the Lagrangian"}}
	}
	l, err := lagrangian.Place(g, name, dt, r)
	if err != nil {
		return nil, err
	}
	m := placedMap{Layer: l, name: name, of: of}
	if nodes.IsTimed(l) {
		return timedMap{m}, nil
	}
	return m, nil
}

func (l placedMap) at(t, z *G.Node) (*G.Node, error) {
	m, err := motionOf(l.name, l.Layer, t, z, true)
	if err != nil {
		return nil, err
	}
	b := build(z)
	return b.result(l.of(b, m))
}

func (l placedMap) Fwd(z *G.Node) (*G.Node, error) { return l.at(nil, z) }

type timedMap struct{ placedMap }

func (l timedMap) FwdAt(t, z *G.Node) (*G.Node, error) { return l.at(t, z) }
