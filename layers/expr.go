package layers

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Const returns the number v as a node on the graph of like, in its type. Gorgonia tells
// constants apart by name alone, and refuses operations on constants only, which have no
// graph; this one has both.
func Const(like *G.Node, v float64) *G.Node {
	if like == nil || like.Graph() == nil {
		panic("layers: Const like a node without a graph")
	}
	return nodes.Constant(like.Graph(), like.Dtype(), v)
}

// ConstTensor is Const for a tensor of the given shape with copies of values in
// row-major order. It panics if there are not as many as the shape has elements.
func ConstTensor(like *G.Node, values []float64, shape ...int) (*G.Node, error) {
	if like == nil || like.Graph() == nil {
		panic("layers: ConstTensor like a node without a graph")
	}
	if size, ok := nodes.Size(shape); !ok || size != len(values) || len(shape) == 0 {
		panic("layers: values of a constant do not fit its shape")
	}
	return nodes.Tensor(like, append([]float64(nil), values...), shape...)
}

// Expr writes expressions of nodes without an error after every operation: the first
// error is kept, with the operation and its operands, and [Expr.Result] returns it. Panics
// of Gorgonia count as errors.
//
// Operations of two operands work element by element, and repeat an operand that is a
// number, or that has axes of length 1 where the other's are longer: a (1, 1) parameter
// times a (batch, 1) column.
type Expr struct{ b *nodes.Builder }

// NewExpr begins an expression on the graph of a node, in its type.
func NewExpr(like *G.Node) *Expr {
	if like == nil || like.Graph() == nil {
		panic("layers: NewExpr like a node without a graph")
	}
	return &Expr{nodes.On(like)}
}

// Result ends the expression: x, or the first error on the way to it.
func (e *Expr) Result(x *G.Node) (*G.Node, error) { return e.b.Result(x) }

// Const is a number.
func (e *Expr) Const(v float64) *G.Node { return e.b.Constant(v) }

// Add is x + y + more….
func (e *Expr) Add(x, y *G.Node, more ...*G.Node) *G.Node {
	sum := e.b.Add(x, y)
	for _, z := range more {
		sum = e.b.Add(sum, z)
	}
	return sum
}

// Sub is x − y.
func (e *Expr) Sub(x, y *G.Node) *G.Node { return e.b.Sub(x, y) }

// Mul is x·y·more…, element by element.
func (e *Expr) Mul(x, y *G.Node, more ...*G.Node) *G.Node {
	product := e.b.Mul(x, y)
	for _, z := range more {
		product = e.b.Mul(product, z)
	}
	return product
}

// Div is x/y, element by element.
func (e *Expr) Div(x, y *G.Node) *G.Node { return e.b.Div(x, y) }

// Scale is c·x.
func (e *Expr) Scale(c float64, x *G.Node) *G.Node { return e.b.Scale(x, c) }

// Shift is x + c.
func (e *Expr) Shift(x *G.Node, c float64) *G.Node { return e.b.Add(x, e.b.Constant(c)) }

// MatMul is the product of two matrices.
func (e *Expr) MatMul(x, y *G.Node) *G.Node { return e.b.MatMul(x, y) }

// Neg is −x.
func (e *Expr) Neg(x *G.Node) *G.Node { return e.b.Neg(x) }

// Sin is sin x.
func (e *Expr) Sin(x *G.Node) *G.Node { return e.b.Sin(x) }

// Cos is cos x.
func (e *Expr) Cos(x *G.Node) *G.Node { return e.b.Cos(x) }

// Exp is eˣ.
func (e *Expr) Exp(x *G.Node) *G.Node { return e.b.Exp(x) }

// Log is ln x. Gorgonia's own Log may rewrite the node that it is of; this one does not.
func (e *Expr) Log(x *G.Node) *G.Node { return e.b.Log(x) }

// Sqrt is √x.
func (e *Expr) Sqrt(x *G.Node) *G.Node { return e.b.Sqrt(x) }

// Square is x².
func (e *Expr) Square(x *G.Node) *G.Node { return e.b.Square(x) }

// Inverse is 1/x.
func (e *Expr) Inverse(x *G.Node) *G.Node { return e.b.Inverse(x) }

// Abs is |x|.
func (e *Expr) Abs(x *G.Node) *G.Node { return e.b.Abs(x) }

// Pow is xᵖ for a fixed p.
func (e *Expr) Pow(x *G.Node, p float64) *G.Node {
	return e.b.Binary("Pow", G.Pow, x, e.b.Constant(p))
}

// Activate is an activation of x.
func (e *Expr) Activate(a Activation, x *G.Node) *G.Node {
	return e.b.Unary(a.String(), a.Apply, x)
}

// Columns are columns from … to−1 of a matrix, as a matrix.
func (e *Expr) Columns(x *G.Node, from, to int) *G.Node { return e.b.Columns(x, from, to) }

// Concat puts matrices of as many rows beside each other.
func (e *Expr) Concat(x ...*G.Node) *G.Node {
	if len(x) == 0 {
		panic("layers: Concat of nothing")
	}
	return e.b.Concat(x...)
}

// Apply is a layer's result for x; t, a (batch, 1) column of times, may be nil for a layer
// that does not depend on time.
func (e *Expr) Apply(l Layer, t, x *G.Node) *G.Node {
	return e.b.Do("Apply", func() (*G.Node, error) {
		if t == nil && nodes.IsTimed(l) {
			return nil, fmt.Errorf("the layer depends on time; give it the column of times")
		}
		return nodes.Forward(l, t, x)
	}, x)
}

// Do is any other operation, for instance one of Gorgonia's; what names it in errors.
func (e *Expr) Do(what string, op func() (*G.Node, error), operands ...*G.Node) *G.Node {
	return e.b.Do(what, op, operands...)
}
