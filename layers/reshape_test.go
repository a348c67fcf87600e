package layers_test

import (
	"fmt"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/gorgoniatest"
	"github.com/neuralode/neuralode/internal/nodes"
	"github.com/neuralode/neuralode/layers"
)

// spread are n different numbers of size about one.
func spread(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.Sin(1.3*float64(i) + 0.4)
	}
	return v
}

// reshapes returns the nodes at and below n that only reshape.
func reshapes(n *G.Node) (found G.Nodes) {
	seen := make(map[*G.Node]bool)
	var visit func(n *G.Node)
	visit = func(n *G.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if _, ok := n.Op().(nodes.ReshapeOp); ok {
			found = append(found, n)
		}
		for it := n.Graph().From(n.ID()); it.Next(); {
			visit(it.Node().(*G.Node))
		}
	}
	visit(n)
	return found
}

// The op keeps the row-major order of elements, whatever the strides of its operand, and
// fills a buffer of NaN.
func TestReshapeOp(t *testing.T) {
	g := G.NewGraph()
	x := input(g, "x", tensor.Float64, spread(12), 2, 3, 2)
	y := must(t)(place(t, layers.Linear{In: 2, Out: 2}, g, "l", tensor.Float64).Fwd(x))
	ops := reshapes(y)
	if len(ops) != 2 {
		t.Fatalf("%d reshapes, want 2", len(ops))
	}
	if a, b := ops[0].Op(), ops[1].Op(); a.Hashcode() == b.Hashcode() || a.String() == b.String() {
		t.Errorf("%v and %v are not told apart", a, b)
	}
	var op G.Op // from (2, 3, 2) to (6, 2)
	for _, n := range ops {
		if n.Dims() == 2 {
			op = n.Op()
		}
	}
	want := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	narrow := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	whole := tensor.New(tensor.WithShape(2, 3, 2), tensor.WithBacking(append([]float64(nil), want...)))
	wide := tensor.New(tensor.WithShape(2, 4, 2), tensor.WithBacking([]float64{1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0}))
	view, err := wide.Slice(nil, tensor.S(0, 3))
	if err != nil {
		t.Fatal(err)
	}
	turned := tensor.New(tensor.WithShape(2, 3, 2), tensor.WithBacking([]float64{1, 7, 3, 9, 5, 11, 2, 8, 4, 10, 6, 12}))
	if err := turned.T(2, 1, 0); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]G.Value{
		"whole": whole, "view": view.(*tensor.Dense), "transposed": turned,
		"float32": tensor.New(tensor.WithShape(2, 3, 2), tensor.WithBacking(narrow)),
	} {
		got, err := op.Do(v)
		if err != nil {
			t.Fatal(name, err)
		}
		expectNear(t, name, floats(got), want, 0, 0)
		buffer := tensor.New(tensor.Of(v.Dtype()), tensor.WithShape(6, 2))
		buffer.Memset(map[tensor.Dtype]any{tensor.Float64: math.NaN(), tensor.Float32: float32(math.NaN())}[v.Dtype()])
		if got, err = op.(G.UsePreallocDoer).UsePreallocDo(buffer, v); err != nil {
			t.Fatal(name, err)
		}
		expectNear(t, name+" into a buffer", floats(got), want, 0, 0)
		if !got.Shape().Eq(tensor.Shape{6, 2}) {
			t.Errorf("%s: shape %v", name, got.Shape())
		}
	}
	copied, err := op.Do(whole)
	if err != nil {
		t.Fatal(err)
	}
	whole.Memset(99.0)
	expectNear(t, "after the operand changed", floats(copied), want, 0, 0)
	for _, v := range []G.Value{G.NewF64(1), tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{1, 2, 3, 4})), tensor.New(tensor.WithShape(12), tensor.WithBacking(make([]int, 12)))} {
		if _, err := op.Do(v); err == nil {
			t.Errorf("no error for %T of shape %v", v, v.Shape())
		}
	}
}

// An input of several axes goes to two networks, which share a reshape, and to the loss
// itself, so that its gradient has several parts. New LispMachines on one graph give the
// gradients of a TapeMachine every time.
func TestSeveralAxesOnBothMachines(t *testing.T) {
	for _, dt := range dtypes {
		for _, shape := range [][]int{{4, 3, 2}, {2, 2, 3, 2}, {1, 1, 2}, {1, 1, 1, 2}} {
			t.Run(fmt.Sprint(dt, shape), func(t *testing.T) {
				model := func() (*G.ExprGraph, *G.Node, G.Nodes) {
					g := G.NewGraph()
					x := input(g, "x", dt, spread(tensor.Shape(shape).TotalSize()), shape...)
					a := place(t, layers.MLP{In: 2, Hidden: []int{3}, Out: 1}, g, "a", dt)
					b := place(t, layers.Linear{In: 2, Out: 1}, g, "b", dt)
					y := must(t)(G.Add(must(t)(a.Fwd(x)), must(t)(b.Fwd(x))))
					loss := must(t)(G.Add(must(t)(G.Mean(must(t)(G.Square(y)))), must(t)(G.Mean(must(t)(G.Sin(x))))))
					return g, loss, append(append(G.Nodes{x}, a.Learnables()...), b.Learnables()...)
				}
				tape, loss, nodes := model()
				grads, err := G.Grad(loss, nodes...)
				if err != nil {
					t.Fatal(err)
				}
				want := run(t, tape, grads...)

				lisp, _, nodes := model()
				for range 3 {
					vm := G.NewLispMachine(lisp)
					if err := vm.RunAll(); err != nil {
						t.Fatal(err)
					}
					vm.Close()
					for i, n := range nodes {
						d, err := n.Grad()
						if err != nil {
							t.Fatal(err)
						}
						expectNear(t, "gradient of "+n.Name(), floats(d), want[i], 16*rounding(dt), 16*rounding(dt))
						gorgoniatest.Clear(d) // as Gorgonia's solvers do
					}
				}
			})
		}
	}
}

// A network on three axes and its derivatives of two orders are those of the same rows as
// a matrix.
func TestSeveralAxesSecondDerivatives(t *testing.T) {
	for _, dt := range dtypes {
		var got [2][][]float64
		for i, shape := range []tensor.Shape{{4, 3, 2}, {12, 2}} {
			g := G.NewGraph()
			x := input(g, "x", dt, spread(24), shape...)
			net := place(t, layers.MLP{In: 2, Hidden: []int{3}, Out: 2}, g, "net", dt)
			y := must(t)(net.Fwd(x))
			first, err := graph.Grad(must(t)(G.Sum(must(t)(G.Square(y)))), x)
			if err != nil {
				t.Fatal(err)
			}
			second, err := graph.Grad(must(t)(G.Sum(must(t)(G.Cube(first[0])))), append(G.Nodes{x}, net.Learnables()...)...)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range append(G.Nodes{first[0]}, second[0]) {
				if !d.Shape().Eq(shape) {
					t.Errorf("a derivative by x %v has shape %v", shape, d.Shape())
				}
			}
			got[i] = run(t, g, append(append(G.Nodes{y}, first...), second...)...)
		}
		for i, want := range got[1] {
			expectNear(t, fmt.Sprint(dt, " result ", i), got[0][i], want, 0, 16*rounding(dt))
		}
	}
}
