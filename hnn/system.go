package hnn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// system is an energy written down: a system with n degrees of freedom and
// positive parameters, each of which may be learned.
type system struct {
	what   string
	n      int
	params []parameter
	learn  []string

	// energy returns (batch, 1). c are the parameters, q and p the columns of
	// positions and momenta.
	energy func(b builder, c []quantity, q, p []*G.Node) *G.Node
}

// parameter is a physical constant of a known system; value 0 means fallback.
type parameter struct {
	name            string
	value, fallback float64
}

func (k system) Place(g *G.ExprGraph, name string, dt tensor.Dtype, _ *rand.Rand) (Layer, error) {
	l := &placedSystem{system: k, name: name}
	var faults, names []string
	for _, p := range k.params {
		names = append(names, p.name)
		v := p.value
		if v == 0 {
			v = p.fallback
		}
		if !(v > 0) || math.IsInf(v, 1) {
			faults = append(faults, fmt.Sprintf("%s is %v; it must be positive", p.name, v))
		}
		l.c = append(l.c, quantity{value: v})
	}
	for _, s := range k.learn {
		if !slices.Contains(names, s) {
			faults = append(faults, fmt.Sprintf("Learn has %q; the parameters are %s", s, strings.Join(names, ", ")))
		}
	}
	if faults != nil {
		return nil, &ConfigError{What: k.what, Faults: faults}
	}
	for i, p := range k.params {
		if !slices.Contains(k.learn, p.name) {
			continue
		}
		logarithm, err := learnable(g, nodes.Join(name, "log_"+p.name), dt, []float64{math.Log(l.c[i].value)}, 1, 1)
		if err != nil {
			return nil, err
		}
		l.learned = append(l.learned, logarithm)
		l.c[i].node = logarithm
	}
	return l, nil
}

type placedSystem struct {
	system
	name    string
	c       []quantity // node is the learned logarithm
	learned G.Nodes
}

func (l *placedSystem) Learnables() G.Nodes { return append(G.Nodes(nil), l.learned...) }

func (l *placedSystem) Fwd(z *G.Node) (*G.Node, error) {
	_, q, p, err := splitState(l.what+" "+l.name, z)
	if err != nil {
		return nil, err
	}
	return l.energyOf(nil, q, p)
}

func (l *placedSystem) energyOf(_, q, p *G.Node) (*G.Node, error) {
	if s := q.Shape(); s[1] != l.n {
		return nil, &ShapeError{What: l.what + " " + l.name + ": the positions", Got: s.Clone(), Want: fmt.Sprintf("(batch, %d)", l.n)}
	}
	b := build(q)
	c := slices.Clone(l.c)
	for i := range c {
		if c[i].node != nil {
			c[i].node = b.Exp(c[i].node)
		}
	}
	qs, ps := make([]*G.Node, l.n), make([]*G.Node, l.n)
	for i := range l.n {
		qs[i], ps[i] = b.columns(q, i, i+1), b.columns(p, i, i+1)
	}
	if b.Err() != nil {
		return nil, b.Err()
	}
	return b.result(l.energy(b, c, qs, ps))
}

// squares is the sum of the squares of columns.
func (b builder) squares(xs []*G.Node) *G.Node {
	sum := b.Square(xs[0])
	for _, x := range xs[1:] {
		sum = b.Add(sum, b.Square(x))
	}
	return sum
}
