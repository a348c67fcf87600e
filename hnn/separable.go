package hnn

import (
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Separable is the energy H = T(p) + V(q), what explicit symplectic methods
// ask for. T and V are modules of (batch, n), momenta or positions, to energies
// (batch, 1). Their learnables are under "name/T" and "name/V".
type Separable struct {
	T Module // kinetic energy of the momenta; nil means Kinetic{}, ½|p|²
	V Module // potential energy of the positions

	Kinks bool // accepts energies with kinks where it is compiled by itself; see Field.Kinks
}

func (s Separable) kinetic() Module {
	if s.T == nil {
		return Kinetic{}
	}
	return s.T
}

// Place implements [Module].
func (s Separable) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	if s.V == nil {
		return nil, &ConfigError{What: "Separable", Faults: []string{"V is nil; it is the module of the potential energy"}}
	}
	l := &placedSeparable{name: name}
	var err error
	if l.t, err = s.kinetic().Place(g, nodes.Join(name, "T"), dt, r); err != nil {
		return nil, err
	}
	if l.v, err = s.V.Place(g, nodes.Join(name, "V"), dt, r); err != nil {
		return nil, err
	}
	if nodes.IsTimed(l.t, l.v) {
		return timedSeparable{l}, nil
	}
	return l, nil
}

// StateShape is (2n), or nil if neither T nor V knows n.
func (s Separable) StateShape() []int {
	for _, m := range []Module{s.V, s.kinetic()} {
		if d := nodes.StateShape(m); len(d) == 1 && d[0] > 0 {
			return []int{2 * d[0]}
		}
	}
	return nil
}

type placedSeparable struct {
	name string
	t, v Layer
}

func (l *placedSeparable) Learnables() G.Nodes {
	return append(append(G.Nodes(nil), l.t.Learnables()...), l.v.Learnables()...)
}

func (l *placedSeparable) Fwd(z *G.Node) (*G.Node, error) { return l.at(nil, z) }

func (l *placedSeparable) at(t, z *G.Node) (*G.Node, error) {
	_, q, p, err := splitState("Separable "+l.name, z)
	if err != nil {
		return nil, err
	}
	return l.energyOf(t, q, p)
}

func (l *placedSeparable) energyOf(t, q, p *G.Node) (*G.Node, error) {
	kinetic, err := nodes.Forward(l.t, t, p)
	if err != nil {
		return nil, err
	}
	potential, err := nodes.Forward(l.v, t, q)
	if err != nil {
		return nil, err
	}
	for _, e := range []*G.Node{kinetic, potential} {
		if err := checkColumn("Separable "+l.name+": the energy", e, q.Shape()[0]); err != nil {
			return nil, err
		}
	}
	b := build(q)
	return b.result(b.Add(kinetic, potential))
}

type timedSeparable struct{ *placedSeparable }

func (l timedSeparable) FwdAt(t, z *G.Node) (*G.Node, error) { return l.at(t, z) }

func (l timedSeparable) Fwd(*G.Node) (*G.Node, error) {
	return nil, &ConfigError{What: "Separable " + l.name, Faults: []string{"the energy depends on time; call FwdAt(t, z)"}}
}
