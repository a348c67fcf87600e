package graph

import (
	"errors"
	"io"
	"log"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

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
			if c.tape != "" || slices.ContainsFunc([]string{"batch norm", "outer", "tensordot", "log2", "inverse sqrt"}, wrong) {
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

// TestParts: the halves of a long vector, which are one node to Gorgonia.
func TestParts(t *testing.T) {
	const n = 256
	g := G.NewGraph()
	x := variable(g, tensor.Float64, "x", tensor.Shape{2, 2 * n})
	q, err := Part(x, 1, 0, n)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Part(x, 1, n, 2*n)
	if err != nil {
		t.Fatal(err)
	}
	d := grad(t, sumAll(times(ok(G.Square(q)), p)), x)[0]
	dd := grad(t, sumAll(d), x)[0]
	values := in(2, 2*n).values(caseRand("parts"))
	got := evaluate(t, G.Nodes{q, p, d, dd}, G.Nodes{x}, values)
	for i := range 2 * n {
		at := i/n*2*n + i%n
		q, p := values[at], values[at+n]
		wantValues(t, "parts", []float64{got[0][i], got[1][i], got[2][at], got[2][at+n], got[3][at], got[3][at+n]},
			q, p, 2*q*p, q*q, 2*p+2*q, 2*q)
	}
	for _, b := range [][3]int{{-1, 0, 1}, {2, 0, 1}, {1, -1, 2}, {1, 3, 3}, {1, 0, 2*n + 1}} {
		if _, err := Part(x, b[0], b[1], b[2]); !errors.Is(err, ErrShape) {
			t.Errorf("part %v: error %v", b, err)
		}
	}
	if all, err := Part(x, 1, 0, 2*n); err != nil || all != x {
		t.Errorf("the whole: %v, %v", all, err)
	}
}

// TestStockGradOfOurs: a model whose loss holds derivatives made here can be
// trained with gorgonia.Grad, called once.
func TestStockGradOfOurs(t *testing.T) {
	for _, c := range networkCases() {
		if !strings.HasPrefix(c.name, "hnn") {
			continue
		}
		inputs, out := c.place(t, tensor.Float64)
		loss := sumAll(ok(G.Square(out)))
		want := evaluate(t, grad(t, loss, inputs[1]), inputs, c.values()...)
		stock, err := stockGrad(loss, inputs[1])
		if err != nil {
			t.Errorf("%s: gorgonia.Grad: %v", c.name, err)
			continue
		}
		wantClose(t, c.name, evaluate(t, G.Nodes{stock}, inputs, c.values()...)[0], want[0])
	}
}
