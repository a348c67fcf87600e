package layers

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Custom is a module made of a function of nodes. Exactly one of Forward and
// ForwardAt is set; with ForwardAt the layer depends on time.
//
// The function is called once for every Fwd or FwdAt. It may use any operation
// of Gorgonia. Constants that it makes need names of their own
// (G.WithName) that carry the value and the type, since Gorgonia tells
// constants apart by name alone.
type Custom struct {
	Params []Param // the learnables, in order; none: a fixed function

	// Forward returns the layer's result for x; w are the nodes of Params.
	Forward func(x *G.Node, w G.Nodes) (*G.Node, error)

	// ForwardAt is Forward at a time, t being a (batch, 1) column.
	ForwardAt func(t, y *G.Node, w G.Nodes) (*G.Node, error)

	// State is the shape of one sample of the input, without the batch axis;
	// nil: not known.
	State []int
}

// Param declares a learnable of a [Custom] module.
type Param struct {
	Name  string // unique in the module; the node's name is "name/Name"
	Shape []int  // at least one axis
	Init  Init   // zero: GlorotUniform(1)
}

// Place implements [Module].
func (m Custom) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	w := make(G.Nodes, len(m.Params))
	for i, p := range m.Params {
		var err error
		if w[i], err = Learnable(g, nodes.Join(name, p.Name), dt, p.Shape, p.Init, r); err != nil {
			return nil, err
		}
	}
	l := placedCustom{name: name, m: m, w: w}
	if m.ForwardAt != nil {
		return timedCustom{l}, nil
	}
	return l, nil
}

// StateShape is State.
func (m Custom) StateShape() []int { return m.State }

func (m Custom) validate() error {
	var faults []string
	if (m.Forward == nil) == (m.ForwardAt == nil) {
		faults = append(faults, "set exactly one of Forward and ForwardAt")
	}
	seen := map[string]bool{}
	for i, p := range m.Params {
		if p.Name == "" {
			faults = append(faults, fmt.Sprintf("Params[%d] has no name", i))
		} else if seen[p.Name] {
			faults = append(faults, fmt.Sprintf("Params[%d] is a second %q", i, p.Name))
		}
		seen[p.Name] = true
	}
	if faults != nil {
		return &ConfigError{What: "Custom", Faults: faults}
	}
	return nil
}

type placedCustom struct {
	name string
	m    Custom
	w    G.Nodes
}

func (l placedCustom) Learnables() G.Nodes { return append(G.Nodes(nil), l.w...) }

func (l placedCustom) Fwd(x *G.Node) (*G.Node, error) {
	if x == nil {
		panic("layers: nil input")
	}
	y, err := l.m.Forward(x, l.Learnables())
	return l.check(y, err)
}

type timedCustom struct{ placedCustom }

func (l timedCustom) FwdAt(t, y *G.Node) (*G.Node, error) {
	if t == nil || y == nil {
		panic("layers: nil input")
	}
	dy, err := l.m.ForwardAt(t, y, l.Learnables())
	return l.check(dy, err)
}

func (l timedCustom) Fwd(x *G.Node) (*G.Node, error) {
	return nil, &ConfigError{What: l.name, Faults: []string{"the module depends on time; call FwdAt(t, y)"}}
}

func (l placedCustom) check(y *G.Node, err error) (*G.Node, error) {
	if err != nil {
		return nil, fmt.Errorf("layers: %s: %w", l.name, err)
	}
	if y == nil {
		return nil, &ConfigError{What: l.name, Faults: []string{"the function returned neither a node nor an error"}}
	}
	return y, nil
}
