package nodes

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// NameError reports a name that a node of the graph has already.
type NameError struct{ Name string }

func (e *NameError) Error() string {
	return fmt.Sprintf("neuralode: the graph has a node named %q already, and Gorgonia merges nodes of equal names; give every module and layer on a graph a name of its own", e.Name)
}

// Join joins the names of a module and of one of its parts.
func Join(name, part string) string {
	if name == "" {
		return part
	}
	return name + "/" + part
}

// Constant returns g's node for the number v of type dt. Gorgonia tells constants apart
// by name alone, so the name carries the value and the type.
func Constant(g *G.ExprGraph, dt tensor.Dtype, v float64) *G.Node {
	if dt == tensor.Float32 {
		return g.AddNode(G.NewConstant(float32(v), G.WithName(fmt.Sprintf("float32(%v)", float32(v)))))
	}
	return g.AddNode(G.NewConstant(v, G.WithName(fmt.Sprintf("float64(%v)", v))))
}

// Log is the natural logarithm, as an op that Gorgonia does not rewrite: gorgonia.Log
// deletes the sum in Log(Add(x, 1)).
func Log(x *G.Node) (*G.Node, error) {
	alone := G.NewGraph()
	like := G.NewScalar(alone, x.Dtype(), G.WithName("x"))
	if !x.IsScalar() {
		like = G.NewTensor(alone, x.Dtype(), x.Dims(), G.WithShape(x.Shape()...), G.WithName("x"))
	}
	log, err := G.Log(like)
	if err != nil {
		return nil, err
	}
	return G.ApplyOp(log.Op(), x)
}

// maxElements bounds a learnable, lest the size of its memory overflow.
const maxElements = 1 << 30

// Size returns the number of elements of a shape, and false if an axis is below 1 or
// they are too many to be held.
func Size(shape []int) (int, bool) {
	size := 1
	for _, n := range shape {
		if n < 1 || n > maxElements/size {
			return 0, false
		}
		size *= n
	}
	return size, true
}

// Free reports a name that is taken on g as a [*NameError].
func Free(g *G.ExprGraph, name string) error {
	if len(g.ByName(name)) > 0 {
		return &NameError{Name: name}
	}
	return nil
}

// Learnable adds a trainable tensor to g, which takes over its value. The error is a
// [*NameError] if the name is taken.
func Learnable(g *G.ExprGraph, name string, value *tensor.Dense) (*G.Node, error) {
	if err := Free(g, name); err != nil {
		return nil, err
	}
	shape := value.Shape().Clone()
	return G.NewTensor(g, value.Dtype(), len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(value)), nil
}

// Backing returns values as a slice of dt's type. It takes over values.
func Backing(values []float64, dt tensor.Dtype) any {
	if dt != tensor.Float32 {
		return values
	}
	rounded := make([]float32, len(values))
	for i, v := range values {
		rounded[i] = float32(v)
	}
	return rounded
}
