package graph

import (
	"errors"
	"fmt"
	"hash"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/gradtest"
)

func matrixInput(g *G.ExprGraph, name string, shape ...int) *G.Node {
	return variable(g, tensor.Float64, name, shape)
}

// mustRun compiles and runs on NaN-filled destinations.
func mustRun(t *testing.T, inputs, outputs G.Nodes, values ...[]float64) [][]float64 {
	t.Helper()
	return runCompiled[float64](t, inputs, outputs, values)
}

func equalSlices(t *testing.T, what string, got [][]float64, want ...[]float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d outputs, want %d", what, len(got), len(want))
	}
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("%s, output %d: got %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestOutputsOfAllKinds(t *testing.T) {
	g := G.NewGraph()
	x := matrixInput(g, "x", 2, 3)
	y := ok(G.Square(x))
	two := ok(G.Mul(g.AddNode(num(x, 2)), num(x, 1)))
	turned := ok(G.Transpose(x, 1, 0))
	flat := ok(G.Reshape(y, tensor.Shape{6}))
	zeros := zerosLike(x)
	got := mustRun(t, G.Nodes{x}, G.Nodes{x, y, y, num(x, 7), two, turned, flat, x, zeros}, []float64{1, 2, 3, 4, 5, 6})
	v, v2 := []float64{1, 2, 3, 4, 5, 6}, []float64{1, 4, 9, 16, 25, 36}
	equalSlices(t, "outputs", got, v, v2, v2, []float64{7}, []float64{2}, []float64{1, 4, 2, 5, 3, 6}, v2, v, make([]float64, 6))
}

func TestBatchedLayer(t *testing.T) {
	g := G.NewGraph()
	x, row := matrixInput(g, "x", 2, 2, 2), matrixInput(g, "row", 1, 1, 2)
	n := ok(G.Square(ok(G.BroadcastAdd(ok(G.BatchedMatMul(x, x)), row, nil, []byte{0, 1}))))
	got := mustRun(t, G.Nodes{x, row}, G.Nodes{n}, []float64{1, 2, 3, 4, 0, 1, 1, 0}, []float64{-7, -9})
	equalSlices(t, "layer", got, []float64{0, 1, 64, 169, 36, 81, 49, 64})
}

func TestIntermediateAsInput(t *testing.T) {
	g := G.NewGraph()
	x := matrixInput(g, "x", 2)
	y := ok(G.Exp(x))
	got := mustRun(t, G.Nodes{y}, G.Nodes{ok(G.Square(y))}, []float64{3, 4})
	equalSlices(t, "square of y", got, []float64{9, 16})
}

func TestUnusedInput(t *testing.T) {
	g := G.NewGraph()
	x, unused := matrixInput(g, "x", 2), matrixInput(g, "unused", 3)
	got := mustRun(t, G.Nodes{unused, x}, G.Nodes{ok(G.Neg(x))}, []float64{0, 0, 0}, []float64{1, 2})
	equalSlices(t, "neg", got, []float64{-1, -2})
}

// TestOverlap runs with destinations that share memory with sources, exactly
// and shifted.
func TestOverlap(t *testing.T) {
	g := G.NewGraph()
	x, y := matrixInput(g, "x", 3), matrixInput(g, "y", 3)
	outputs := G.Nodes{ok(G.Sub(x, y)), ok(G.HadamardProd(x, y))}
	p, err := Compile[float64](G.Nodes{x, y}, outputs)
	if err != nil {
		t.Fatal(err)
	}
	m := p.NewInstance()
	for shift := range 3 {
		mem := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
		src := [][]float64{mem[0:3], mem[4:7]}
		dst := [][]float64{mem[shift : shift+3], mem[4+shift : 7+shift]}
		if err := m.Run(dst, src); err != nil {
			t.Fatal(err)
		}
		equalSlices(t, fmt.Sprintf("shift %d", shift), dst, []float64{-4, -4, -4}, []float64{5, 12, 21})
	}
	mem := []float64{1, 2, 3, 4, 5, 6}
	dst, src := [][]float64{mem[3:], mem[:3]}, [][]float64{mem[:3], mem[3:]}
	if n := gradtest.Allocs(10, func() { _ = m.Run(dst, src) }); n != 0 {
		t.Errorf("%v allocations with overlapping slices", n)
	}
}

func TestRunAllocs(t *testing.T) {
	for _, c := range opCases() {
		if c.state {
			continue
		}
		inputs, out := c.place(t, tensor.Float64)
		lambda := variable(out.Graph(), tensor.Float64, "lambda", out.Shape())
		grads, err := VJP(G.Nodes{out}, G.Nodes{lambda}, inputs)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		inputs = append(inputs, lambda)
		p, err := Compile[float64](inputs, append(G.Nodes{out}, grads...))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if slices.ContainsFunc(p.whole.instructions, func(in instruction[float64]) bool { _, ok := in.(*foreign[float64]); return ok }) {
			t.Logf("%s has ops of its own", c.name)
			continue
		}
		m := p.NewInstance()
		src, dst := nanSlices[float64](inputs), nanSlices[float64](append(G.Nodes{out}, grads...))
		if n := gradtest.Allocs(2, func() { _ = m.Run(dst, src) }); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

// bigMLP is wide enough for BLAS, panels and tiles.
func bigMLP[T Float](t testing.TB, batch int) (inputs, outputs G.Nodes, src [][]T) {
	t.Helper()
	dt := dtypeOf[T]()
	g := G.NewGraph()
	y, lambda := variable(g, dt, "y", tensor.Shape{batch, 3}), variable(g, dt, "lambda", tensor.Shape{batch, 3})
	layer, err := testMLP{in: 3, hidden: 70}.Place(g, "f", dt, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	f := ok(layer.Fwd(y))
	wrt := append(G.Nodes{y}, layer.Learnables()...)
	grads, err := VJP(G.Nodes{f}, G.Nodes{lambda}, wrt)
	if err != nil {
		t.Fatal(err)
	}
	inputs, outputs = append(wrt, lambda), append(G.Nodes{f}, grads...)
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range inputs {
		src = append(src, convert[T](randomVector(r, n.Shape().TotalSize())))
	}
	return inputs, outputs, src
}

// TestManyGoroutines runs one Program on an Instance for each of 8 goroutines.
func TestManyGoroutines(t *testing.T) {
	inputs, outputs, src := bigMLP[float64](t, 150)
	p, err := Compile[float64](inputs, outputs)
	if err != nil {
		t.Fatal(err)
	}
	want := nanSlices[float64](outputs)
	if err := p.NewInstance().Run(want, src); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	results := make([][][]float64, 8)
	for i := range results {
		wg.Add(1)
		go func() {
			defer wg.Done()
			m := p.NewInstance()
			results[i] = nanSlices[float64](outputs)
			for range 5 {
				if err := m.Run(results[i], src); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	for _, got := range results {
		equalSlices(t, "goroutine", got, want...)
	}
}

func testProcessors[T Float](t *testing.T) {
	inputs, outputs, src := bigMLP[T](t, 300)
	p, err := Compile[T](inputs, outputs)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first [][]T
	for _, procs := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(procs)
		dst := nanSlices[T](outputs)
		m := p.NewInstance()
		if err := m.Run(dst, src); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = dst
		}
		for i := range dst {
			if !slices.Equal(dst[i], first[i]) {
				t.Errorf("output %d depends on GOMAXPROCS", i)
			}
		}
	}
}

func TestProcessors(t *testing.T) {
	t.Run("float64", testProcessors[float64])
	t.Run("float32", testProcessors[float32])
}

func TestUnbound(t *testing.T) {
	g := G.NewGraph()
	x, w, b := matrixInput(g, "x", 2, 2), matrixInput(g, "w", 2, 2), matrixInput(g, "b", 2, 2)
	n := ok(G.Add(ok(G.Mul(x, w)), b))
	_, err := Compile[float64](G.Nodes{x}, G.Nodes{n})
	var unbound *UnboundError
	if !errors.As(err, &unbound) || !slices.Equal(unbound.Names, []string{"w", "b"}) {
		t.Errorf("error %v, want UnboundError of w and b", err)
	}
	if !strings.HasPrefix(fmt.Sprint(err), "graph: ") {
		t.Errorf("error %q lacks the prefix", err)
	}
}

func TestDtype(t *testing.T) {
	g := G.NewGraph()
	x := matrixInput(g, "x", 2)
	var dtype *DtypeError
	if _, err := Compile[float32](G.Nodes{x}, G.Nodes{ok(G.Neg(x))}); !errors.As(err, &dtype) || dtype.Node != "x" {
		t.Errorf("error %v, want DtypeError of x", err)
	}
	narrow := ok(G.ConvType(ok(G.Neg(x)), tensor.Float64, tensor.Float32))
	if _, err := Compile[float64](G.Nodes{x}, G.Nodes{ok(G.Sum(narrow))}); !errors.As(err, &dtype) {
		t.Errorf("error %v, want DtypeError", err)
	}
	if _, err := Compile[float64](G.Nodes{x}, G.Nodes{ok(G.Gt(x, num(x, 0), false))}); !errors.As(err, &dtype) {
		t.Errorf("error %v, want DtypeError of a bool", err)
	}
}

func TestRefused(t *testing.T) {
	g := G.NewGraph()
	x := matrixInput(g, "x", 2, 3)
	n := ok(G.Dropout(x, 0.3))
	n = ok(G.Add(n, G.UniformRandomNode(g, tensor.Float64, 0, 1, 2, 3)))
	_, err := Compile[float64](G.Nodes{x}, G.Nodes{n})
	var refused *RefusedError
	if !errors.As(err, &refused) || len(refused.Ops) != 2 {
		t.Errorf("error %v, want a RefusedError of two ops", err)
	}
	for _, c := range opCases() {
		if !c.state {
			continue
		}
		inputs, out := c.place(t, tensor.Float64)
		if _, err := Compile[float64](inputs, G.Nodes{out}); !errors.As(err, &refused) {
			t.Errorf("%s: error %v, want RefusedError", c.name, err)
		}
	}
}

func TestBadArguments(t *testing.T) {
	g := G.NewGraph()
	x := matrixInput(g, "x", 2)
	var v G.Value
	if _, err := Compile[float64](G.Nodes{x}, G.Nodes{G.Read(x, &v)}); err == nil {
		t.Error("a statement was compiled")
	}
	if _, err := Compile[float64](G.Nodes{x, x}, G.Nodes{x}); err == nil {
		t.Error("an input listed twice was accepted")
	}
	if _, err := Compile[float64](G.Nodes{x}, nil); err == nil {
		t.Error("no outputs were accepted")
	}
	p, err := Compile[float64](G.Nodes{x}, G.Nodes{ok(G.Neg(x))})
	if err != nil {
		t.Fatal(err)
	}
	two, three := make([]float64, 2), make([]float64, 3)
	for _, c := range []struct{ dst, src [][]float64 }{
		{nil, [][]float64{two}}, {[][]float64{two}, nil},
		{[][]float64{three}, [][]float64{two}}, {[][]float64{two}, [][]float64{three}}, {[][]float64{nil}, [][]float64{two}},
	} {
		func() {
			defer func() {
				if _, ok := recover().(string); !ok {
					t.Errorf("Run(%v, %v) did not panic with a string", c.dst, c.src)
				}
			}()
			_ = p.NewInstance().Run(c.dst, c.src)
		}()
	}
}

// oddOp is an op that the compiler has never heard of: 3x, or an error or
// panic. It returns its operand, changed in place.
type oddOp struct{ fail string }

func (oddOp) Arity() int { return 1 }
func (oddOp) Type() hm.Type {
	a := hm.TypeVariable('a')
	return hm.NewFnType(a, a)
}
func (oddOp) InferShape(s ...G.DimSizer) (tensor.Shape, error) {
	return s[0].(tensor.Shape).Clone(), nil
}
func (o oddOp) Do(x ...G.Value) (G.Value, error) {
	switch o.fail {
	case "error":
		return nil, errOdd
	case "panic":
		panic("ouch")
	case "nothing":
		return nil, nil
	}
	d := x[0].Data().([]float64)
	for i := range d {
		d[i] *= 3
	}
	return x[0], nil
}
func (oddOp) ReturnsPtr() bool        { return true }
func (oddOp) CallsExtern() bool       { return false }
func (oddOp) OverwritesInput() int    { return 0 }
func (o oddOp) WriteHash(h hash.Hash) { fmt.Fprintf(h, "user %s", o.fail) }
func (o oddOp) Hashcode() uint32      { return uint32(len(o.fail)) + 77 }
func (o oddOp) String() string        { return "user" }

var errOdd = errors.New("user's error")

func TestForeignOp(t *testing.T) {
	g := G.NewGraph()
	x := matrixInput(g, "x", 2)
	n := ok(G.ApplyOp(oddOp{}, ok(G.Neg(x))))
	got := mustRun(t, G.Nodes{x}, G.Nodes{ok(G.Add(n, x)), n}, []float64{1, 2})
	equalSlices(t, "foreign", got, []float64{-2, -4}, []float64{-3, -6})

	for _, fail := range []string{"error", "panic", "nothing"} {
		p, err := Compile[float64](G.Nodes{x}, G.Nodes{ok(G.ApplyOp(oddOp{fail}, x))})
		if err != nil {
			t.Fatal(err)
		}
		err = p.NewInstance().Run([][]float64{make([]float64, 2)}, [][]float64{{1, 2}})
		var foreign *ForeignError
		if !errors.As(err, &foreign) || foreign.Op != "user" || fail == "error" && !errors.Is(err, errOdd) {
			t.Errorf("%s: error %v, want ForeignError", fail, err)
		}
	}
}

// TestFoldedConstants: what depends on no input is computed once.
func TestFoldedConstants(t *testing.T) {
	g := G.NewGraph()
	x := matrixInput(g, "x", 2, 2)
	c := g.AddNode(G.NewConstant(tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{1, 2, 3, 4})), G.WithName("c")))
	cc := ok(G.Tanh(ok(G.Mul(c, c))))
	p, err := Compile[float64](G.Nodes{x}, G.Nodes{ok(G.Add(x, cc))})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.whole.instructions); n != 1 {
		t.Errorf("%d instructions, want 1", n)
	}
	got := mustRun(t, G.Nodes{x}, G.Nodes{ok(G.Add(x, cc))}, make([]float64, 4))
	want := []float64{math.Tanh(7), math.Tanh(10), math.Tanh(15), math.Tanh(22)}
	if !near(got[0], want, 1e-15) {
		t.Errorf("got %v, want %v", got[0], want)
	}
}

// TestCommonSubexpressions: equal nodes are computed once, also when Gorgonia
// holds them apart, and slices that Gorgonia would confuse stay apart.
func TestCommonSubexpressions(t *testing.T) {
	g := G.NewGraph()
	a, b := matrixInput(g, "a", 3, 3), matrixInput(g, "b", 3, 3)
	first, second := ok(G.Mul(a, b)), ok(G.Mul(a, b))
	sum := ok(G.Sum(ok(G.HadamardProd(ok(G.Transpose(first, 1, 0)), ok(G.Transpose(second, 1, 0))))))
	p, err := Compile[float64](G.Nodes{a, b}, G.Nodes{sum})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.whole.instructions); n != 3 { // product, square, sum
		t.Errorf("%d instructions, want 3", n)
	}
}

// TestProgramShape pins what fusion makes of an MLP: products carry bias and
// activation, nothing else is left but the reductions of the biases.
func TestProgramShape(t *testing.T) {
	inputs, outputs, _ := bigMLP[float64](t, 10)
	p, err := Compile[float64](inputs, outputs)
	if err != nil {
		t.Fatal(err)
	}
	// h, f, dh·tanh', dy, dW0, db0, dW1, db1
	if n := len(p.whole.instructions); n != 8 {
		t.Errorf("%d instructions, want 8: %T", n, p.whole.instructions)
	}
}
