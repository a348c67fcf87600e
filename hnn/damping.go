package hnn

import (
	"fmt"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Damping is a dissipation R = LLᵀ with learned L. R is symmetric and positive
// semidefinite whatever L is, so that the energy of an undriven field never
// grows: dH/dt = −|Lᵀ∇H|².
type Damping struct {
	// Degrees is n, the number of positions. 0 asks H's StateShape.
	Degrees int

	// OnlyMomenta lets R act on ∂H/∂p alone, in dp/dt alone: friction. L is then
	// (n, Rank), otherwise (2n, Rank).
	OnlyMomenta bool

	// Rank is the number of columns of L; 0 means as many as it has rows.
	Rank int

	// L is the initial value, row-major; nil draws from N(0, 0.1²).
	L []float64
}

func (d *Damping) place(g *G.ExprGraph, name string, dt tensor.Dtype, r *rand.Rand, state []int) (*placedDamping, error) {
	rows := d.Degrees
	if rows == 0 && len(state) == 1 {
		rows = state[0] / 2
	}
	if !d.OnlyMomenta {
		rows *= 2
	}
	rank := d.Rank
	if rank == 0 {
		rank = rows
	}
	var faults []string
	if rows < 1 {
		faults = append(faults, "Degrees is not known from H; set it")
	}
	if rank < 0 {
		faults = append(faults, fmt.Sprintf("Rank is %d; it must not be negative", rank))
	}
	if d.L != nil && len(d.L) != rows*rank {
		faults = append(faults, fmt.Sprintf("L has %d numbers; it must have %d×%d", len(d.L), rows, rank))
	}
	if d.L == nil && r == nil {
		faults = append(faults, "L is drawn at random and the random source is nil; give one")
	}
	if faults != nil {
		return nil, &ConfigError{What: "Damping", Faults: faults}
	}
	l, err := learnable(g, nodes.Join(name, "L"), dt, initial(d.L, rows*rank, r), rows, rank)
	if err != nil {
		return nil, err
	}
	return &placedDamping{l: l, momenta: d.OnlyMomenta}, nil
}

// initial returns a copy of values or, if they are nil, n draws from N(0, 0.1²).
func initial(values []float64, n int, r *rand.Rand) []float64 {
	if values != nil {
		return slices.Clone(values)
	}
	draws := make([]float64, n)
	for i := range draws {
		draws[i] = 0.1 * r.NormFloat64()
	}
	return draws
}

type placedDamping struct {
	l       *G.Node
	momenta bool
}

// apply subtracts R∇H from (dq, dp). Rows are states, so R∇H is (∇H·L)·Lᵀ.
func (d *placedDamping) apply(b builder, dq, dp, hq, hp *G.Node) (*G.Node, *G.Node, error) {
	n := hp.Shape()[1]
	grad := hp
	if !d.momenta {
		grad = b.concat(hq, hp)
	}
	if b.Err() != nil {
		return nil, nil, b.Err()
	}
	if s := d.l.Shape(); s[0] != grad.Shape()[1] {
		return nil, nil, &ShapeError{What: "Damping: L", Got: s.Clone(), Want: fmt.Sprintf("(%d, rank) for this state", grad.Shape()[1])}
	}
	r := b.MatMul(b.MatMul(grad, d.l), b.transpose(d.l))
	if d.momenta {
		return dq, b.Sub(dp, r), b.Err()
	}
	return b.Sub(dq, b.columns(r, 0, n)), b.Sub(dp, b.columns(r, n, 2*n)), b.Err()
}

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
