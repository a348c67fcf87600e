package layers

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Sum adds the results of modules that get the same input: known physics and a network
// for what is missing, say. Module i is placed under "name/i". If a member depends on
// time so does the whole.
type Sum []Module

// Place implements [Module].
func (m Sum) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	members, err := placeAll("Sum", m, g, name, dt, r)
	if err != nil {
		return nil, err
	}
	l := placedSum{name, members}
	if nodes.IsTimed(members...) {
		return timedSum{l}, nil
	}
	return l, nil
}

// StateShape is that of the first member that knows one.
func (m Sum) StateShape() []int {
	for _, module := range m {
		if s := nodes.StateShape(module); s != nil {
			return s
		}
	}
	return nil
}

type placedSum struct {
	name    string
	members placedAll
}

func (l placedSum) Learnables() G.Nodes { return l.members.Learnables() }

func (l placedSum) Fwd(x *G.Node) (*G.Node, error) { return l.at(nil, x) }

func (l placedSum) at(t, x *G.Node) (sum *G.Node, err error) {
	for i, member := range l.members {
		y, err := nodes.Forward(member, t, x)
		if err != nil {
			return nil, err
		}
		switch {
		case i == 0:
			sum = y
		case !y.Shape().Eq(sum.Shape()):
			return nil, &ShapeError{What: fmt.Sprintf("%s: result of member %d", l.name, i), Got: y.Shape().Clone(), Want: fmt.Sprintf("%v, as of member 0", sum.Shape())}
		default:
			if sum, err = G.Add(sum, y); err != nil {
				return nil, fmt.Errorf("layers: %s: adding member %d: %w", l.name, i, err)
			}
		}
	}
	return sum, nil
}

type timedSum struct{ placedSum }

func (l timedSum) Fwd(*G.Node) (*G.Node, error) { return nil, errNeedsTime(l.name) }

func (l timedSum) FwdAt(t, y *G.Node) (*G.Node, error) { return l.at(t, y) }

// placedAll are the members of a module that is a list.
type placedAll []Layer

// placeAll places member i under "name/i".
func placeAll(what string, modules []Module, g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (placedAll, error) {
	var faults []string
	for i, module := range modules {
		if module == nil {
			faults = append(faults, fmt.Sprintf("module %d is nil", i))
		}
	}
	if len(modules) == 0 {
		faults = append(faults, "there are no modules; Identity is the one that does nothing")
	}
	if faults != nil {
		return nil, &ConfigError{What: what, Faults: faults}
	}
	r = sourceOr(r)
	all := make(placedAll, len(modules))
	for i, module := range modules {
		var err error
		if all[i], err = module.Place(g, nodes.Join(name, strconv.Itoa(i)), dt, r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (l placedAll) Learnables() G.Nodes {
	var all G.Nodes
	for _, member := range l {
		all = append(all, member.Learnables()...)
	}
	return all
}
