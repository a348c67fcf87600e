package hnn

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/nodes"
)

// builder writes expressions on a graph.
type builder struct{ *nodes.Builder }

// build returns a builder for the graph and type of a node.
func build(x *G.Node) builder { return builder{nodes.On(x)} }

// Err is the first error.
func (b builder) Err() error {
	if err := b.Builder.Err(); err != nil {
		return fmt.Errorf("hnn: %w", err)
	}
	return nil
}

// result ends an expression.
func (b builder) result(x *G.Node) (*G.Node, error) {
	if err := b.Err(); err != nil {
		return nil, err
	}
	return x, nil
}

func (b builder) transpose(x *G.Node) *G.Node {
	return b.Do("Transpose", func() (*G.Node, error) { return G.Transpose(x, 1, 0) }, x)
}

// columns returns columns i to j of a matrix, as a matrix.
func (b builder) columns(x *G.Node, i, j int) *G.Node {
	return b.Do("columns", func() (*G.Node, error) { return graph.Part(x, 1, i, j) }, x)
}

// concat puts two matrices beside each other.
func (b builder) concat(x, y *G.Node) *G.Node {
	return b.Do("Concat", func() (*G.Node, error) { return G.Concat(1, x, y) }, x, y)
}

// rowSums sums each row of a matrix into a column.
func (b builder) rowSums(x *G.Node) *G.Node {
	return b.Do("row sums", func() (*G.Node, error) {
		rows := x.Shape()[0]
		if x.Shape()[1] == 1 {
			return x, nil
		}
		s, err := G.Sum(x, 1)
		if err != nil {
			return nil, err
		}
		return G.Reshape(s, tensor.Shape{rows, 1})
	}, x)
}

// learnable adds a trainable matrix to g. It takes over values.
func learnable(g *G.ExprGraph, name string, dt tensor.Dtype, values []float64, rows, cols int) (*G.Node, error) {
	if dt != tensor.Float64 && dt != tensor.Float32 {
		return nil, &ConfigError{What: "learnable " + name, Faults: []string{fmt.Sprintf("type %v; use tensor.Float64 or tensor.Float32", dt)}}
	}
	return nodes.Learnable(g, name, tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(nodes.Backing(values, dt))))
}

// quantity is a positive physical parameter: a number, or the exponential of a
// learned logarithm, a (1, 1) node.
type quantity struct {
	value float64
	node  *G.Node
}

// times multiplies a column by a quantity.
func (b builder) times(x *G.Node, c quantity) *G.Node {
	if c.node == nil {
		return b.Scale(x, c.value)
	}
	return b.MatMul(x, c.node)
}

// product multiplies quantities.
func (b builder) product(c ...quantity) quantity {
	p := quantity{value: 1}
	for _, c := range c {
		switch {
		case p.node == nil && c.node == nil:
			p.value *= c.value
		case c.node == nil:
			p.node = b.Scale(p.node, c.value)
		case p.node == nil:
			p.node = b.Scale(c.node, p.value)
		default:
			p.node = b.Mul(p.node, c.node)
		}
	}
	return p
}

// sum adds two quantities.
func (b builder) sum(c, d quantity) quantity {
	switch {
	case c.node == nil && d.node == nil:
		return quantity{value: c.value + d.value}
	case d.node == nil:
		return quantity{node: b.Add(c.node, b.Constant(d.value))}
	case c.node == nil:
		return b.sum(d, c)
	default:
		return quantity{node: b.Add(c.node, d.node)}
	}
}

// reciprocal is 1/c.
func (b builder) reciprocal(c quantity) quantity {
	if c.node == nil {
		return quantity{value: 1 / c.value}
	}
	return quantity{node: b.Inverse(c.node)}
}

// plus adds a quantity to every element of a column.
func (b builder) plus(x *G.Node, c quantity) *G.Node {
	if c.node == nil {
		return b.Add(x, b.Constant(c.value))
	}
	return b.Do("BroadcastAdd", func() (*G.Node, error) { return G.BroadcastAdd(x, c.node, nil, []byte{0}) }, x, c.node)
}

// splitState cuts a state (batch, 2n) in its positions and its momenta or velocities, (batch, n)
// each.
func splitState(what string, z *G.Node) (b builder, x, y *G.Node, err error) {
	n, err := checkState(what, z)
	if err != nil {
		return b, nil, nil, err
	}
	b = build(z)
	x, y = b.columns(z, 0, n), b.columns(z, n, 2*n)
	return b, x, y, b.Err()
}
