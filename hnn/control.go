package hnn

import (
	"fmt"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Control is a drive G·u(t) with a learned matrix G, constant in z, and a known
// input u: a module for [Field.Drive].
type Control struct {
	// Inputs is the number of components of u.
	Inputs int

	// Outputs is n, a force on each momentum, or 2n.
	Outputs int

	// U returns the input at times t, (batch, 1), as (batch, Inputs).
	U func(t *G.Node) (*G.Node, error)

	// G is the initial value, (Outputs, Inputs) row-major; nil draws from
	// N(0, 0.1²).
	G []float64
}

// Place implements [Module].
func (c Control) Place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand) (Layer, error) {
	var faults []string
	if c.Inputs < 1 || c.Outputs < 1 {
		faults = append(faults, fmt.Sprintf("Inputs is %d and Outputs is %d; both must be at least 1", c.Inputs, c.Outputs))
	} else if c.G != nil && len(c.G) != c.Inputs*c.Outputs {
		faults = append(faults, fmt.Sprintf("G has %d numbers; it must have %d×%d", len(c.G), c.Outputs, c.Inputs))
	}
	if c.U == nil {
		faults = append(faults, "U is nil; it is the input as a function of time")
	}
	if c.G == nil && r == nil {
		faults = append(faults, "G is drawn at random and the random source is nil; give one")
	}
	if faults != nil {
		return nil, &ConfigError{What: "Control", Faults: faults}
	}
	w, err := learnable(g, nodes.Join(name, "G"), dt, initial(c.G, c.Inputs*c.Outputs, r), c.Outputs, c.Inputs)
	if err != nil {
		return nil, err
	}
	return placedControl{name, c, w}, nil
}

type placedControl struct {
	name string
	c    Control
	w    *G.Node
}

func (l placedControl) Learnables() G.Nodes { return G.Nodes{l.w} }

func (l placedControl) Fwd(*G.Node) (*G.Node, error) {
	return nil, &ConfigError{What: "Control " + l.name, Faults: []string{"the input depends on time; call FwdAt(t, z)"}}
}

func (l placedControl) FwdAt(t, z *G.Node) (*G.Node, error) {
	u, err := l.c.U(t)
	if err != nil {
		return nil, fmt.Errorf("hnn: Control %s: %w", l.name, err)
	}
	if want := (tensor.Shape{z.Shape()[0], l.c.Inputs}); !u.Shape().Eq(want) {
		return nil, &ShapeError{What: "Control " + l.name + ": the result of U", Got: u.Shape().Clone(), Want: fmt.Sprint(want)}
	}
	b := build(z)
	return b.result(b.MatMul(u, b.transpose(l.w)))
}
