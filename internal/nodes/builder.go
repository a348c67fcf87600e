package nodes

import (
	"fmt"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Builder writes expressions on a graph and keeps the first error, which names the op
// and its operands; after it the rest do nothing. Panics of Gorgonia are errors.
type Builder struct {
	G   *G.ExprGraph
	Dt  tensor.Dtype
	err error
}

// On returns a builder for the graph and type of x.
func On(x *G.Node) *Builder { return &Builder{G: x.Graph(), Dt: x.Dtype()} }

// Err is the first error.
func (b *Builder) Err() error { return b.err }

// Fail keeps err unless there is an error already.
func (b *Builder) Fail(err error) *G.Node {
	if b.err == nil {
		b.err = err
	}
	return nil
}

// Result ends an expression.
func (b *Builder) Result(x *G.Node) (*G.Node, error) {
	if b.err != nil {
		return nil, b.err
	}
	return x, nil
}

// Do runs make unless there is an error already. op and x are for the error's text.
func (b *Builder) Do(op string, make func() (*G.Node, error), x ...*G.Node) (y *G.Node) {
	if b.err != nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			y = b.Fail(fmt.Errorf("%s%s: panic: %v", op, operands(x), p))
		}
	}()
	for _, n := range x {
		if n == nil {
			return b.Fail(fmt.Errorf("%s%s: an operand is nil", op, operands(x)))
		}
	}
	y, err := make()
	if err != nil {
		return b.Fail(fmt.Errorf("%s%s: %w", op, operands(x), err))
	}
	return y
}

// operands lists nodes as in " of (y (4, 2), w (2, 1))".
func operands(x []*G.Node) string {
	if len(x) == 0 {
		return ""
	}
	names := make([]string, len(x))
	for i, n := range x {
		names[i] = "nil"
		if n != nil {
			names[i] = fmt.Sprintf("%s %v", n.Name(), n.Shape())
		}
	}
	return " of (" + strings.Join(names, ", ") + ")"
}

// Unary applies f.
func (b *Builder) Unary(op string, f func(*G.Node) (*G.Node, error), x *G.Node) *G.Node {
	return b.Do(op, func() (*G.Node, error) { return f(x) }, x)
}

// Binary applies f.
func (b *Builder) Binary(op string, f func(x, y *G.Node) (*G.Node, error), x, y *G.Node) *G.Node {
	return b.Do(op, func() (*G.Node, error) { return f(x, y) }, x, y)
}

// Constant is the number v.
func (b *Builder) Constant(v float64) *G.Node {
	return b.Do("constant", func() (*G.Node, error) { return Constant(b.G, b.Dt, v), nil })
}

// Add, Sub, Mul and Div work element by element. An operand may be a number, or have
// axes of length 1 where the other's are longer; it is repeated over these.
func (b *Builder) Add(x, y *G.Node) *G.Node { return b.spread("Add", G.Add, G.BroadcastAdd, x, y) }
func (b *Builder) Sub(x, y *G.Node) *G.Node { return b.spread("Sub", G.Sub, G.BroadcastSub, x, y) }
func (b *Builder) Mul(x, y *G.Node) *G.Node {
	return b.spread("Mul", G.HadamardProd, G.BroadcastHadamardProd, x, y)
}
func (b *Builder) Div(x, y *G.Node) *G.Node {
	return b.spread("Div", G.HadamardDiv, G.BroadcastHadamardDiv, x, y)
}

// spread applies f, or over if an operand has to be repeated.
func (b *Builder) spread(op string, f func(x, y *G.Node) (*G.Node, error),
	over func(x, y *G.Node, left, right []byte) (*G.Node, error), x, y *G.Node) *G.Node {
	return b.Do(op, func() (*G.Node, error) {
		if x.IsScalar() || y.IsScalar() || x.Dims() != y.Dims() || slices.Equal(x.Shape(), y.Shape()) {
			return f(x, y)
		}
		var left, right []byte
		for axis, n := range x.Shape() {
			switch m := y.Shape()[axis]; {
			case n == m:
			case n == 1:
				left = append(left, byte(axis))
			case m == 1:
				right = append(right, byte(axis))
			default:
				return nil, fmt.Errorf("axis %d has lengths %d and %d; they must be equal, or one of them 1", axis, n, m)
			}
		}
		return over(x, y, left, right)
	}, x, y)
}

// MatMul is the matrix product.
func (b *Builder) MatMul(x, y *G.Node) *G.Node { return b.Binary("MatMul", G.Mul, x, y) }

// Columns are columns from … to−1 of a matrix.
func (b *Builder) Columns(x *G.Node, from, to int) *G.Node {
	return b.Do("Columns", func() (*G.Node, error) { return Part(x, 1, from, to) }, x)
}

// Concat puts matrices beside each other.
func (b *Builder) Concat(x ...*G.Node) *G.Node {
	return b.Do("Concat", func() (*G.Node, error) {
		if len(x) == 1 {
			return x[0], nil
		}
		return G.Concat(1, slices.Clone(x)...)
	}, x...)
}

func (b *Builder) Neg(x *G.Node) *G.Node       { return b.Unary("Neg", G.Neg, x) }
func (b *Builder) Sin(x *G.Node) *G.Node       { return b.Unary("Sin", G.Sin, x) }
func (b *Builder) Cos(x *G.Node) *G.Node       { return b.Unary("Cos", G.Cos, x) }
func (b *Builder) Exp(x *G.Node) *G.Node       { return b.Unary("Exp", G.Exp, x) }
func (b *Builder) Expm1(x *G.Node) *G.Node     { return b.Unary("Expm1", G.Expm1, x) }
func (b *Builder) Log(x *G.Node) *G.Node       { return b.Unary("Log", Log, x) }
func (b *Builder) Abs(x *G.Node) *G.Node       { return b.Unary("Abs", G.Abs, x) }
func (b *Builder) Sqrt(x *G.Node) *G.Node      { return b.Unary("Sqrt", G.Sqrt, x) }
func (b *Builder) Tanh(x *G.Node) *G.Node      { return b.Unary("Tanh", G.Tanh, x) }
func (b *Builder) Sigmoid(x *G.Node) *G.Node   { return b.Unary("Sigmoid", G.Sigmoid, x) }
func (b *Builder) Softplus(x *G.Node) *G.Node  { return b.Unary("Softplus", G.Softplus, x) }
func (b *Builder) Inverse(x *G.Node) *G.Node   { return b.Unary("Inverse", G.Inverse, x) }
func (b *Builder) Square(x *G.Node) *G.Node    { return b.Unary("Square", G.Square, x) }
func (b *Builder) NormalCDF(x *G.Node) *G.Node { return b.Unary("NormalCDF", NormalCDF, x) }

// Scale multiplies by a number.
func (b *Builder) Scale(x *G.Node, c float64) *G.Node {
	if c == 1 {
		return x
	}
	return b.Mul(x, b.Constant(c))
}

// Reshape is [Reshape].
func (b *Builder) Reshape(x *G.Node, to tensor.Shape) *G.Node {
	return b.Do("Reshape", func() (*G.Node, error) { return Reshape(x, to) }, x)
}

// Positive is 1 where x ≥ 0, else 0; its derivative is none.
func (b *Builder) Positive(x *G.Node) *G.Node {
	return b.Binary("Gte", func(x, y *G.Node) (*G.Node, error) { return G.Gte(x, y, true) }, x, b.Constant(0))
}
