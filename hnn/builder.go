package hnn

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
)

// builder writes expressions on a graph and keeps the first error, after which
// it does nothing.
type builder struct {
	dt  tensor.Dtype
	err error
}

// build returns a builder for the graph and type of a node.
func build(x *G.Node) *builder { return &builder{dt: x.Dtype()} }

// result ends an expression.
func (b *builder) result(x *G.Node) (*G.Node, error) {
	if b.err != nil {
		return nil, b.err
	}
	return x, nil
}

// op runs make unless there is an error already.
func (b *builder) op(make func() (*G.Node, error)) *G.Node {
	if b.err != nil {
		return nil
	}
	x, err := make()
	if err != nil {
		b.err = fmt.Errorf("hnn: %w", err)
		return nil
	}
	return x
}

func (b *builder) unary(f func(*G.Node) (*G.Node, error), x *G.Node) *G.Node {
	return b.op(func() (*G.Node, error) { return f(x) })
}

func (b *builder) neg(x *G.Node) *G.Node     { return b.unary(G.Neg, x) }
func (b *builder) sin(x *G.Node) *G.Node     { return b.unary(G.Sin, x) }
func (b *builder) cos(x *G.Node) *G.Node     { return b.unary(G.Cos, x) }
func (b *builder) exp(x *G.Node) *G.Node     { return b.unary(G.Exp, x) }
func (b *builder) sqrt(x *G.Node) *G.Node    { return b.unary(G.Sqrt, x) }
func (b *builder) inverse(x *G.Node) *G.Node { return b.unary(G.Inverse, x) }
func (b *builder) square(x *G.Node) *G.Node  { return b.unary(G.Square, x) }

func (b *builder) add(x, y *G.Node) *G.Node {
	return b.op(func() (*G.Node, error) { return G.Add(x, y) })
}

func (b *builder) sub(x, y *G.Node) *G.Node {
	return b.op(func() (*G.Node, error) { return G.Sub(x, y) })
}

// mul multiplies elementwise.
func (b *builder) mul(x, y *G.Node) *G.Node {
	return b.op(func() (*G.Node, error) { return G.HadamardProd(x, y) })
}

func (b *builder) matmul(x, y *G.Node) *G.Node {
	return b.op(func() (*G.Node, error) { return G.Mul(x, y) })
}

func (b *builder) transpose(x *G.Node) *G.Node {
	return b.op(func() (*G.Node, error) { return G.Transpose(x, 1, 0) })
}

// scale multiplies by a constant.
func (b *builder) scale(x *G.Node, c float64) *G.Node {
	if c == 1 {
		return x
	}
	return b.op(func() (*G.Node, error) { return G.HadamardProd(x, b.constant(c)) })
}

// constant returns a scalar. Gorgonia tells constants apart by name alone.
func (b *builder) constant(c float64) *G.Node {
	name := G.WithName(fmt.Sprintf("hnn constant %v %b", b.dt, c))
	if b.dt == tensor.Float32 {
		return G.NewConstant(float32(c), name)
	}
	return G.NewConstant(c, name)
}

// columns returns columns i to j of a matrix, as a matrix.
func (b *builder) columns(x *G.Node, i, j int) *G.Node {
	return b.op(func() (*G.Node, error) {
		if i == 0 && j == x.Shape()[1] {
			return x, nil
		}
		return graph.Part(x, 1, i, j)
	})
}

// concat puts two matrices beside each other.
func (b *builder) concat(x, y *G.Node) *G.Node {
	return b.op(func() (*G.Node, error) { return G.Concat(1, x, y) })
}

// rowSums sums each row of a matrix into a column.
func (b *builder) rowSums(x *G.Node) *G.Node {
	return b.op(func() (*G.Node, error) {
		rows := x.Shape()[0]
		if x.Shape()[1] == 1 {
			return x, nil
		}
		s, err := G.Sum(x, 1)
		if err != nil {
			return nil, err
		}
		return G.Reshape(s, tensor.Shape{rows, 1})
	})
}

// learnable adds a trainable matrix to g. It takes over values.
func learnable(g *G.ExprGraph, name string, dt tensor.Dtype, values []float64, rows, cols int) (*G.Node, error) {
	if dt != tensor.Float64 && dt != tensor.Float32 {
		return nil, &ConfigError{What: "learnable " + name, Faults: []string{fmt.Sprintf("type %v; use tensor.Float64 or tensor.Float32", dt)}}
	}
	if len(g.ByName(name)) > 0 {
		return nil, &ConfigError{What: "learnable " + name, Faults: []string{"the name is taken on this graph; give every module a name of its own"}}
	}
	var backing any = values
	if dt == tensor.Float32 {
		rounded := make([]float32, len(values))
		for i, v := range values {
			rounded[i] = float32(v)
		}
		backing = rounded
	}
	v := tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(backing))
	return G.NewMatrix(g, dt, G.WithShape(rows, cols), G.WithName(name), G.WithValue(v)), nil
}

// quantity is a positive physical parameter: a number, or the exponential of a
// learned logarithm, a (1, 1) node.
type quantity struct {
	value float64
	node  *G.Node
}

// times multiplies a column by a quantity.
func (b *builder) times(x *G.Node, c quantity) *G.Node {
	if c.node == nil {
		return b.scale(x, c.value)
	}
	return b.matmul(x, c.node)
}

// product multiplies quantities.
func (b *builder) product(c ...quantity) quantity {
	p := quantity{value: 1}
	for _, c := range c {
		switch {
		case p.node == nil && c.node == nil:
			p.value *= c.value
		case c.node == nil:
			p.node = b.scale(p.node, c.value)
		case p.node == nil:
			p.node = b.scale(c.node, p.value)
		default:
			p.node = b.mul(p.node, c.node)
		}
	}
	return p
}

// sum adds two quantities.
func (b *builder) sum(c, d quantity) quantity {
	switch {
	case c.node == nil && d.node == nil:
		return quantity{value: c.value + d.value}
	case d.node == nil:
		return quantity{node: b.op(func() (*G.Node, error) { return G.Add(c.node, b.constant(d.value)) })}
	case c.node == nil:
		return b.sum(d, c)
	default:
		return quantity{node: b.add(c.node, d.node)}
	}
}

// reciprocal is 1/c.
func (b *builder) reciprocal(c quantity) quantity {
	if c.node == nil {
		return quantity{value: 1 / c.value}
	}
	return quantity{node: b.inverse(c.node)}
}

// plus adds a quantity to every element of a column.
func (b *builder) plus(x *G.Node, c quantity) *G.Node {
	if c.node == nil {
		return b.op(func() (*G.Node, error) { return G.Add(x, b.constant(c.value)) })
	}
	return b.op(func() (*G.Node, error) { return G.BroadcastAdd(x, c.node, nil, []byte{0}) })
}
