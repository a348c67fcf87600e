package graph

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// opCase is one expression in every test of this package: its value, its
// derivatives of several orders and its compiled program.
type opCase struct {
	name   string
	inputs []caseInput
	build  func(x G.Nodes) *G.Node // may panic through ok
	order  int                     // highest derivative that must be right; 0 means 2, and after 1 must come an error
	tape   string                  // why Gorgonia's TapeMachine cannot serve as reference; empty if it can
	state  bool                    // the op keeps state between runs: a vector field refuses it
}

// caseInput is a variable of the case. Its values are distinct and spread
// evenly over (lo, hi) in random order, at least a third of the spacing away
// from the middle and from each other, so that kinks and ties are not hit.
type caseInput struct {
	shape  tensor.Shape
	lo, hi float64
}

func in(shape ...int) caseInput { return caseInput{shape, -1, 1} }

func (c caseInput) over(lo, hi float64) caseInput { c.lo, c.hi = lo, hi; return c }

func (c caseInput) values(r *rand.Rand) []float64 {
	n := c.shape.TotalSize()
	slots := n + n%2 // an even number keeps the middle free
	v := make([]float64, n)
	for i, p := range r.Perm(slots)[:n] {
		at := (float64(p) + 0.5 + 0.2*(r.Float64()-0.5)) / float64(slots)
		v[i] = c.lo + (c.hi-c.lo)*at
	}
	return v
}

// values returns the same numbers at every call, rounded to float32.
func (c opCase) values() [][]float64 {
	r := caseRand(c.name)
	v := make([][]float64, len(c.inputs))
	for i, in := range c.inputs {
		v[i] = in.values(r)
		for j, x := range v[i] {
			v[i][j] = float64(float32(x))
		}
	}
	return v
}

// place builds the case on a new graph. Errors fail the test.
func (c opCase) place(t testing.TB, dt tensor.Dtype) (inputs G.Nodes, out *G.Node) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Fatalf("%s: building: %v", c.name, r)
		}
	}()
	g := G.NewGraph()
	for i, in := range c.inputs {
		inputs = append(inputs, variable(g, dt, fmt.Sprintf("x%d", i), in.shape))
	}
	return inputs, c.build(inputs)
}

func caseRand(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

func variable(g *G.ExprGraph, dt tensor.Dtype, name string, shape tensor.Shape) *G.Node {
	if len(shape) == 0 {
		return G.NewScalar(g, dt, G.WithName(name))
	}
	return G.NewTensor(g, dt, len(shape), G.WithShape(shape...), G.WithName(name))
}

func ok(n *G.Node, err error) *G.Node {
	if err != nil {
		panic(err)
	}
	return n
}

// num is a constant of x's dtype.
func num(x *G.Node, v float64) *G.Node {
	if x.Dtype() == tensor.Float32 {
		return G.NewConstant(float32(v), G.WithName(fmt.Sprintf("f32 %v", float32(v))))
	}
	return G.NewConstant(v, G.WithName(fmt.Sprintf("f64 %v", v)))
}

type (
	unaryNode  = func(*G.Node) (*G.Node, error)
	binaryNode = func(a, b *G.Node) (*G.Node, error)
)

func tanh(x *G.Node) *G.Node        { return ok(G.Tanh(x)) }
func plus(a, b *G.Node) *G.Node     { return ok(G.Add(a, b)) }
func times(a, b *G.Node) *G.Node    { return ok(G.HadamardProd(a, b)) }
func sumAll(x *G.Node) *G.Node      { return ok(G.Sum(x)) }
func matTimes(a, b *G.Node) *G.Node { return ok(G.Mul(a, b)) }

// affine is x·W + b with b of shape (1, N).
func affine(x, w, b *G.Node) *G.Node {
	return ok(G.BroadcastAdd(matTimes(x, w), b, nil, []byte{0}))
}

// unaryCase applies f to a leaf.
func unaryCase(name string, f unaryNode, in caseInput) opCase {
	return opCase{name: name, inputs: []caseInput{in}, build: func(x G.Nodes) *G.Node { return ok(f(x[0])) }}
}

// binaryCase applies f to the tanh of two leaves.
func binaryCase(name string, f binaryNode, a, b caseInput) opCase {
	return opCase{name: name, inputs: []caseInput{a, b}, build: func(x G.Nodes) *G.Node { return ok(f(tanh(x[0]), tanh(x[1]))) }}
}

// innerCase applies f to the tanh of a leaf and squares the result, so that f
// has op nodes on both sides and its VJP depends on its value.
func innerCase(name string, f unaryNode, in caseInput) opCase {
	return opCase{name: name, inputs: []caseInput{in}, build: func(x G.Nodes) *G.Node {
		return ok(G.Square(ok(f(tanh(x[0])))))
	}}
}

func opCases() []opCase {
	var cs []opCase
	cs = append(cs, productCases()...)
	cs = append(cs, elementwiseCases()...)
	cs = append(cs, reductionCases()...)
	cs = append(cs, shapeCases()...)
	cs = append(cs, softmaxCases()...)
	cs = append(cs, imageCases()...)
	cs = append(cs, normCases()...)
	cs = append(cs, networkCases()...)
	cs = append(cs, solveCases()...)
	return cs
}

func productCases() []opCase {
	batched := func(ta, tb bool) binaryNode {
		return func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b, ta, tb) }
	}
	tensordot := func(name string, aAxes, bAxes []int, a, b caseInput) opCase {
		return binaryCase("tensordot "+name, func(x, y *G.Node) (*G.Node, error) { return G.Tensordot(aAxes, bAxes, x, y) }, a, b)
	}
	cs := []opCase{
		binaryCase("mul mat mat", G.Mul, in(3, 4), in(4, 2)),
		binaryCase("mul one row", G.Mul, in(1, 4), in(4, 2)),
		binaryCase("mul one column", G.Mul, in(3, 4), in(4, 1)),
		binaryCase("mul inner 1", G.Mul, in(3, 1), in(1, 2)),
		binaryCase("mul 1x1", G.Mul, in(1, 1), in(1, 1)),
		binaryCase("mul mat vec", G.Mul, in(3, 4), in(4)),
		binaryCase("mul square mat vec", G.Mul, in(3, 3), in(3)),
		binaryCase("mul vec mat", G.Mul, in(3), in(3, 4)),
		binaryCase("mul square vec mat", G.Mul, in(3), in(3, 3)),
		binaryCase("mul dot", G.Mul, in(5), in(5)),
		binaryCase("mul scalar mat", G.Mul, in(), in(3, 2)),
		binaryCase("mul dot of one element", G.Mul, in(1), in(1)),
		binaryCase("mul mat vec of one element", G.Mul, in(1, 1), in(1)),
		binaryCase("outer", G.OuterProd, in(3), in(4)),
		binaryCase("outer square", G.OuterProd, in(3), in(3)),
		binaryCase("batched matmul", batched(false, false), in(2, 3, 4), in(2, 4, 2)),
		binaryCase("batched matmul tA", batched(true, false), in(2, 4, 3), in(2, 4, 2)),
		binaryCase("batched matmul tB", batched(false, true), in(2, 3, 4), in(2, 2, 4)),
		binaryCase("batched matmul tA tB", batched(true, true), in(2, 4, 3), in(2, 2, 4)),
		tensordot("one axis", []int{1}, []int{0}, in(2, 3, 4), in(3, 5)),
		tensordot("two axes", []int{2, 0}, []int{0, 1}, in(2, 3, 4), in(4, 2, 5)),
		tensordot("three axes, unsorted", []int{3, 0, 2}, []int{1, 2, 0}, in(2, 3, 4, 5), in(4, 5, 2)),
		tensordot("matrix with vector", []int{1}, []int{0}, in(2, 3), in(3)),
		tensordot("of all axes", []int{0, 1}, []int{0, 1}, in(2, 3), in(2, 3)),
		{name: "square of a matrix", inputs: []caseInput{in(3, 3)}, build: func(x G.Nodes) *G.Node {
			y := tanh(x[0])
			return matTimes(y, y)
		}},
	}
	return cs
}

func elementwiseCases() []opCase {
	pos, m := in(3, 4).over(0.3, 2), in(3, 4)
	withScalar := func(name string, f binaryNode, scalarFirst bool) opCase {
		a, b := m.over(0.3, 1), in().over(0.4, 0.9)
		if scalarFirst {
			a, b = b, a
		}
		return binaryCase(name, f, a, b)
	}
	withConst := func(name string, f binaryNode, v float64, first bool, in caseInput) opCase {
		return innerCase(name, func(x *G.Node) (*G.Node, error) {
			if first {
				return f(num(x, v), x)
			}
			return f(x, num(x, v))
		}, in)
	}
	gelu := func(x *G.Node) (*G.Node, error) { // tanh approximation
		inner := times(num(x, math.Sqrt(2/math.Pi)), plus(x, times(num(x, 0.044715), ok(G.Cube(x)))))
		return G.HadamardProd(times(num(x, 0.5), x), plus(tanh(inner), num(x, 1)))
	}
	elu := func(x *G.Node) (*G.Node, error) { // max(x,0) + expm1(min(x,0))
		neg := ok(G.Neg(ok(G.Rectify(ok(G.Neg(x))))))
		return G.Add(ok(G.Rectify(x)), ok(G.Expm1(neg)))
	}
	swish := func(x *G.Node) (*G.Node, error) { return G.HadamardProd(x, ok(G.Sigmoid(x))) }
	logOnePlusExp := func(x *G.Node) (*G.Node, error) { return G.Log1p(ok(G.Exp(x))) }
	clamp := func(x *G.Node) (*G.Node, error) { // to ±0.4
		lo, hi := num(x, -0.4), num(x, 0.4)
		above := ok(G.Gt(x, hi, true))
		below := ok(G.Lt(x, lo, true))
		inside := ok(G.Sub(num(x, 1), plus(above, below)))
		return G.Add(times(inside, x), ok(G.Sub(times(above, hi), times(below, num(x, 0.4)))))
	}
	cs := []opCase{
		binaryCase("add", G.Add, m, m),
		binaryCase("sub", G.Sub, m, m),
		binaryCase("hadamard prod", G.HadamardProd, m, m),
		binaryCase("hadamard div", G.HadamardDiv, m, pos),
		binaryCase("pow", G.Pow, pos, m),
		binaryCase("max between", G.MaxBetween, m, m.over(-1.1, 1.2)),
		binaryCase("min between", G.MinBetween, m, m.over(-1.1, 1.2)),
		withScalar("add scalar", G.Add, false), withScalar("scalar add", G.Add, true),
		withScalar("sub scalar", G.Sub, false), withScalar("scalar sub", G.Sub, true),
		withScalar("prod scalar", G.HadamardProd, false), withScalar("scalar prod", G.HadamardProd, true),
		withScalar("div scalar", G.HadamardDiv, false), withScalar("scalar div", G.HadamardDiv, true),
		withScalar("pow scalar", G.Pow, false), withScalar("scalar pow", G.Pow, true),
		binaryCase("scalar with one element", G.HadamardDiv, in().over(0.3, 1), in(1).over(0.3, 1)),
		binaryCase("1x1 with scalar", G.HadamardDiv, in(1, 1).over(0.3, 1), in().over(0.3, 1)),
		binaryCase("scalar with scalar", G.HadamardDiv, in().over(0.3, 1), in().over(0.3, 1)),
		withConst("add const", G.Add, 1, false, m), withConst("const sub", G.Sub, 1, true, m),
		withConst("const prod", G.HadamardProd, 3, true, m), withConst("div const", G.HadamardDiv, 3, false, m),
		withConst("const div", G.HadamardDiv, 2, true, pos),
		withConst("pow 2", G.Pow, 2, false, m), withConst("pow 3", G.Pow, 3, false, m),
		withConst("pow 2.5", G.Pow, 2.5, false, pos), withConst("2 pow", G.Pow, 2, true, m),
		{name: "x times x", inputs: []caseInput{m}, build: func(x G.Nodes) *G.Node { return times(x[0], x[0]) }},
		{name: "x plus x", inputs: []caseInput{m}, build: func(x G.Nodes) *G.Node { y := tanh(x[0]); return times(plus(y, y), y) }},
		{name: "log of one plus x", inputs: []caseInput{pos}, build: func(x G.Nodes) *G.Node {
			return ok(G.Log(plus(ok(G.Square(x[0])), num(x[0], 1))))
		}},
		innerCase("gelu", gelu, m), innerCase("elu", elu, m), innerCase("swish", swish, m), innerCase("mish", G.Mish, m),
		innerCase("softplus from log and exp", logOnePlusExp, m), innerCase("clamp", clamp, m),
		innerCase("rectify", G.Rectify, m),
		innerCase("leaky relu", func(x *G.Node) (*G.Node, error) { return G.LeakyRelu(x, 0.1) }, m),
	}
	for _, u := range []struct {
		name string
		f    unaryNode
		in   caseInput
	}{
		{"abs", G.Abs, m}, {"sign", G.Sign, m}, {"ceil", G.Ceil, m}, {"floor", G.Floor, m},
		{"sin", G.Sin, m}, {"cos", G.Cos, m}, {"exp", G.Exp, m}, {"log", G.Log, pos}, {"log2", G.Log2, pos},
		{"neg", G.Neg, m}, {"square", G.Square, m}, {"sqrt", G.Sqrt, pos}, {"inverse", G.Inverse, pos},
		{"inverse sqrt", G.InverseSqrt, pos}, {"cube", G.Cube, m}, {"tanh", G.Tanh, m}, {"sigmoid", G.Sigmoid, m},
		{"log1p", G.Log1p, m.over(-0.5, 1)}, {"expm1", G.Expm1, m}, {"softplus", G.Softplus, m},
	} {
		cs = append(cs, unaryCase(u.name, u.f, u.in))
		scalar := u.in
		scalar.shape = tensor.Shape{}
		cs = append(cs, unaryCase(u.name+" of a scalar", u.f, scalar))
		if u.in.lo < 0 {
			cs = append(cs, innerCase(u.name+" inside", u.f, u.in))
		}
	}
	return cs
}

func reductionCases() []opCase {
	along := func(f func(*G.Node, ...int) (*G.Node, error), axes ...int) unaryNode {
		return func(x *G.Node) (*G.Node, error) { return f(x, axes...) }
	}
	var cs []opCase
	for _, f := range []struct {
		name string
		f    func(*G.Node, ...int) (*G.Node, error)
	}{{"sum", G.Sum}, {"mean", G.Mean}, {"max", G.Max}} {
		for _, s := range []struct {
			in   caseInput
			axes []int
		}{
			{in(5), []int{0}}, {in(3, 4), []int{0}}, {in(3, 4), []int{1}}, {in(1, 4), []int{0}}, {in(3, 1), []int{1}}, {in(1, 4), []int{1}},
			{in(2, 3, 4), []int{0}}, {in(2, 3, 4), []int{1}}, {in(2, 3, 4), []int{2}}, {in(2, 3, 4), []int{0, 2}}, {in(2, 3, 4), []int{0, 1}},
			{in(1), []int{0}}, {in(2, 2, 3, 2, 2), []int{1, 3}}, {in(2, 2, 2, 3, 2), []int{4}},
			{in(2, 3, 3, 4), []int{2}}, {in(2, 3, 3, 4), []int{2, 3}}, {in(2, 3, 3, 4), []int{1}}, {in(2, 3, 3, 4), []int{0, 2, 3}},
		} {
			c := innerCase(fmt.Sprintf("%s %v of %v", f.name, s.axes, s.in.shape), along(f.f, s.axes...), s.in)
			if len(s.in.shape) >= 4 {
				c.tape = "tensor reduces the middle axes of four or more wrongly"
			}
			cs = append(cs, c)
		}
		cs = append(cs,
			innerCase(f.name+" of all, not last", along(f.f), in(3, 4)),
			innerCase(f.name+" of all four axes", along(f.f), in(2, 2, 3, 2)),
			unaryCase(f.name+" of a leaf", along(f.f), in(3, 4)),
		)
	}
	norm := func(axis, p int) unaryNode {
		return func(x *G.Node) (*G.Node, error) { return G.Norm(x, axis, p) }
	}
	cs = append(cs,
		innerCase("norm 2", norm(1, 2), in(3, 4)),
		unaryCase("norm 3", norm(0, 3), in(3, 4).over(0.2, 1)),
		opCase{name: "sum scales a matrix", inputs: []caseInput{in(3, 4), in(2, 2)}, build: func(x G.Nodes) *G.Node {
			return times(sumAll(tanh(x[0])), tanh(x[1]))
		}},
		opCase{name: "mean is subtracted", inputs: []caseInput{in(3, 4)}, build: func(x G.Nodes) *G.Node {
			y := tanh(x[0])
			return ok(G.Square(ok(G.Sub(y, ok(G.Mean(y))))))
		}},
	)
	return cs
}

func shapeCases() []opCase {
	reshape := func(to ...int) unaryNode {
		return func(x *G.Node) (*G.Node, error) { return G.Reshape(x, tensor.Shape(to)) }
	}
	transpose := func(axes ...int) unaryNode {
		return func(x *G.Node) (*G.Node, error) { return G.Transpose(x, axes...) }
	}
	slice := func(s ...tensor.Slice) unaryNode {
		return func(x *G.Node) (*G.Node, error) { return G.Slice(x, s...) }
	}
	concat := func(axis int) binaryNode {
		return func(a, b *G.Node) (*G.Node, error) { return G.Concat(axis, a, b) }
	}
	scalarTape := "Gorgonia gives a tensor where the node is a scalar"
	cs := []opCase{
		innerCase("reshape", reshape(2, 6), in(3, 4)),
		innerCase("reshape to a vector", reshape(12), in(3, 4)),
		innerCase("reshape to a column", reshape(12, 1), in(3, 4)),
		innerCase("reshape to three axes", reshape(2, 3, 2), in(3, 4)),
		innerCase("reshape of a scalar", reshape(1, 1), in()),
		innerCase("transpose", transpose(1, 0), in(3, 4)),
		innerCase("transpose 4-D", transpose(0, 3, 1, 2), in(2, 3, 2, 4)),
		innerCase("transpose 3-D cycle", transpose(2, 0, 1), in(2, 3, 4)),
		binaryCase("concat rows", concat(0), in(3, 4), in(2, 4)),
		binaryCase("concat columns", concat(1), in(3, 4), in(3, 2)),
		binaryCase("concat one column", concat(1), in(3, 2), in(3, 1)),
		binaryCase("concat one row each", concat(0), in(1, 3), in(1, 3)),
		binaryCase("concat vectors", concat(0), in(3), in(2)),
		binaryCase("concat 4-D", concat(2), in(2, 2, 1, 3), in(2, 2, 2, 3)),
		binaryCase("concat long", func(a, b *G.Node) (*G.Node, error) { // blocks that are equal modulo 256
			y, err := G.Concat(0, a, b)
			if err != nil {
				return nil, err
			}
			return G.Square(y)
		}, in(256), in(256)),
		{name: "concat three", inputs: []caseInput{in(2, 3), in(2, 1), in(2, 2)}, build: func(x G.Nodes) *G.Node {
			return ok(G.Square(ok(G.Concat(1, tanh(x[0]), tanh(x[1]), tanh(x[2])))))
		}},
		{name: "concat with itself", inputs: []caseInput{in(2, 3)}, build: func(x G.Nodes) *G.Node {
			y := tanh(x[0])
			return ok(G.Square(ok(G.Concat(0, y, y))))
		}},
		innerCase("slice rows", slice(G.S(1, 3)), in(4, 3)),
		innerCase("slice columns", slice(nil, G.S(1, 3)), in(3, 4)),
		innerCase("slice one row", slice(G.S(1)), in(4, 3)),
		innerCase("slice one column", slice(nil, G.S(2)), in(4, 3)),
		innerCase("slice one element", slice(G.S(1), G.S(2)), in(4, 3)),
		innerCase("slice of a vector", slice(G.S(1, 4)), in(5)),
		innerCase("slice an element of a vector", slice(G.S(2)), in(5)),
		innerCase("slice with a step", slice(G.S(0, 6, 2)), in(6, 2)),
		innerCase("slice 3-D", slice(nil, G.S(0, 2), G.S(1, 3)), in(2, 3, 4)),
		{name: "slices overlap", inputs: []caseInput{in(4, 3)}, build: func(x G.Nodes) *G.Node {
			y := tanh(x[0])
			return times(ok(G.Slice(y, G.S(0, 2))), ok(G.Slice(y, G.S(1, 3))))
		}},
	}
	one := innerCase("reshape to a scalar", reshape(), in(1, 1))
	one.tape = scalarTape
	cs = append(cs, one)

	for _, b := range []struct {
		name        string
		f           func(a, b *G.Node, l, r []byte) (*G.Node, error)
		a, b        caseInput
		left, right []byte
	}{
		{"broadcast add row", G.BroadcastAdd, in(3, 4), in(1, 4), nil, []byte{0}},
		{"broadcast add vector", G.BroadcastAdd, in(3, 4), in(4), nil, []byte{0}},
		{"broadcast sub column", G.BroadcastSub, in(3, 4), in(3, 1), nil, []byte{1}},
		{"broadcast prod left", G.BroadcastHadamardProd, in(1, 4), in(3, 4), []byte{0}, nil},
		{"broadcast div both", G.BroadcastHadamardDiv, in(1, 4), in(3, 1).over(0.4, 1), []byte{0}, []byte{1}},
		{"broadcast prod channels", G.BroadcastHadamardProd, in(2, 3, 2, 2), in(1, 3, 1, 1), nil, []byte{0, 2, 3}},
		{"broadcast add to one row", G.BroadcastAdd, in(1, 4), in(1, 4), nil, []byte{0}},
	} {
		cs = append(cs, binaryCase(b.name, func(x, y *G.Node) (*G.Node, error) {
			return b.f(x, y, b.left, b.right)
		}, b.a, b.b))
	}
	cs = append(cs, binaryCase("broadcast auto", func(x, y *G.Node) (*G.Node, error) {
		return G.Auto(G.BroadcastHadamardProd, x, y)
	}, in(3, 4), in(1, 4)))
	return cs
}
