package nodes_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/gorgoniatest"
	"github.com/neuralode/neuralode/internal/nodes"
)

func pdf(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }

// Φ and its derivatives of three orders on a TapeMachine and compiled, against closed
// forms: Φ′ = φ, Φ″ = −xφ, Φ‴ = (x² − 1)φ. Far to the left Φ keeps its digits.
func TestNormalCDFToThirdOrder(t *testing.T) {
	points := []float64{-30, -8, -3, -1, -0.1, 0, 0.4, 1, 2.5, 7, 40}
	for _, dt := range gorgoniatest.Dtypes {
		g := G.NewGraph()
		x := gorgoniatest.Input(g, "x", dt, points, len(points), 1)
		y := gorgoniatest.Must(t)(nodes.NormalCDF(x))
		outputs := G.Nodes{y}
		for range 3 {
			d, err := graph.Grad(gorgoniatest.Must(t)(G.Sum(outputs[len(outputs)-1])), x)
			if err != nil {
				t.Fatal(err)
			}
			outputs = append(outputs, d[0])
		}
		closed := []func(float64) float64{nodes.Phi, pdf,
			func(x float64) float64 { return -x * pdf(x) },
			func(x float64) float64 { return (x*x - 1) * pdf(x) }}
		check := func(how string, got [][]float64) {
			for order, f := range closed {
				want := make([]float64, len(points))
				for i, x := range points {
					if dt == tensor.Float32 {
						x = float64(float32(x))
					}
					want[i] = f(x)
				}
				// exp(−x²/2) amplifies the rounding of its argument by x²/2 ≤ 32
				// where the result is not negligible.
				gorgoniatest.ExpectNear(t, fmt.Sprint(how, " ", dt, " derivative ", order), got[order], want, 80*gorgoniatest.Rounding(dt), 1e-37)
			}
		}
		check("machine", gorgoniatest.Run(t, g, outputs...))
		if dt == tensor.Float32 {
			check("compiled", compiled[float32](t, x, outputs))
		} else {
			check("compiled", compiled[float64](t, x, outputs))
		}
	}
}

func compiled[T graph.Float](t *testing.T, x *G.Node, outputs G.Nodes) [][]float64 {
	p, err := graph.Compile[T](G.Nodes{x}, outputs)
	if err != nil {
		t.Fatal(err)
	}
	in := x.Value().Data().([]T)
	dst, got := make([][]T, len(outputs)), make([][]float64, len(outputs))
	for i := range dst {
		dst[i] = make([]T, len(in))
	}
	if err := p.NewInstance().Run(dst, [][]T{in}); err != nil {
		t.Fatal(err)
	}
	for i := range dst {
		for _, v := range dst[i] {
			got[i] = append(got[i], float64(v))
		}
	}
	return got
}

// A LispMachine gives the same gradients, of tensors and of numbers.
func TestOwnOpsOnALispMachine(t *testing.T) {
	for _, dt := range gorgoniatest.Dtypes {
		g := G.NewGraph()
		x := gorgoniatest.Input(g, "x", dt, []float64{-1.5, 0.3, 2, 0.7}, 2, 2)
		y := gorgoniatest.Must(t)(nodes.NormalCDF(x))
		flat := gorgoniatest.Must(t)(nodes.Reshape(y, tensor.Shape{4}))
		gorgoniatest.Must(t)(G.Sum(flat))
		vm := G.NewLispMachine(g)
		defer vm.Close()
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		d, err := x.Grad()
		if err != nil {
			t.Fatal(err)
		}
		want := []float64{pdf(-1.5), pdf(0.3), pdf(2), pdf(0.7)}
		gorgoniatest.ExpectNear(t, fmt.Sprint(dt), gorgoniatest.Floats(d), want, 4*gorgoniatest.Rounding(dt), 0)
	}
}

func TestReshapeToAndFromANumber(t *testing.T) {
	for _, dt := range gorgoniatest.Dtypes {
		g := G.NewGraph()
		x := gorgoniatest.Input(g, "x", dt, []float64{3}, 1, 1)
		s := gorgoniatest.Must(t)(nodes.Reshape(x, tensor.Shape{}))
		back := gorgoniatest.Must(t)(nodes.Reshape(gorgoniatest.Must(t)(G.Square(s)), tensor.Shape{1}))
		got := gorgoniatest.Run(t, g, s, back)
		if got[0][0] != 3 || got[1][0] != 9 || !s.IsScalar() {
			t.Errorf("%v: %v", dt, got)
		}
		if _, err := nodes.Reshape(x, tensor.Shape{2}); err == nil {
			t.Error("one element as two")
		}
	}
}

// The builder keeps the first error, which names the op and its operands, and turns
// panics of Gorgonia into errors.
func TestBuilderNamesTheOp(t *testing.T) {
	g := G.NewGraph()
	x := gorgoniatest.Input(g, "x", tensor.Float64, []float64{1, 2}, 1, 2)
	y := gorgoniatest.Input(g, "y", tensor.Float64, []float64{1, 2, 3}, 1, 3)
	b := nodes.On(x)
	_, err := b.Result(b.Exp(b.Add(x, y)))
	if err == nil || !strings.Contains(err.Error(), "Add of (x (1, 2), y (1, 3))") {
		t.Errorf("%v", err)
	}
	b = nodes.On(x)
	_, err = b.Result(b.Do("Wild", func() (*G.Node, error) { panic("gone") }, x))
	if err == nil || !strings.Contains(err.Error(), "Wild of (x (1, 2)): panic: gone") {
		t.Errorf("%v", err)
	}
	b = nodes.On(x)
	if _, err = b.Result(b.Add(x, nil)); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("%v", err)
	}
}

func TestNamesAndSizes(t *testing.T) {
	g := G.NewGraph()
	gorgoniatest.Input(g, "w", tensor.Float64, []float64{1}, 1, 1)
	var taken *nodes.NameError
	if err := nodes.Free(g, "w"); !errors.As(err, &taken) || taken.Name != "w" {
		t.Errorf("%v", err)
	}
	if a, b := nodes.Constant(g, tensor.Float64, 2), nodes.Constant(g, tensor.Float64, 2); a != b {
		t.Error("equal constants are two nodes")
	}
	if a, b := nodes.Constant(g, tensor.Float64, 2), nodes.Constant(g, tensor.Float32, 2); a == b {
		t.Error("constants of two types are one node")
	}
	long := make([]float64, 2000)
	like := gorgoniatest.Input(g, "like", tensor.Float64, []float64{5}, 1, 1)
	a := gorgoniatest.Must(t)(nodes.Tensor(like, append([]float64(nil), long...), 2000))
	same := gorgoniatest.Must(t)(nodes.Tensor(like, append([]float64(nil), long...), 2000))
	long[1000] = 1
	b := gorgoniatest.Must(t)(nodes.Tensor(like, long, 2000))
	if a == b || a != same {
		t.Error("tensors that differ in the middle are one node, or equal ones are two")
	}
	for _, c := range []struct {
		shape []int
		want  int
	}{{[]int{2, 3}, 6}, {[]int{1 << 30}, 1 << 30}, {[]int{1 << 31}, 0}, {[]int{1 << 16, 1 << 16}, 0}, {[]int{-1, -1}, 0}, {[]int{0}, 0}} {
		if got, ok := nodes.Size(c.shape); got != c.want || ok != (c.want > 0) {
			t.Errorf("%v: %d, %v", c.shape, got, ok)
		}
	}
}

// A constant tensor is a constant to derivatives, to the compiler and to both machines.
func TestConstantTensor(t *testing.T) {
	for _, dt := range gorgoniatest.Dtypes {
		g := G.NewGraph()
		x := gorgoniatest.Input(g, "x", dt, []float64{1, 2, 3, 4}, 2, 2)
		c := gorgoniatest.Must(t)(nodes.Tensor(x, []float64{10, 20, 30, 40}, 2, 2))
		y := gorgoniatest.Must(t)(G.Sum(gorgoniatest.Must(t)(G.HadamardProd(x, c))))
		own, err := graph.Grad(y, x)
		if err != nil {
			t.Fatal(err)
		}
		stock, err := G.Grad(y, x)
		if err != nil {
			t.Fatal(err)
		}
		got := gorgoniatest.Run(t, g, y, own[0], stock[0])
		want := []float64{10, 20, 30, 40}
		if got[0][0] != 300 {
			t.Errorf("%v: %v", dt, got[0])
		}
		gorgoniatest.ExpectNear(t, "graph.Grad", got[1], want, 0, 0)
		gorgoniatest.ExpectNear(t, "G.Grad", got[2], want, 0, 0)
		if dt == tensor.Float64 {
			gorgoniatest.ExpectNear(t, "compiled", compiled[float64](t, x, G.Nodes{own[0]})[0], want, 0, 0)
		}
		lisp := G.NewGraph()
		x = gorgoniatest.Input(lisp, "x", dt, []float64{1, 2, 3, 4}, 2, 2)
		c = gorgoniatest.Must(t)(nodes.Tensor(x, []float64{10, 20, 30, 40}, 2, 2))
		gorgoniatest.Must(t)(G.Sum(gorgoniatest.Must(t)(G.HadamardProd(x, c))))
		vm := G.NewLispMachine(lisp)
		defer vm.Close()
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		d, err := x.Grad()
		if err != nil {
			t.Fatal(err)
		}
		gorgoniatest.ExpectNear(t, "LispMachine", gorgoniatest.Floats(d), want, 0, 0)
	}
}
