package layers

import (
	"math/rand/v2"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Func is a function of nodes as a module without learnables: known physics, a fixed
// transformation. A [Custom] is for functions with learnables.
type Func func(x *G.Node) (*G.Node, error)

// Place implements [Module]; it adds nothing to g.
func (f Func) Place(_ *G.ExprGraph, name string, _ tensor.Dtype, _ *rand.Rand) (Layer, error) {
	if f == nil {
		return nil, &ConfigError{What: "Func", Faults: []string{"the function is nil"}}
	}
	return placedFunc{name, f}, nil
}

type placedFunc struct {
	name string
	f    Func
}

func (placedFunc) Learnables() G.Nodes { return nil }

func (l placedFunc) Fwd(x *G.Node) (*G.Node, error) {
	if x == nil {
		panic("layers: nil input")
	}
	return guarded(l.name, func() (*G.Node, error) { return l.f(x) })
}

// FuncAt is a [Func] of time and state; t is a (batch, 1) column.
type FuncAt func(t, y *G.Node) (*G.Node, error)

// Place implements [Module]; it adds nothing to g.
func (f FuncAt) Place(_ *G.ExprGraph, name string, _ tensor.Dtype, _ *rand.Rand) (Layer, error) {
	if f == nil {
		return nil, &ConfigError{What: "FuncAt", Faults: []string{"the function is nil"}}
	}
	return placedFuncAt{name, f}, nil
}

type placedFuncAt struct {
	name string
	f    FuncAt
}

func (placedFuncAt) Learnables() G.Nodes            { return nil }
func (l placedFuncAt) Fwd(*G.Node) (*G.Node, error) { return nil, errNeedsTime(l.name) }

func (l placedFuncAt) FwdAt(t, y *G.Node) (*G.Node, error) {
	if t == nil || y == nil {
		panic("layers: nil input")
	}
	return guarded(l.name, func() (*G.Node, error) { return l.f(t, y) })
}

// cure says what to try about an error of Gorgonia that does not.
func cure(text string) string {
	if strings.Contains(text, "No Graph Supplied") {
		return "; an operation on constants alone has no graph: make them by layers.Const"
	}
	return ""
}
