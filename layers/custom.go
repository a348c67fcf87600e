package layers

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Custom is a module made of a function of nodes. Exactly one of Forward, ForwardAt
// and ForwardInput is set; with ForwardAt the layer depends on time, with
// ForwardInput on time and exogenous inputs.
//
// The function is called once for every Fwd or FwdAt. It may use any operation of
// Gorgonia, or an [Expr]. Its constants are best made by [Const]. A panic in it, as
// Gorgonia's of operations on constants alone, is an error of the module.
type Custom struct {
	Params  []Param  // the learnables, in order; none: a fixed function
	Modules []Member // modules that the function uses; their learnables follow those of Params

	// Forward returns the layer's result for x.
	Forward func(x *G.Node, in Parts) (*G.Node, error)

	// ForwardAt is Forward at a time, t being a (batch, 1) column.
	ForwardAt func(t, y *G.Node, in Parts) (*G.Node, error)

	// ForwardInput is ForwardAt with the inputs u, (batch, channels), that
	// graph.FieldConfig.Input asks for, and their rates du, nil without Rates.
	ForwardInput func(t, u, du, y *G.Node, in Parts) (*G.Node, error)

	// State is the shape of one sample of the input, without the batch axis;
	// nil: not known.
	State []int
}

// Param declares a learnable of a [Custom] or of [Equations].
type Param struct {
	Name  string // unique in the module; the node's name is "name/Name"
	Shape []int  // nil: (1, 1), a number
	Init  Init   // zero: GlorotUniform(1)
}

// Member declares a module inside another.
type Member struct {
	Name   string // unique in the module; it is placed under "name/Name"
	Module Module
}

// Parts are the nodes and layers that a module's declarations were placed as, in their
// order. They must not be changed.
type Parts struct {
	Params G.Nodes
	Layers []Layer
}

// Place implements [Module].
func (m Custom) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	faults := declarations(m.Params, m.Modules)
	set := 0
	for _, is := range []bool{m.Forward != nil, m.ForwardAt != nil, m.ForwardInput != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		faults = append(faults, "set exactly one of Forward, ForwardAt and ForwardInput")
	}
	if faults != nil {
		return nil, &ConfigError{What: "Custom", Faults: faults}
	}
	l := placedCustom{name: name, m: m}
	var err error
	if l.parts, err = placeParts(g, name, dt, sourceOr(r), m.Params, m.Modules); err != nil {
		return nil, err
	}
	switch {
	case m.ForwardAt != nil:
		return timedCustom{l}, nil
	case m.ForwardInput != nil:
		return drivenCustom{l}, nil
	}
	return l, nil
}

// StateShape is State.
func (m Custom) StateShape() []int { return m.State }

// declarations returns what is wrong with the declarations of a module.
func declarations(params []Param, members []Member) (faults []string) {
	seen := map[string]bool{}
	check := func(what string, i int, name string) {
		switch {
		case name == "":
			faults = append(faults, fmt.Sprintf("%s[%d] has no name", what, i))
		case seen[name]:
			faults = append(faults, fmt.Sprintf("%s[%d] is a second %q", what, i, name))
		}
		seen[name] = true
	}
	for i, p := range params {
		check("Params", i, p.Name)
	}
	for i, m := range members {
		check("Modules", i, m.Name)
		if m.Module == nil {
			faults = append(faults, fmt.Sprintf("Modules[%d] is nil", i))
		}
	}
	return faults
}

// placeParts places what a module declares.
func placeParts(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand, params []Param, members []Member) (in Parts, err error) {
	for _, p := range params {
		if p.Shape == nil {
			p.Shape = []int{1, 1}
		}
		w, err := Learnable(g, nodes.Join(name, p.Name), dt, p.Shape, p.Init, r)
		if err != nil {
			return in, err
		}
		in.Params = append(in.Params, w)
	}
	for _, m := range members {
		l, err := m.Module.Place(g, nodes.Join(name, m.Name), dt, r)
		if err != nil {
			return in, err
		}
		in.Layers = append(in.Layers, l)
	}
	return in, nil
}

func (in Parts) learnables() G.Nodes {
	all := append(G.Nodes(nil), in.Params...)
	for _, l := range in.Layers {
		all = append(all, l.Learnables()...)
	}
	return all
}

type placedCustom struct {
	name  string
	m     Custom
	parts Parts
}

func (l placedCustom) Learnables() G.Nodes { return l.parts.learnables() }

func (l placedCustom) Fwd(x *G.Node) (*G.Node, error) {
	if x == nil {
		panic("layers: nil input")
	}
	return guarded(l.name, func() (*G.Node, error) { return l.m.Forward(x, l.parts) })
}

type timedCustom struct{ placedCustom }

func (l timedCustom) FwdAt(t, y *G.Node) (*G.Node, error) {
	if t == nil || y == nil {
		panic("layers: nil input")
	}
	return guarded(l.name, func() (*G.Node, error) { return l.m.ForwardAt(t, y, l.parts) })
}

func (l timedCustom) Fwd(*G.Node) (*G.Node, error) { return nil, errNeedsTime(l.name) }

type drivenCustom struct{ placedCustom }

func (l drivenCustom) FwdInput(t, u, du, y *G.Node) (*G.Node, error) {
	if t == nil || u == nil || y == nil {
		panic("layers: nil input")
	}
	return guarded(l.name, func() (*G.Node, error) { return l.m.ForwardInput(t, u, du, y, l.parts) })
}

func (l drivenCustom) Fwd(*G.Node) (*G.Node, error) {
	return nil, &ConfigError{What: l.name, Faults: []string{"the module has inputs; call FwdInput(t, u, du, y), or set graph.FieldConfig.Input"}}
}

// errNeedsTime is the error of Fwd on a layer that depends on time.
func errNeedsTime(name string) error {
	return &ConfigError{What: name, Faults: []string{"the module depends on time; call FwdAt(t, y)"}}
}

// guarded runs a user's function; its errors and panics carry the layer's name.
func guarded(name string, f func() (*G.Node, error)) (y *G.Node, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			y, err = nil, fmt.Errorf("layers: %s: panic: %w%s", name, p, cure(p.Error()))
		default:
			y, err = nil, fmt.Errorf("layers: %s: panic: %v%s", name, p, cure(fmt.Sprint(p)))
		}
	}()
	y, err = f()
	if err != nil {
		return nil, fmt.Errorf("layers: %s: %w%s", name, err, cure(err.Error()))
	}
	if y == nil {
		return nil, &ConfigError{What: name, Faults: []string{"the function returned neither a node nor an error"}}
	}
	return y, nil
}
