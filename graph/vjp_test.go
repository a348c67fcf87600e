package graph

import (
	"errors"
	"fmt"
	"hash"
	"io"
	"log"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// evaluate runs nodes by the reference.
func evaluate(t *testing.T, outputs, inputs G.Nodes, values ...[]float64) [][]float64 {
	t.Helper()
	return newReference(outputs).run(t, inputs, values)
}

func wantValues(t *testing.T, what string, got []float64, want ...float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= 1e-14*max(1, math.Abs(want[i]))) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
}

func grad(t *testing.T, y *G.Node, wrt ...*G.Node) G.Nodes {
	t.Helper()
	d, err := Grad(y, wrt...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// vjp differentiates one output with an all-ones cotangent given as an input.
func vjp(t *testing.T, outputs, cotangents, wrt G.Nodes) G.Nodes {
	t.Helper()
	d, err := VJP(outputs, cotangents, wrt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestGradOfGrad(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", nil)
	y := ok(G.HadamardProd(ok(G.Cube(x)), ok(G.Square(x)))) // x⁵
	ds := G.Nodes{y}
	for range 6 {
		ds = append(ds, grad(t, ds[len(ds)-1], x)[0])
	}
	for k, v := range evaluate(t, ds, G.Nodes{x}, []float64{2}) {
		wantValues(t, fmt.Sprintf("derivative %d of x⁵", k), v, []float64{32, 80, 160, 240, 240, 120, 0}[k])
	}
}

func TestTwoLossesOnOneGraph(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2})
	h := tanh(x)
	a, b := sumAll(ok(G.Square(h))), sumAll(ok(G.Cube(h)))
	da, db, again := grad(t, a, x)[0], grad(t, b, x)[0], grad(t, a, x)[0]
	v := []float64{0.3, -0.8}
	var wantA, wantB []float64
	for _, x := range v {
		y := math.Tanh(x)
		wantA = append(wantA, 2*y*(1-y*y))
		wantB = append(wantB, 3*y*y*(1-y*y))
	}
	got := evaluate(t, G.Nodes{da, db, again}, G.Nodes{x}, v)
	wantValues(t, "first loss", got[0], wantA...)
	wantValues(t, "second loss", got[1], wantB...)
	wantValues(t, "first loss again", got[2], wantA...)
	for _, n := range g.AllNodes() {
		if n.Deriv() != nil || len(n.DerivOf()) > 0 {
			t.Errorf("%v: Gorgonia's derivative fields were written", n)
		}
	}
}

// TestAfterStockGrad: what gorgonia.Grad left on the nodes must not be taken
// for our derivatives, and where its gradient is right, ours of it is right or
// an error.
func TestAfterStockGrad(t *testing.T) {
	log.SetOutput(io.Discard) // Gorgonia's group norm prints
	defer log.SetOutput(os.Stderr)
	differentiated := 0
	for _, c := range opCases() {
		t.Run(c.name, func(t *testing.T) {
			place := func() (inputs G.Nodes, loss *G.Node) {
				inputs, out := c.place(t, tensor.Float64)
				return inputs, sumAll(ok(G.Square(out)))
			}
			values := c.values()
			inputs, loss := place()
			first := grad(t, loss, inputs[0])
			if c.order == 1 {
				return
			}
			second := grad(t, sumAll(first[0]), inputs[0])
			want := evaluate(t, slices.Concat(first, second), inputs, values...)

			inputs, loss = place()
			stock, err := stockGrad(loss, inputs[0])
			if err != nil {
				t.Skipf("gorgonia.Grad: %v", err)
			}
			got := evaluate(t, grad(t, loss, inputs[0]), inputs, values...)
			wantClose(t, "after gorgonia.Grad", got[0], want[0])
			again, err := Grad(sumAll(stock), inputs[0])
			if err != nil {
				if !errors.Is(err, ErrNotDifferentiable) {
					t.Error(err)
				}
				return
			}
			wrong := func(name string) bool { return strings.HasPrefix(c.name, name) }
			if c.tape != "" || slices.ContainsFunc([]string{"batch norm", "outer", "log2", "inverse sqrt"}, wrong) {
				return // gorgonia.Grad is wrong
			}
			wantClose(t, "derivative of gorgonia.Grad", evaluate(t, again, inputs, values...)[0], want[1])
			differentiated++
		})
	}
	if differentiated < 150 {
		t.Errorf("only %d gradients of gorgonia.Grad could be differentiated", differentiated)
	}
}

func wantClose(t *testing.T, what string, got, want []float64) {
	t.Helper()
	scale := 1e-3
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= 1e-12*scale) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
}

func stockGrad(loss, x *G.Node) (d *G.Node, err error) {
	defer recoverInto(&err)
	ds, err := G.Grad(loss, x)
	if err != nil {
		return nil, err
	}
	return ds[0], nil
}

func TestIntermediate(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2})
	c := variable(g, tensor.Float64, "c", tensor.Shape{2})
	h := ok(G.Square(x))
	y := times(h, plus(h, x)) // h² + h x
	d := vjp(t, G.Nodes{y}, G.Nodes{c}, G.Nodes{h, x, y, h})
	got := evaluate(t, d, G.Nodes{x, c}, []float64{2, -3}, []float64{1, 10})
	wantValues(t, "by h", got[0], 2*4+2, 10*(2*9-3))
	wantValues(t, "by x", got[1], (2*4+2)*4+4, 10*((2*9-3)*-6+9))
	wantValues(t, "by the output", got[2], 1, 10)
	if d[2] != c || d[0] != d[3] {
		t.Error("the cotangent of the output, or one node asked for twice, was copied")
	}
}

func TestManyOutputs(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2})
	c := variable(g, tensor.Float64, "c", tensor.Shape{2})
	e := variable(g, tensor.Float64, "e", nil)
	sq := ok(G.Square(x))
	d := vjp(t, G.Nodes{sq, sumAll(x), sq, x}, G.Nodes{c, e, c, c}, G.Nodes{x})
	got := evaluate(t, d, G.Nodes{x, c, e}, []float64{2, -3}, []float64{1, 10}, []float64{0.5})
	wantValues(t, "by x", got[0], 2*2*2+0.5+1, 2*10*-6+0.5+10)
}

func TestIndependent(t *testing.T) {
	for _, dt := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		g := G.NewGraph()
		x := variable(g, dt, "x", nil)
		s := variable(g, dt, "s", nil)
		m := variable(g, dt, "m", tensor.Shape{2, 3})
		m2 := variable(g, dt, "m2", tensor.Shape{2, 3})
		// sign(m) and a comparison make the loss depend on m, but not its derivative.
		y := times(ok(G.Square(x)), sumAll(plus(ok(G.Sign(m)), ok(G.Gt(m, num(m, 0), true)))))
		d := grad(t, y, s, m, m2, x)
		if d[1] == d[2] {
			t.Error("the zeros of two nodes are one node, its gradient memory would be shared")
		}
		bad := []float64{math.NaN(), math.Inf(1), 1, 2, 3, 4}
		got := evaluate(t, d, G.Nodes{x, s, m, m2}, []float64{3}, []float64{math.NaN()}, []float64{1, 1, 1, 1, -1, -1}, bad)
		wantValues(t, "scalar", got[0], 0)
		wantValues(t, "matrix", got[1], make([]float64, 6)...)
		wantValues(t, "matrix", got[2], make([]float64, 6)...)
		wantValues(t, "x", got[3], 6*(4-2+4))
		second := grad(t, sumAll(d[1]), x, m)
		got = evaluate(t, second, G.Nodes{x, s, m, m2}, []float64{3}, []float64{1}, []float64{1, 1, 1, 1, -1, -1}, bad)
		wantValues(t, "derivative of zeros", slices.Concat(got...), make([]float64, 7)...)
	}
}

func TestMaxOfEqualElements(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2, 3})
	d := grad(t, sumAll(ok(G.Max(x, 1))), x)
	got := evaluate(t, d, G.Nodes{x}, []float64{1, 4, 4, 0, 0, 0})
	wantValues(t, "max", got[0], 0, 0.5, 0.5, 1./3, 1./3, 1./3)

	image := variable(g, tensor.Float64, "image", tensor.Shape{1, 1, 2, 2})
	pool := ok(G.MaxPool2D(image, tensor.Shape{2, 2}, []int{0, 0}, []int{1, 1}))
	d = grad(t, sumAll(pool), image)
	got = evaluate(t, d, G.Nodes{image}, []float64{0, 5, 5, 5})
	wantValues(t, "max pool", got[0], 0, 1, 0, 0)
}

// TestPowerAtZero: neither a constant exponent nor an active one makes 0·∞.
func TestPowerAtZero(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{3})
	p := variable(g, tensor.Float64, "p", nil)
	values := []float64{0, -2, 0}
	d := grad(t, sumAll(ok(G.Pow(x, num(x, 3)))), x)
	dd := grad(t, sumAll(d[0]), x)
	ddd := grad(t, sumAll(dd[0]), x)
	dddd := grad(t, sumAll(ddd[0]), x)
	got := evaluate(t, slices.Concat(d, dd, ddd, dddd), G.Nodes{x}, values)
	wantValues(t, "(x³)'", got[0], 0, 12, 0)
	wantValues(t, "(x³)''", got[1], 0, -12, 0)
	wantValues(t, "(x³)'''", got[2], 6, 6, 6)
	wantValues(t, "(x³)''''", got[3], 0, 0, 0)
	d = grad(t, sumAll(ok(G.Pow(x, p))), x, p)
	got = evaluate(t, d, G.Nodes{x, p}, []float64{0, 2, 0}, []float64{2})
	wantValues(t, "x^p by x", got[0], 0, 4, 0)
	wantValues(t, "x^p by p", got[1], 4*math.Ln2)
}

func TestDropout(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{400})
	y := ok(G.Dropout(x, 0.3))
	d := grad(t, sumAll(ok(G.Square(y))), x)[0]
	dd := grad(t, sumAll(d), x)[0]
	v := in(400).values(caseRand("dropout"))
	got := evaluate(t, G.Nodes{y, d, dd}, G.Nodes{x}, v)
	kept := 0
	for i, y := range got[0] {
		want := 0.0
		if y != 0 {
			kept++
			want = 1 / 0.7
		}
		wantValues(t, "first derivative", got[1][i:i+1], 2*y*want)
		wantValues(t, "second derivative", got[2][i:i+1], 2*want*want)
	}
	if kept < 200 || kept > 360 {
		t.Errorf("%d of 400 kept with probability 0.7", kept)
	}
	for i, p := range []float64{0, 1} {
		z := variable(g, tensor.Float64, fmt.Sprint("z", i), tensor.Shape{2})
		got := evaluate(t, grad(t, sumAll(ok(G.Dropout(z, p))), z), G.Nodes{z}, []float64{1, 2})
		wantValues(t, fmt.Sprintf("probability %v", p), got[0], 1-p, 1-p)
	}
	w := variable(g, tensor.Float64, "w", tensor.Shape{2})
	drop := ok(G.Dropout(w, 0.3))
	if err := drop.Op().(G.TrainModeOp).SetTraining(false); err != nil {
		t.Fatal(err)
	}
	got = evaluate(t, grad(t, sumAll(drop), w), G.Nodes{w}, []float64{1, 2})
	wantValues(t, "evaluation mode", got[0], 1, 1)
}

// TestNamesOfNumbers: Gorgonia takes constants of equal name for equal.
func TestNamesOfNumbers(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", nil)
	y := times(ok(G.Square(x)), G.NewConstant(0.5, G.WithName("2")))
	_, err := Grad(y, x)
	if !errors.Is(err, ErrName) || !strings.Contains(err.Error(), `"2"`) {
		t.Errorf("a constant 0.5 named 2: %v", err)
	}

	g = G.NewGraph()
	x = variable(g, tensor.Float64, "x", nil)
	y = times(ok(G.Square(x)), G.NewConstant(5.0, G.WithName("float64(1)")))
	if _, err := Grad(y, x); !errors.Is(err, ErrName) {
		t.Errorf("a constant 5 named as the cotangent: %v", err)
	}

	g = G.NewGraph()
	x = variable(g, tensor.Float64, "x", nil)
	y = times(ok(G.Square(x)), G.NewConstant(2.0)) // Gorgonia names it 2
	wantValues(t, "2x²", evaluate(t, grad(t, y, x), G.Nodes{x}, []float64{3})[0], 12)
}

// TestLogKeepsItsOperand: once Gorgonia's own constant 1 is in a graph, its
// Log(Add(x, 1)) deletes the sum.
func TestLogKeepsItsOperand(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", nil)
	c := variable(g, tensor.Float64, "c", nil)
	d := vjp(t, G.Nodes{ok(G.Tanh(x))}, G.Nodes{c}, G.Nodes{x})[0] // c (1 - tanh²)
	s := plus(x, G.NewConstant(1.0))
	y := times(ok(G.Log(s)), ok(G.Cube(s)))
	got := evaluate(t, G.Nodes{d, y}, G.Nodes{x, c}, []float64{1}, []float64{1})
	wantValues(t, "tanh'", got[0], 1-math.Tanh(1)*math.Tanh(1))
	wantValues(t, "log(x+1)(x+1)³", got[1], 8*math.Ln2)

	// The same sum under a power, whose derivative takes its logarithm.
	p := variable(g, tensor.Float64, "p", nil)
	d = vjp(t, G.Nodes{ok(G.Pow(s, p))}, G.Nodes{c}, G.Nodes{p})[0]
	got = evaluate(t, G.Nodes{d, y}, G.Nodes{x, p, c}, []float64{1}, []float64{2}, []float64{1})
	wantValues(t, "2^p ln 2", got[0], 4*math.Ln2)
	wantValues(t, "log(x+1)(x+1)³ again", got[1], 8*math.Ln2)
}

func TestAt(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2, 3})
	y := ok(G.Cube(ok(G.At(x, 1, 0))))
	d := grad(t, y, x)[0]
	dd := grad(t, sumAll(d), x)[0]
	got := evaluate(t, G.Nodes{d, dd}, G.Nodes{x}, []float64{1, 2, 3, 4, 5, 6})
	wantValues(t, "first", got[0], 0, 0, 0, 48, 0, 0)
	wantValues(t, "second", got[1], 0, 0, 0, 24, 0, 0)
}

func TestArguments(t *testing.T) {
	g, g2 := G.NewGraph(), G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2})
	row := variable(g, tensor.Float64, "row", tensor.Shape{1, 2})
	s := variable(g, tensor.Float64, "s", nil)
	one := variable(g, tensor.Float64, "one", tensor.Shape{1})
	narrow := variable(g, tensor.Float32, "narrow", tensor.Shape{2})
	count := variable(g, tensor.Int, "count", tensor.Shape{2})
	other := variable(g2, tensor.Float64, "other", tensor.Shape{2})
	y := tanh(x)
	var v G.Value
	read := G.Read(y, &v)
	for _, c := range []struct {
		name                string
		outputs, cots, wrts G.Nodes
		want                error
	}{
		{"shape of the cotangent", G.Nodes{y}, G.Nodes{row}, G.Nodes{x}, ErrShape},
		{"scalar for a vector", G.Nodes{y}, G.Nodes{s}, G.Nodes{x}, ErrShape},
		{"vector of one for a scalar", G.Nodes{sumAll(y)}, G.Nodes{one}, G.Nodes{x}, ErrShape},
		{"cotangent of another graph", G.Nodes{y}, G.Nodes{other}, G.Nodes{x}, ErrOtherGraph},
		{"wrt of another graph", G.Nodes{y}, G.Nodes{x}, G.Nodes{other}, ErrOtherGraph},
		{"float32 cotangent", G.Nodes{y}, G.Nodes{narrow}, G.Nodes{x}, ErrDtype},
		{"integer wrt", G.Nodes{y}, G.Nodes{x}, G.Nodes{count}, ErrDtype},
		{"statement", G.Nodes{read}, G.Nodes{x}, G.Nodes{x}, ErrDtype},
		{"missing cotangent", G.Nodes{y}, nil, G.Nodes{x}, nil},
		{"nil output", G.Nodes{nil}, G.Nodes{x}, G.Nodes{x}, nil},
		{"nil wrt", G.Nodes{y}, G.Nodes{x}, G.Nodes{nil}, nil},
	} {
		_, err := VJP(c.outputs, c.cots, c.wrts)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), "graph: VJP: ") {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := Grad(y, x); !errors.Is(err, ErrShape) {
		t.Errorf("Grad of a vector: %v", err)
	}
	if _, err := Grad(nil, x); err == nil {
		t.Error("Grad of nil: no error")
	}
	if _, err := Grad(variable(g, tensor.Int, "i", nil), x); !errors.Is(err, ErrDtype) {
		t.Errorf("Grad of an integer: %v", err)
	}
	if d, err := VJP(nil, nil, G.Nodes{x}); err != nil || len(d) != 1 {
		t.Errorf("VJP of nothing: %v, %v; want zeros", d, err)
	}
	if d, err := Grad(sumAll(y)); err != nil || len(d) != 0 {
		t.Errorf("Grad by nothing: %v, %v", d, err)
	}
}

// userOp is an op of somebody else, x ↦ x, that differentiates as told.
type userOp struct {
	name    string
	diff    []bool
	symDiff func(x G.Nodes, g *G.Node) (G.Nodes, error)
}

func (userOp) Arity() int { return 1 }
func (userOp) Type() hm.Type {
	return hm.NewFnType(hm.TypeVariable('a'), hm.TypeVariable('a'))
}
func (userOp) InferShape(s ...G.DimSizer) (tensor.Shape, error) {
	return s[0].(tensor.Shape).Clone(), nil
}
func (userOp) Do(v ...G.Value) (G.Value, error) { return G.CloneValue(v[0]) }
func (userOp) ReturnsPtr() bool                 { return true }
func (userOp) CallsExtern() bool                { return false }
func (userOp) OverwritesInput() int             { return -1 }
func (o userOp) WriteHash(h hash.Hash)          { h.Write([]byte(o.name)) }
func (o userOp) Hashcode() uint32               { return ownOp{name: o.name}.Hashcode() }
func (o userOp) String() string                 { return o.name }

type userSDOp struct{ userOp }

func (o userSDOp) DiffWRT(int) []bool { return o.diff }
func (o userSDOp) SymDiff(x G.Nodes, _, g *G.Node) (G.Nodes, error) {
	return o.symDiff(x, g)
}

func TestNotDifferentiable(t *testing.T) {
	boom := errors.New("boom")
	yes := []bool{true}
	for _, c := range []struct {
		op    G.Op
		cause error
		text  string
	}{
		{userOp{name: "plain"}, nil, "SDOp"},
		{userSDOp{userOp{"flat", []bool{false}, nil}}, nil, "operand 0"},
		{userSDOp{userOp{"short", nil, nil}}, nil, "operand 0"},
		{userSDOp{userOp{"failing", yes, func(G.Nodes, *G.Node) (G.Nodes, error) { return nil, boom }}}, boom, "boom"},
		{userSDOp{userOp{"panicking", yes, func(G.Nodes, *G.Node) (G.Nodes, error) { panic("kaboom") }}}, nil, "kaboom"},
		{userSDOp{userOp{"silent", yes, func(G.Nodes, *G.Node) (G.Nodes, error) { return G.Nodes{nil}, nil }}}, nil, "no derivative"},
		{userSDOp{userOp{"misshapen", yes, func(x G.Nodes, _ *G.Node) (G.Nodes, error) { return G.Nodes{sumAll(x[0])}, nil }}}, ErrShape, "shape"},
	} {
		g := G.NewGraph()
		x := variable(g, tensor.Float64, "x", tensor.Shape{2})
		y := ok(G.ApplyOp(c.op, tanh(x)))
		G.WithName("the " + c.op.String())(y)
		_, err := Grad(sumAll(y), x)
		var de *DerivativeError
		if !errors.As(err, &de) || !errors.Is(err, ErrNotDifferentiable) || c.cause != nil && !errors.Is(err, c.cause) {
			t.Errorf("%v: error %v", c.op, err)
			continue
		}
		if de.Op != c.op.String() || de.Node != "the "+c.op.String() || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v: error %+v: %v", c.op, de, err)
		}
		// Where the op is not on the way, it does no harm.
		if _, err := Grad(sumAll(times(x, x)), x); err != nil {
			t.Errorf("%v beside the way: %v", c.op, err)
		}
	}
}

// TestUserOp: an op that knows its derivative is differentiated by it.
func TestUserOp(t *testing.T) {
	double := func(_ G.Nodes, g *G.Node) (G.Nodes, error) {
		d, err := G.Add(g, g)
		return G.Nodes{d}, err
	}
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2})
	y := ok(G.ApplyOp(userSDOp{userOp{"twofold", []bool{true}, double}}, ok(G.Square(x))))
	wantValues(t, "user op", evaluate(t, grad(t, sumAll(y), x), G.Nodes{x}, []float64{3, 5})[0], 12, 20)
}

// TestConcurrent builds derivatives of many graphs at once, for the race
// detector, and wants the same graph every time.
func TestConcurrent(t *testing.T) {
	build := func(c opCase) string {
		inputs, out := c.place(t, tensor.Float64)
		cot := variable(out.Graph(), tensor.Float64, "c", out.Shape())
		ds, err := VJP(G.Nodes{out}, G.Nodes{cot}, inputs)
		if err != nil {
			return err.Error()
		}
		var b strings.Builder
		for _, n := range topological(ds) {
			fmt.Fprintf(&b, "%d %v %v\n", n.ID(), n, n.Shape())
		}
		return b.String()
	}
	cs := append(elementwiseCases(), networkCases()...)
	const workers = 4
	got := make([][]string, workers)
	var wg sync.WaitGroup
	for i := range got {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for _, c := range cs {
				got[i] = append(got[i], build(c))
			}
		}()
	}
	wg.Wait()
	for i := range got {
		if !slices.Equal(got[i], got[0]) {
			t.Errorf("worker %d built other graphs than worker 0:\n%v\n%v", i, got[i], got[0])
		}
	}
}

// TestLongChain: the pass does not recurse and does not grow with the square.
func TestLongChain(t *testing.T) {
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2})
	y := x
	for range 3000 {
		y = ok(G.Sin(y))
	}
	if d := grad(t, sumAll(y), x); fmt.Sprint(d[0].Shape()) != "(2)" {
		t.Errorf("shape %v", d[0].Shape())
	}
}
