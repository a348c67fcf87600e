package graph

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

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
