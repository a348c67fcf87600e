package graph

import (
	"fmt"
	"reflect"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// findOp returns a node at or below n whose op has the given type name, or nil.
func findOp(n *G.Node, name string) *G.Node {
	if n.Op() != nil && newReader(n.Op()).name == name {
		return n
	}
	for _, c := range childrenOf(n) {
		if found := findOp(c, name); found != nil {
			return found
		}
	}
	return nil
}

// TestDecode is the first test to fail when Gorgonia renames or rearranges its
// private ops.
func TestDecode(t *testing.T) {
	g := G.NewGraph()
	names := 0
	in := func(shape ...int) *G.Node {
		names++
		name := fmt.Sprintf("x%d", names)
		if len(shape) == 0 {
			return G.NewScalar(g, G.Float64, G.WithName(name))
		}
		return G.NewTensor(g, G.Float64, len(shape), G.WithShape(shape...), G.WithName(name))
	}
	must := func(n *G.Node, err error) *G.Node {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	symDiff := func(y, dy *G.Node) *G.Node {
		t.Helper()
		ds, err := y.Op().(G.SDOp).SymDiff(childrenOf(y), y, dy)
		if err != nil {
			t.Fatal(err)
		}
		return ds[0]
	}

	img := in(2, 4, 6, 6)
	win := window{h: 2, w: 2, padH: 1, padW: 1, strideH: 2, strideW: 2, dilationH: 1, dilationW: 1}
	maxPool := must(G.MaxPool2D(img, tensor.Shape{2, 2}, []int{1, 1}, []int{2, 2}))
	avgPool := must(G.AveragePool2D(img, tensor.Shape{2, 2}, []int{1, 1}, []int{2, 2}))
	up := must(G.Upsample2D(img, 3))
	groupNorm, err := G.GroupNorm(img, in(1, 4, 1, 1), in(1, 4, 1, 1), 2, 4, 1e-3)
	if err != nil {
		t.Fatal(err)
	}
	batchNorm, _, _, _, err := G.BatchNorm(img, nil, nil, 0.9, 1e-5)
	if err != nil {
		t.Fatal(err)
	}
	im2col := must(G.Im2Col(img, tensor.Shape{3, 2}, tensor.Shape{1, 0}, tensor.Shape{2, 1}, tensor.Shape{1, 2}))
	patch := window{h: 3, w: 2, padH: 1, strideH: 2, strideW: 1, dilationH: 1, dilationW: 2}
	x34 := in(3, 4)
	softmax := must(G.SoftMax(x34))
	rows := must(G.Slice(x34, G.S(1, 3)))
	col := must(G.Slice(x34, nil, G.S(2)))
	_, wide, err := G.Broadcast(x34, in(1, 4), G.NewBroadcastPattern(nil, []byte{0}))
	if err != nil {
		t.Fatal(err)
	}
	var read G.Value

	cases := []struct {
		name string
		n    *G.Node
		want op
	}{
		{"variable", x34, nil},
		{"dot", must(G.Mul(in(3), in(3))), productOp{kind: vecDot}},
		{"matmul", must(G.Mul(x34, in(4, 2))), productOp{kind: matMat}},
		{"matvec", must(G.Mul(x34, in(4))), productOp{kind: matVec}},
		{"vecmat", must(G.Mul(in(3), x34)), productOp{kind: matVec, transA: true}},
		{"outer", must(G.OuterProd(in(3), in(4))), productOp{kind: outer}},
		{"batched", must(G.BatchedMatMul(in(2, 3, 4), in(2, 5, 4), false, true)), productOp{kind: batchedMatMat, transB: true}},
		{"tensordot", must(G.Tensordot([]int{1}, []int{0}, x34, in(4, 2))), tensordotOp{[]int{1}, []int{0}}},
		{"sum", must(G.Sum(in(2, 3, 4), 0, 2)), sumOp{[]int{0, 2}}},
		{"max", must(G.Max(in(2, 3, 4), 1)), maxOp{[]int{1}}},
		{"size", childrenOf(wide)[1], sizeOp{3}},
		{"repeat", wide, repeatOp{0, 3}},
		{"reshape", must(G.Reshape(x34, tensor.Shape{12})), reshapeOp{}},
		{"transpose", must(G.Transpose(in(2, 3, 4), 2, 0, 1)), transposeOp{[]int{2, 0, 1}}},
		{"rows", rows, sliceOp{axis: 0, start: 1, step: 1, count: 2}},
		{"column", col, sliceOp{axis: 1, start: 2, step: 1, count: 1, drop: true}},
		{"every other", must(G.Slice(in(6, 2), G.S(1, 5, 2))), sliceOp{axis: 0, start: 1, step: 2, count: 2}},
		{"slice gradient", symDiff(rows, in(2, 4)), sliceGradOp{sliceOp{axis: 0, start: 1, step: 1, count: 2}}},
		{"at", must(G.At(x34, 1, 2)), atOp{[]int{1, 2}}},
		{"concat", must(G.Concat(1, in(2, 3), in(2, 2))), concatOp{1}},
		{"softmax", softmax, softmaxOp{axis: 1}},
		{"logsoftmax", must(G.LogSoftMax(in(3, 4), 0)), softmaxOp{axis: 0, log: true}},
		{"softmax of a column", must(G.SoftMax(in(3, 1))), softmaxOp{axis: 0}},
		{"softmax gradient", symDiff(softmax, in(3, 4)), softmaxGradOp{softmaxOp{axis: 1}}},
		{"im2col", im2col, im2colOp{patch}},
		{"col2im", symDiff(im2col, in(im2col.Shape()...)), col2imOp{patch}},
		{"max pool", maxPool, maxPoolOp{win}},
		{"max pool gradient", symDiff(maxPool, in(maxPool.Shape()...)), maxPoolGradOp{win}},
		{"average pool", avgPool, averagePoolOp{win}},
		{"average pool gradient", symDiff(avgPool, in(avgPool.Shape()...)), averagePoolGradOp{win}},
		{"global average pool", must(G.GlobalAveragePool2D(img)), globalAveragePoolOp{}},
		{"upsample", up, upsampleOp{3}},
		{"upsample gradient", symDiff(up, in(up.Shape()...)), upsampleGradOp{3}},
		{"group norm", findOp(groupNorm, "GroupNormOp"), groupNormOp{2, 1e-3}},
		{"group norm gradient", symDiff(findOp(groupNorm, "GroupNormOp"), in(2, 4, 6, 6)), groupNormGradOp{groupNormOp{2, 1e-3}}},
		{"batch norm", findOp(batchNorm, "BatchNormOp"), batchNormOp{training: true, epsilon: 1e-5}},
		{"dropout", must(G.Dropout(in(3, 4), 0.25)), dropoutOp{0.25, true}},
		{"convert", must(G.ConvType(in(3), G.Float64, G.Float32)), convertOp{G.Float64, G.Float32}},
		{"random", G.UniformRandomNode(g, G.Float64, 0, 1, 3), randomOp{}},
		{"read", G.Read(x34, &read), statementOp{}},
		{"min", must(G.MinBetween(in(3), in(3))), binaryOp{fnMin}},
		{"max between", must(G.MaxBetween(in(3), in(3))), binaryOp{fnMax}},
	}
	for _, c := range cases {
		got, err := decode(c.n)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: decoded %#v, want %#v", c.name, got, c.want)
		}
	}

	unaries := []func(*G.Node) (*G.Node, error){
		G.Abs, G.Sign, G.Ceil, G.Floor, G.Sin, G.Cos, G.Exp, G.Log, G.Log2, G.Neg, G.Square, G.Sqrt,
		G.Inverse, G.InverseSqrt, G.Cube, G.Tanh, G.Sigmoid, G.Log1p, G.Expm1, G.Softplus,
	}
	for fn, f := range unaries {
		if got, err := decode(must(f(in(3)))); err != nil || got != (unaryOp{unaryFn(fn)}) {
			t.Errorf("unary %v: decoded %v, %v", unaryFn(fn), got, err)
		}
	}
	compare := func(f func(a, b *G.Node, retSame bool) (*G.Node, error)) func(a, b *G.Node) (*G.Node, error) {
		return func(a, b *G.Node) (*G.Node, error) { return f(a, b, true) }
	}
	binaries := []func(a, b *G.Node) (*G.Node, error){
		G.Add, G.Sub, G.HadamardProd, G.HadamardDiv, G.Pow,
		compare(G.Lt), compare(G.Gt), compare(G.Lte), compare(G.Gte), compare(G.Eq), compare(G.Ne),
	}
	for fn, f := range binaries {
		for _, shapes := range [][2][]int{{{3}, {3}}, {{}, {3}}, {{3}, {}}, {{}, {}}} {
			n := must(f(in(shapes[0]...), in(shapes[1]...)))
			if got, err := decode(n); err != nil || got != (binaryOp{binaryFn(fn)}) {
				t.Errorf("binary %v %v: decoded %v, %v", binaryFn(fn), shapes, got, err)
			}
		}
	}
	if got, err := decode(G.NewConstant(2.5)); err != nil {
		t.Error(err)
	} else if c, ok := got.(constantOp); !ok || c.value.Data() != 2.5 {
		t.Errorf("constant: decoded %v", got)
	}
}

func TestChildrenOf(t *testing.T) {
	if childrenField.Type == nil {
		t.Error("Gorgonia's Node has no children field; the fallback through the graph is in use")
	}
	g := G.NewGraph()
	x := G.NewVector(g, G.Float64, G.WithShape(2), G.WithName("x"))
	y := G.NewVector(g, G.Float64, G.WithShape(2), G.WithName("y"))
	if c := childrenOf(G.Must(G.Sub(y, x))); len(c) != 2 || c[0] != y || c[1] != x {
		t.Errorf("children of y-x: %v", c)
	}
	if c := childrenOf(G.Must(G.HadamardProd(x, x))); len(c) != 2 || c[0] != x || c[1] != x {
		t.Errorf("children of x⊙x: %v", c)
	}
}
