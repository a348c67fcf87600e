package graph

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/nodes"
)

// Small functions that build nodes for the rules. They panic with a failure;
// recoverInto turns it into an error.

func product(a, b *G.Node) *G.Node    { return must(G.HadamardProd(a, b)) }
func quotient(a, b *G.Node) *G.Node   { return must(G.HadamardDiv(a, b)) }
func difference(a, b *G.Node) *G.Node { return must(G.Sub(a, b)) }

// constant is the number v in the element type of like. Gorgonia takes
// constants of equal name for equal, so the name holds the type and the value.
func constant(like *G.Node, v float64) *G.Node {
	var c *G.Node
	if like.Dtype() == tensor.Float32 {
		c = G.NewConstant(float32(v), G.WithName(fmt.Sprintf("float32(%v)", float32(v))))
	} else {
		c = G.NewConstant(v, G.WithName(fmt.Sprintf("float64(%v)", v)))
	}
	n := like.Graph().AddNode(c)
	if got, ok := constantOf(n); !ok || got != v && float32(got) != float32(v) {
		panic(failure{fmt.Errorf("a constant %v is named %q: %w; give it another name", n, n.Name(), ErrName)})
	}
	return n
}

// logarithm is the natural one, as an op that Gorgonia does not rewrite.
func logarithm(x *G.Node) *G.Node { return must(nodes.Log(x)) }

// reshaped gives x another shape, or the scalar in it. It copies: Gorgonia's own
// reshape shares memory, which its TapeMachine then overwrites.
func reshaped(x *G.Node, to tensor.Shape) *G.Node {
	if x.Shape().TotalSize() != to.TotalSize() {
		panic(failure{fmt.Errorf("reshape of %v to %v: %w", x.Shape(), to, ErrShape)})
	}
	return must(nodes.Reshape(x, to))
}

func transposed(x *G.Node, perm []int) *G.Node {
	return must(G.Transpose(x, slices.Clone(perm)...))
}

func inverse(perm []int) []int {
	inv := make([]int, len(perm))
	for i, p := range perm {
		inv[p] = i
	}
	return inv
}

// others are the axes of dims that are not among axes.
func others(dims int, axes []int) (rest []int) {
	for i := range dims {
		if !slices.Contains(axes, i) {
			rest = append(rest, i)
		}
	}
	return rest
}

// sumAxes sums over axes, which are dropped. From four axes on it goes by three
// at a time, for there tensor sums the middle ones wrongly.
func sumAxes(x *G.Node, axes []int) *G.Node {
	axes = slices.Sorted(slices.Values(axes))
	if x.Dims() <= 3 || len(axes) == x.Dims() {
		return must(G.Sum(x, axes...))
	}
	for _, a := range slices.Backward(axes) {
		s := x.Shape()
		x = reshaped(must(G.Sum(reshaped(x, threeAxes(s, a)), 1)), slices.Delete(s.Clone(), a, a+1))
	}
	return x
}

// spreadOver repeats x, which has the shape of like without axes, over these
// axes. A scalar is left as it is, for elementwise ops take it with a tensor.
func spreadOver(x, like *G.Node, axes []int) *G.Node {
	if x.IsScalar() {
		return x
	}
	if like.Dims() <= 4 { // as far as Gorgonia's broadcast patterns go
		return broadcastOver(x, like, axes)
	}
	for _, a := range slices.Sorted(slices.Values(axes)) {
		whole := slices.Insert(slices.Clone(x.Shape()), a, like.Shape()[a])
		three := threeAxes(whole, a)
		like3 := reshaped(like, threeAxes(like.Shape(), a))
		x = reshaped(broadcastOver(reshaped(x, tensor.Shape{three[0], three[2]}), like3, []int{1}), whole)
	}
	return x
}

func broadcastOver(x, like *G.Node, axes []int) *G.Node {
	left := make([]byte, len(axes))
	for i, a := range axes {
		left[i] = byte(a)
	}
	wide, _, err := G.Broadcast(x, like, G.NewBroadcastPattern(left, nil))
	return must(wide, err)
}

// threeAxes splits a shape at axis a into before, a and after.
func threeAxes(s tensor.Shape, a int) tensor.Shape {
	three := tensor.Shape{1, s[a], 1}
	for i, d := range s {
		if i < a {
			three[0] *= d
		} else if i > a {
			three[2] *= d
		}
	}
	return three
}
