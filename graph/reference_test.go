package graph

import (
	"fmt"
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// reference evaluates nodes by calling each op's own Do in topological order on
// copies of its operands, and our own loops for the few ops whose Do is wrong.
// It shares nothing with the compiler but decode.
type reference struct {
	order   G.Nodes // operands first
	outputs G.Nodes
}

func newReference(outputs G.Nodes) *reference {
	r := &reference{outputs: outputs}
	seen := make(map[*G.Node]bool)
	var visit func(n *G.Node)
	visit = func(n *G.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, c := range childrenOf(n) {
			visit(c)
		}
		r.order = append(r.order, n)
	}
	for _, n := range outputs {
		visit(n)
	}
	return r
}

// run returns the values of the outputs, given those of the inputs in the
// row-major order of their shapes.
func (r *reference) run(t testing.TB, inputs G.Nodes, values [][]float64) [][]float64 {
	t.Helper()
	env := make(map[*G.Node]G.Value, len(r.order))
	for i, n := range inputs {
		env[n] = toValue(n.Dtype(), n.Shape(), values[i])
	}
	for _, n := range r.order {
		if _, done := env[n]; done {
			continue
		}
		if n.Op() == nil {
			t.Fatalf("reference: no value for %v", n)
		}
		v, err := referenceDo(n, env)
		if err != nil {
			t.Fatalf("reference: %v of shape %v: %v", n, n.Shape(), err)
		}
		env[n] = v
	}
	out := make([][]float64, len(r.outputs))
	for i, n := range r.outputs {
		out[i] = toFloats(env[n])
		if len(out[i]) != n.Shape().TotalSize() {
			t.Fatalf("reference: %v has %d values, want shape %v", n, len(out[i]), n.Shape())
		}
	}
	return out
}

func referenceDo(n *G.Node, env map[*G.Node]G.Value) (_ G.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var operands []G.Value
	for _, c := range childrenOf(n) {
		v, err := G.CloneValue(env[c])
		if err != nil {
			return nil, err
		}
		operands = append(operands, v)
	}
	if own, ok, err := referenceOwn(n, operands); ok || err != nil {
		return own, err
	}
	v, err := n.Op().Do(operands...)
	if err != nil {
		return nil, err
	}
	// A copy, and a number where the op gave a tensor of one element instead.
	return toValue(n.Dtype(), n.Shape(), toFloats(v)), nil
}

// referenceOwn computes the ops that Gorgonia computes wrongly for some shapes.
func referenceOwn(n *G.Node, operands []G.Value) (G.Value, bool, error) {
	o, err := decode(n)
	if err != nil {
		return nil, false, err
	}
	var x []float64
	var shape tensor.Shape
	if len(operands) > 0 {
		x, shape = toFloats(operands[0]), childrenOf(n)[0].Shape()
	}
	var y []float64
	switch o := o.(type) {
	case reshapeOp:
		y = x
	case sumOp:
		y = reduce(x, shape, o.axes, 0, func(a, b float64) float64 { return a + b })
	case maxOp:
		y = reduce(x, shape, o.axes, math.Inf(-1), math.Max)
	case averagePoolOp:
		y = averagePool(x, shape, n.Shape(), o.window)
	case groupNormOp:
		y = groupNormalise(x, shape, o)
	default:
		return nil, false, nil
	}
	return toValue(n.Dtype(), n.Shape(), y), true, nil
}

func reduce(x []float64, shape tensor.Shape, axes []int, start float64, f func(a, b float64) float64) []float64 {
	size := 1
	for i, d := range shape {
		if !slices.Contains(axes, i) {
			size *= d
		}
	}
	y := make([]float64, size)
	for i := range y {
		y[i] = start
	}
	at := make([]int, len(shape))
	for _, v := range x {
		j := 0
		for i, d := range shape {
			if !slices.Contains(axes, i) {
				j = j*d + at[i]
			}
		}
		y[j] = f(y[j], v)
		for i := len(shape) - 1; i >= 0; i-- {
			if at[i]++; at[i] < shape[i] {
				break
			}
			at[i] = 0
		}
	}
	return y
}

// averagePool divides by the number of elements of the window; outside of the
// image there are zeros.
func averagePool(x []float64, in, out tensor.Shape, w window) []float64 {
	height, width := in[2], in[3]
	y := make([]float64, out.TotalSize())
	for i := range y {
		plane, row, col := i/(out[2]*out[3]), i/out[3]%out[2], i%out[3]
		for h := range w.h {
			for v := range w.w {
				r, c := row*w.strideH-w.padH+h, col*w.strideW-w.padW+v
				if r >= 0 && r < height && c >= 0 && c < width {
					y[i] += x[(plane*height+r)*width+c] / float64(w.h*w.w)
				}
			}
		}
	}
	return y
}

func groupNormalise(x []float64, shape tensor.Shape, o groupNormOp) []float64 {
	n := len(x) / (shape[0] * o.groups)
	y := make([]float64, len(x))
	for at := 0; at < len(x); at += n {
		var mean, variance float64
		for _, v := range x[at : at+n] {
			mean += v / float64(n)
		}
		for _, v := range x[at : at+n] {
			variance += (v - mean) * (v - mean) / float64(n)
		}
		for i := at; i < at+n; i++ {
			y[i] = (x[i] - mean) / math.Sqrt(variance+o.epsilon)
		}
	}
	return y
}

func toValue(dt tensor.Dtype, shape tensor.Shape, x []float64) G.Value {
	if len(x) != shape.TotalSize() {
		panic(fmt.Sprintf("%d elements for shape %v", len(x), shape))
	}
	if len(shape) == 0 {
		if dt == tensor.Float32 {
			return G.NewF32(float32(x[0]))
		}
		return G.NewF64(x[0])
	}
	var backing any = slices.Clone(x)
	if dt == tensor.Float32 {
		narrow := make([]float32, len(x))
		for i, v := range x {
			narrow[i] = float32(v)
		}
		backing = narrow
	}
	return tensor.New(tensor.WithShape(slices.Clone(shape)...), tensor.WithBacking(backing))
}

func toFloats(v G.Value) []float64 {
	if d, ok := v.(*tensor.Dense); ok && (d.RequiresIterator() || d.IsMaterializable()) {
		v = d.Materialize()
	}
	switch x := v.Data().(type) {
	case float64:
		return []float64{x}
	case float32:
		return []float64{float64(x)}
	case []float64:
		return slices.Clone(x)
	case []float32:
		wide := make([]float64, len(x))
		for i, v := range x {
			wide[i] = float64(v)
		}
		return wide
	}
	panic(fmt.Sprintf("reference: value of type %T", v))
}

// TestReference checks the loops that stand in for Gorgonia's own.
func TestReference(t *testing.T) {
	check := func(name string, got, want []float64) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", name, got, want)
		}
		for i := range got {
			if math.Abs(got[i]-want[i]) > 1e-15 {
				t.Errorf("%s: %v, want %v", name, got, want)
				return
			}
		}
	}
	plus := func(a, b float64) float64 { return a + b }
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	check("sum of axis 1 of (2, 3, 2)", reduce(x, tensor.Shape{2, 3, 2}, []int{1}, 0, plus), []float64{9, 12, 27, 30})
	check("sum of axes 0 and 2", reduce(x, tensor.Shape{2, 3, 2}, []int{0, 2}, 0, plus), []float64{18, 26, 34})
	w := window{h: 2, w: 2, padH: 1, padW: 0, strideH: 2, strideW: 1}
	check("average pool", averagePool(x[:6], tensor.Shape{1, 1, 3, 2}, tensor.Shape{1, 1, 2, 1}, w),
		[]float64{(1 + 2) / 4., (3 + 4 + 5 + 6) / 4.})
	check("group norm", groupNormalise([]float64{0, 2, 5, 5}, tensor.Shape{1, 2, 2}, groupNormOp{groups: 2, epsilon: 1e-20}),
		[]float64{-1, 1, 0, 0})
}
