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

	// Of, unless nil, makes L a function of the positions: a module of (batch, n) to
	// matrices (batch, rows·Rank), row-major. Rank must then be set, and L be nil.
	Of Module
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
	if rank == 0 && d.Of == nil {
		rank = rows
	}
	var faults []string
	if rows < 1 {
		faults = append(faults, "Degrees is not known from H; set it")
	}
	if d.Of != nil && (rank < 1 || d.L != nil) {
		faults = append(faults, "with Of, Rank must be set and L be nil")
	}
	if rank < 0 {
		faults = append(faults, fmt.Sprintf("Rank is %d; it must not be negative", rank))
	}
	if d.L != nil && len(d.L) != rows*rank {
		faults = append(faults, fmt.Sprintf("L has %d numbers; it must have %d×%d", len(d.L), rows, rank))
	}
	if d.L == nil && d.Of == nil && r == nil {
		faults = append(faults, "L is drawn at random and the random source is nil; give one")
	}
	if faults != nil {
		return nil, &ConfigError{What: "Damping", Faults: faults}
	}
	if d.Of != nil {
		of, err := d.Of.Place(g, nodes.Join(name, "L"), dt, r)
		if err != nil {
			return nil, err
		}
		return &placedDamping{of: of, rank: rank, momenta: d.OnlyMomenta}, nil
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
	of      Layer // in place of l
	rank    int   // with of
	momenta bool
}

// layer is what of the damping may depend on time, or nil.
func (d *placedDamping) layer() Layer {
	if d == nil {
		return nil
	}
	return d.of
}

func (d *placedDamping) learnables() G.Nodes {
	if d.of != nil {
		return d.of.Learnables()
	}
	return G.Nodes{d.l}
}

// product returns R·grad for rows grad, which is (grad·L)·Lᵀ.
func (d *placedDamping) product(b builder, t, q, grad *G.Node) (*G.Node, error) {
	batch, rows := grad.Shape()[0], grad.Shape()[1]
	if d.of == nil {
		if s := d.l.Shape(); s[0] != rows {
			return nil, &ShapeError{What: "Damping: L", Got: s.Clone(), Want: fmt.Sprintf("(%d, rank) for this state", rows)}
		}
		return b.MatMul(b.MatMul(grad, d.l), b.transpose(d.l)), nil
	}
	l, err := nodes.Forward(d.of, t, q)
	if err != nil {
		return nil, err
	}
	if want := (tensor.Shape{batch, rows * d.rank}); !l.Shape().Eq(want) {
		return nil, &ShapeError{What: "Damping: the result of Of", Got: l.Shape().Clone(), Want: fmt.Sprintf("%v, an (%d, %d) matrix for each row", want, rows, d.rank)}
	}
	matMul := func(x, y *G.Node) *G.Node {
		return b.Binary("BatchedMatMul", func(x, y *G.Node) (*G.Node, error) { return G.BatchedMatMul(x, y) }, x, y)
	}
	l = b.Reshape(l, tensor.Shape{batch, rows, d.rank})
	along := b.Reshape(matMul(b.Reshape(grad, tensor.Shape{batch, 1, rows}), l), tensor.Shape{batch, d.rank, 1})
	return b.Reshape(matMul(l, along), tensor.Shape{batch, rows}), nil
}

// apply subtracts R∇H from (dq, dp) at positions q.
func (d *placedDamping) apply(b builder, t, q, dq, dp, hq, hp *G.Node) (*G.Node, *G.Node, error) {
	n := hp.Shape()[1]
	grad := hp
	if !d.momenta {
		grad = b.concat(hq, hp)
	}
	if b.Err() != nil {
		return nil, nil, b.Err()
	}
	r, err := d.product(b, t, q, grad)
	if err != nil {
		return nil, nil, err
	}
	if d.momenta {
		return dq, b.Sub(dp, r), b.Err()
	}
	return b.Sub(dq, b.columns(r, 0, n)), b.Sub(dp, b.columns(r, n, 2*n)), b.Err()
}
