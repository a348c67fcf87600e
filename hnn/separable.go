package hnn

import (
	"fmt"
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Separable is the energy H = T(p) + V(q), what explicit symplectic methods
// ask for. T and V are modules of (batch, n), momenta or positions, to energies
// (batch, 1). Their learnables are under "name/T" and "name/V".
type Separable struct {
	T Module // kinetic energy of the momenta; nil means Kinetic{}, ½|p|²
	V Module // potential energy of the positions
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
		return nil, &ConfigError{"Separable", []string{"V is nil; it is the module of the potential energy"}}
	}
	l := &placedSeparable{name: name}
	var err error
	if l.t, err = s.kinetic().Place(g, join(name, "T"), dt, r); err != nil {
		return nil, err
	}
	if l.v, err = s.V.Place(g, join(name, "V"), dt, r); err != nil {
		return nil, err
	}
	if isTimed(l.t, l.v) {
		return timedSeparable{l}, nil
	}
	return l, nil
}

// StateShape is (2n), or nil if neither T nor V knows n.
func (s Separable) StateShape() []int {
	for _, m := range []Module{s.V, s.kinetic()} {
		if d := stateShape(m); len(d) == 1 && d[0] > 0 {
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
	n, err := checkState("Separable "+l.name, z)
	if err != nil {
		return nil, err
	}
	b := build(z)
	q, p := b.columns(z, 0, n), b.columns(z, n, 2*n)
	if b.err != nil {
		return nil, b.err
	}
	return l.energyOf(t, q, p)
}

func (l *placedSeparable) energyOf(t, q, p *G.Node) (*G.Node, error) {
	kinetic, err := forward(l.t, t, p)
	if err != nil {
		return nil, err
	}
	potential, err := forward(l.v, t, q)
	if err != nil {
		return nil, err
	}
	for _, e := range []*G.Node{kinetic, potential} {
		if err := checkColumn("Separable "+l.name+": the energy", e, q.Shape()[0]); err != nil {
			return nil, err
		}
	}
	b := build(q)
	return b.result(b.add(kinetic, potential))
}

type timedSeparable struct{ *placedSeparable }

func (l timedSeparable) FwdAt(t, z *G.Node) (*G.Node, error) { return l.at(t, z) }

func (l timedSeparable) Fwd(*G.Node) (*G.Node, error) {
	return nil, &ConfigError{"Separable " + l.name, []string{"the energy depends on time; call FwdAt(t, z)"}}
}

// Kinetic is the energy Σ pᵢ²/2mᵢ of momenta, (batch, n) to (batch, 1): the T
// of a [Separable] energy.
type Kinetic struct {
	// Masses are the n masses, or where learning begins; nil means all 1.
	Masses []float64

	// Learn makes the masses learnable: "name/log_mass", their logarithms, of
	// shape (1, n). Masses must then be given.
	Learn bool
}

// Place implements [Module].
func (k Kinetic) Place(g *G.ExprGraph, name string, dt tensor.Dtype, _ *rand.Rand) (Layer, error) {
	var faults []string
	logs := make([]float64, len(k.Masses))
	for i, m := range k.Masses {
		if !(m > 0) || math.IsInf(m, 1) {
			faults = append(faults, fmt.Sprintf("Masses[%d] is %v; it must be positive", i, m))
		}
		logs[i] = math.Log(m)
	}
	if k.Learn && len(k.Masses) == 0 {
		faults = append(faults, "Learn needs Masses to begin with")
	}
	if faults != nil {
		return nil, &ConfigError{"Kinetic", faults}
	}
	l := &placedKinetic{name: name, masses: k.Masses}
	if k.Learn {
		var err error
		if l.log, err = learnable(g, join(name, "log_mass"), dt, logs, 1, len(logs)); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// StateShape is (n) if Masses are given, else nil.
func (k Kinetic) StateShape() []int {
	if len(k.Masses) == 0 {
		return nil
	}
	return []int{len(k.Masses)}
}

type placedKinetic struct {
	name   string
	masses []float64
	log    *G.Node
}

func (l *placedKinetic) Learnables() G.Nodes {
	if l.log == nil {
		return nil
	}
	return G.Nodes{l.log}
}

func (l *placedKinetic) Fwd(p *G.Node) (*G.Node, error) {
	if p == nil {
		panic("hnn: nil node")
	}
	s := p.Shape()
	if s.Dims() != 2 || l.masses != nil && s[1] != len(l.masses) {
		want := "(batch, n)"
		if l.masses != nil {
			want = fmt.Sprintf("(batch, %d), one momentum for each mass", len(l.masses))
		}
		return nil, &ShapeError{"Kinetic " + l.name + ": the momenta", s.Clone(), want}
	}
	b := build(p)
	squares := b.square(p)
	switch {
	case l.log != nil:
		return b.result(b.scale(b.matmul(squares, b.transpose(b.exp(b.neg(l.log)))), 0.5))
	case l.masses != nil:
		var sum *G.Node
		for i, m := range l.masses {
			e := b.scale(b.columns(squares, i, i+1), 0.5/m)
			if i == 0 {
				sum = e
			} else {
				sum = b.add(sum, e)
			}
		}
		return b.result(sum)
	default:
		return b.result(b.scale(b.rowSums(squares), 0.5))
	}
}

// Sum is the energy H₁ + H₂ + …, such as a known part and a learned correction.
// The learnables of part i are under "name/i".
type Sum []Module

// Place implements [Module].
func (s Sum) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	if len(s) == 0 {
		return nil, &ConfigError{"Sum", []string{"no parts; give at least one energy"}}
	}
	l := &placedSum{name: name}
	for i, m := range s {
		if m == nil {
			return nil, &ConfigError{"Sum", []string{fmt.Sprintf("part %d is nil", i)}}
		}
		part, err := m.Place(g, join(name, fmt.Sprint(i)), dt, r)
		if err != nil {
			return nil, err
		}
		l.parts = append(l.parts, part)
	}
	if isTimed(l.parts...) {
		return timedSum{l}, nil
	}
	return l, nil
}

// StateShape is that of the first part that knows one.
func (s Sum) StateShape() []int {
	for _, m := range s {
		if d := stateShape(m); d != nil {
			return d
		}
	}
	return nil
}

type placedSum struct {
	name  string
	parts []Layer
}

func (l *placedSum) Learnables() G.Nodes {
	var all G.Nodes
	for _, p := range l.parts {
		all = append(all, p.Learnables()...)
	}
	return all
}

func (l *placedSum) Fwd(z *G.Node) (*G.Node, error) { return l.at(nil, z) }

func (l *placedSum) at(t, z *G.Node) (*G.Node, error) {
	if z == nil {
		panic("hnn: nil node")
	}
	b := build(z)
	var sum *G.Node
	for i, p := range l.parts {
		e, err := forward(p, t, z)
		if err != nil {
			return nil, err
		}
		if err := checkColumn(fmt.Sprintf("Sum %s: energy %d", l.name, i), e, z.Shape()[0]); err != nil {
			return nil, err
		}
		if i == 0 {
			sum = e
		} else {
			sum = b.add(sum, e)
		}
	}
	return b.result(sum)
}

type timedSum struct{ *placedSum }

func (l timedSum) FwdAt(t, z *G.Node) (*G.Node, error) { return l.at(t, z) }

func (l timedSum) Fwd(*G.Node) (*G.Node, error) {
	return nil, &ConfigError{"Sum " + l.name, []string{"the energy depends on time; call FwdAt(t, z)"}}
}
