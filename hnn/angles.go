package hnn

import (
	"fmt"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Angles puts angles on the circle: it passes its input (batch, m) on to Of with each of
// Columns replaced by its cosine and its sine, so that what Of computes has the period 2π
// in them. Of gets (batch, m + len(Columns)): the other columns in their order, then the
// cosines, then the sines. Learnables are those of Of, under the same name.
//
// It is for the energies, potentials and matrices of [Field], [Lagrangian],
// [Mechanical] and [Port] where positions are angles.
type Angles struct {
	Of      Module
	Columns []int // of the input, from 0
}

// Place implements [Module].
func (m Angles) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	var faults []string
	if m.Of == nil {
		faults = append(faults, "Of is nil; it is the module of the cosines and sines")
	}
	for i, c := range m.Columns {
		if c < 0 || slices.Contains(m.Columns[:i], c) {
			faults = append(faults, fmt.Sprintf("Columns[%d] is %d; columns count from 0, each once", i, c))
		}
	}
	if faults != nil {
		return nil, &ConfigError{What: "Angles", Faults: faults}
	}
	of, err := m.Of.Place(g, name, dt, r)
	if err != nil {
		return nil, err
	}
	l := placedAngles{Layer: of, name: name, columns: slices.Clone(m.Columns)}
	if nodes.IsTimed(of) {
		return timedAngles{l}, nil
	}
	return l, nil
}

// StateShape is the width that Of takes without the sines, or nil if Of knows none.
func (m Angles) StateShape() []int {
	if s := nodes.StateShape(m.Of); len(s) == 1 && s[0] > len(m.Columns) {
		return []int{s[0] - len(m.Columns)}
	}
	return nil
}

type placedAngles struct {
	Layer
	name    string
	columns []int
}

func (l placedAngles) Fwd(x *G.Node) (*G.Node, error) { return l.at(nil, x) }

func (l placedAngles) at(t, x *G.Node) (*G.Node, error) {
	if x == nil {
		panic("hnn: nil node")
	}
	if s := x.Shape(); s.Dims() != 2 || len(l.columns) > 0 && slices.Max(l.columns) >= s[1] {
		return nil, &ShapeError{What: "Angles " + l.name + ": the input", Got: s.Clone(), Want: fmt.Sprintf("(batch, m) with the columns %v", l.columns)}
	}
	b := build(x)
	var parts G.Nodes
	for i, start := 0, 0; i <= x.Shape()[1]; i++ {
		if i < x.Shape()[1] && !slices.Contains(l.columns, i) {
			continue
		}
		if start < i {
			parts = append(parts, b.columns(x, start, i))
		}
		start = i + 1
	}
	var sines G.Nodes
	for i := 0; i < len(l.columns); {
		first := l.columns[i]
		n := 1
		for i+n < len(l.columns) && l.columns[i+n] == first+n {
			n++
		}
		angles := b.columns(x, first, first+n)
		parts, sines = append(parts, b.Cos(angles)), append(sines, b.Sin(angles))
		i += n
	}
	var all *G.Node
	for _, part := range append(parts, sines...) {
		if all == nil {
			all = part
		} else {
			all = b.concat(all, part)
		}
	}
	if b.Err() != nil {
		return nil, b.Err()
	}
	return nodes.Forward(l.Layer, t, all)
}

type timedAngles struct{ placedAngles }

func (l timedAngles) FwdAt(t, x *G.Node) (*G.Node, error) { return l.at(t, x) }
