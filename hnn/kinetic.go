package hnn

import (
	"fmt"
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

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
		return nil, &ConfigError{What: "Kinetic", Faults: faults}
	}
	l := &placedKinetic{name: name, masses: k.Masses}
	if k.Learn {
		var err error
		if l.log, err = learnable(g, nodes.Join(name, "log_mass"), dt, logs, 1, len(logs)); err != nil {
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
		return nil, &ShapeError{What: "Kinetic " + l.name + ": the momenta", Got: s.Clone(), Want: want}
	}
	b := build(p)
	squares := b.Square(p)
	switch {
	case l.log != nil:
		return b.result(b.Scale(b.MatMul(squares, b.transpose(b.Exp(b.Neg(l.log)))), 0.5))
	case l.masses != nil:
		var sum *G.Node
		for i, m := range l.masses {
			e := b.Scale(b.columns(squares, i, i+1), 0.5/m)
			if i == 0 {
				sum = e
			} else {
				sum = b.Add(sum, e)
			}
		}
		return b.result(sum)
	default:
		return b.result(b.Scale(b.rowSums(squares), 0.5))
	}
}
