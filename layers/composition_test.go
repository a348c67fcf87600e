package layers_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
)

// lotkaVolterra has a network for the term that is not known.
var lotkaVolterra = layers.Equations{
	Dim:     2,
	Params:  []layers.Param{{Name: "birth", Init: layers.Constant(1.3)}, {Name: "death", Init: layers.Constant(1.8)}},
	Modules: []layers.Member{{Name: "net", Module: layers.MLP{In: 2, Hidden: []int{3}, Out: 2}}},
	Rates: func(e *layers.Expr, y []*G.Node, in layers.Parts) []*G.Node {
		missing := e.Apply(in.Layers[0], nil, e.Concat(y...))
		return []*G.Node{
			e.Add(e.Mul(in.Params[0], y[0]), e.Columns(missing, 0, 1)),
			e.Sub(e.Columns(missing, 1, 2), e.Mul(y[1], in.Params[1])),
		}
	},
}

func TestEquationsWithANetwork(t *testing.T) {
	for _, dt := range dtypes {
		g := G.NewGraph()
		l := place(t, lotkaVolterra, g, "lv", dt)
		var names []string
		for _, n := range l.Learnables() {
			names = append(names, fmt.Sprint(n.Name(), n.Shape()))
		}
		if want := []string{"lv/birth(1, 1)", "lv/death(1, 1)", "lv/net/W0(2, 3)", "lv/net/b0(1, 3)", "lv/net/W1(3, 2)", "lv/net/b1(1, 2)"}; !reflect.DeepEqual(names, want) {
			t.Fatalf("learnables %v, want %v", names, want)
		}
		// The same network alone, with the same weights.
		net := place(t, layers.MLP{In: 2, Hidden: []int{3}, Out: 2}, g, "alone", dt)
		all, err := layers.Weights(l)
		if err != nil {
			t.Fatal(err)
		}
		weights := all[2:]
		for i := range weights {
			weights[i].Name = strings.Replace(weights[i].Name, "lv/net", "alone", 1)
		}
		if err := layers.SetWeights(net, weights); err != nil {
			t.Fatal(err)
		}
		x := input(g, "x", dt, []float64{0.5, 0.25, 1, 2, -1, 3}, 3, 2)
		got := run(t, g, must(t)(l.Fwd(x)), must(t)(net.Fwd(x)))
		y := []float64{0.5, 0.25, 1, 2, -1, 3}
		want := make([]float64, 6)
		for i := range 3 {
			want[2*i] = 1.3*y[2*i] + got[1][2*i]
			want[2*i+1] = got[1][2*i+1] - 1.8*y[2*i+1]
		}
		expectNear(t, fmt.Sprint(dt), got[0], want, 0, 16*rounding(dt))
	}
}

// Physics and a network are added in a line, as a field with right derivatives.
func TestSumIsAFieldWithRightDerivatives(t *testing.T) {
	drag := layers.FuncAt(func(t, y *G.Node) (*G.Node, error) {
		e := layers.NewExpr(y)
		return e.Result(e.Mul(e.Const(-0.3), e.Abs(y), y, e.Shift(e.Cos(t), 2)))
	})
	m := layers.Sum{drag, layers.Scale{Of: layers.MLP{In: 2, Hidden: []int{4}, Out: 2}, By: 0.1, Learn: true}}
	checkField[float64](t, m, 1e-5, 1e-8)
	checkField[float32](t, m, 1e-2, 2e-2)
	checkField[float64](t, lotkaVolterra, 1e-5, 1e-8)
}

func checkField[T graph.Float](t *testing.T, m layers.Module, h, tol float64) {
	t.Helper()
	f, err := graph.NewField[T](m, 3, graph.FieldConfig{Shape: []int{2}, Rand: source(3)})
	if err != nil {
		t.Fatal(err)
	}
	y := make([]T, f.Dim())
	for i := range y {
		y[i] = T(0.4 + 0.3*math.Sin(float64(3*i)))
	}
	gradtest.VJP(t, f, f.Params(), 0.7, y, rand.New(rand.NewPCG(1, 2)), h, tol)
}

func TestScale(t *testing.T) {
	for _, dt := range dtypes {
		g := G.NewGraph()
		x := input(g, "x", dt, []float64{1, 2, 3, 4, 5, 6, 7, 8}, 2, 2, 2)
		fixed := place(t, layers.Scale{Of: layers.Identity, By: -0.5}, g, "fixed", dt)
		plain := place(t, layers.Scale{Of: layers.Identity}, g, "plain", dt)
		learned := place(t, layers.Scale{Of: layers.Identity, By: 0.25, Learn: true}, g, "learned", dt)
		if n := learned.Learnables(); len(n) != 1 || n[0].Name() != "learned/scale" || len(fixed.Learnables()) != 0 {
			t.Errorf("learnables %v and %v", n, fixed.Learnables())
		}
		got := run(t, g, must(t)(fixed.Fwd(x)), must(t)(plain.Fwd(x)), must(t)(learned.Fwd(x)))
		for i, c := range []float64{-0.5, 1, 0.25} {
			for j, v := range got[i] {
				if v != c*float64(j+1) {
					t.Errorf("%v times %d is %v", c, j+1, v)
				}
			}
		}
	}
}

// A rate that is a number or a parameter holds for every sample.
func TestConstantRates(t *testing.T) {
	m := layers.Equations{
		Dim: 3, Params: []layers.Param{{Name: "v", Init: layers.Constant(4)}},
		RatesAt: func(e *layers.Expr, t *G.Node, y []*G.Node, in layers.Parts) []*G.Node {
			return []*G.Node{e.Const(2), in.Params[0], e.Log(e.Shift(t, 1))}
		},
	}
	g := G.NewGraph()
	l := place(t, m, g, "m", tensor.Float64)
	x := input(g, "x", tensor.Float64, []float64{1, math.NaN(), 3, 4, 5, 6}, 2, 3)
	tm := input(g, "t", tensor.Float64, []float64{0, 1}, 2, 1)
	got := run(t, g, must(t)(l.(timeLayer).FwdAt(tm, x)))
	expectNear(t, "rates", got[0], []float64{2, 4, 0, 2, 4, math.Ln2}, 0, 0)
	if _, err := l.Fwd(x); err == nil {
		t.Error("Fwd without time")
	}
}

// Faults in a user's function are errors with the module's name, the operation and its
// operands, and a panic of Gorgonia is none of the caller's.
func TestFaultsInFunctions(t *testing.T) {
	g := G.NewGraph()
	x := input(g, "x", tensor.Float64, []float64{1, 2}, 1, 2)
	rates := func(f func(e *layers.Expr, y []*G.Node) []*G.Node) layers.Module {
		return layers.Equations{Dim: 2, Rates: func(e *layers.Expr, y []*G.Node, _ layers.Parts) []*G.Node { return f(e, y) }}
	}
	for i, c := range []struct {
		m    layers.Module
		want []string
	}{
		{layers.Func(func(x *G.Node) (*G.Node, error) {
			return G.Mul(x, G.Must(G.Add(G.NewConstant(1.0), G.NewConstant(2.0))))
		}), []string{"m0", "No Graph Supplied", "layers.Const"}},
		{layers.Func(func(x *G.Node) (*G.Node, error) { panic("lost") }), []string{"m1", "lost"}},
		{rates(func(e *layers.Expr, y []*G.Node) []*G.Node { return y[:1] }), []string{"m2", "1 expressions for 2"}},
		{rates(func(e *layers.Expr, y []*G.Node) []*G.Node { return []*G.Node{y[0], nil} }), []string{"m3", "expression 1 is nil"}},
		{rates(func(e *layers.Expr, y []*G.Node) []*G.Node {
			return []*G.Node{y[0], e.Add(e.MatMul(y[0], x), e.Concat(y[0], x))}
		}), []string{"m4", "Add of", "(1, 2)", "(1, 3)"}},
		{layers.Sum{layers.Identity, layers.Linear{In: 2, Out: 3}}, []string{"m5", "member 1", "(1, 3)"}},
		{rates(func(e *layers.Expr, y []*G.Node) []*G.Node { return []*G.Node{nil, e.Add(y[0], nil)} }), []string{"m6", "Add of", "nil"}},
	} {
		_, err := place(t, c.m, g, fmt.Sprint("m", i), tensor.Float64).Fwd(x)
		if err == nil {
			t.Errorf("%d: no error", i)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%d: %v does not say %q", i, err, part)
			}
		}
	}
	var shape *layers.ShapeError
	if _, err := place(t, lotkaVolterra, g, "lv", tensor.Float64).Fwd(input(g, "wide", tensor.Float64, []float64{1, 2, 3}, 1, 3)); !errors.As(err, &shape) {
		t.Errorf("a state of three for two equations: %v", err)
	}
}

func TestConst(t *testing.T) {
	for _, dt := range dtypes {
		g := G.NewGraph()
		x := input(g, "x", dt, []float64{1, 2, 3, 4}, 2, 2)
		wind := must(t)(layers.ConstTensor(x, []float64{10, 20}, 1, 2))
		y := must(t)(G.BroadcastAdd(must(t)(G.HadamardProd(x, layers.Const(x, 0.5))), wind, nil, []byte{0}))
		got := run(t, g, y)
		expectNear(t, fmt.Sprint(dt), got[0], []float64{10.5, 21, 11.5, 22}, 0, 0)
	}
}

// A nil source means the same numbers in every module, and in graph.NewField.
func TestNilSourceIsOneSeed(t *testing.T) {
	m := layers.Sequential{layers.Linear{In: 2, Out: 3}, layers.Tanh, layers.MLP{In: 3, Out: 2}}
	draw := func(r *rand.Rand) []float64 {
		l, err := m.Place(G.NewGraph(), "m", tensor.Float64, r)
		if err != nil {
			t.Fatal(err)
		}
		ws, err := layers.Weights(l)
		if err != nil {
			t.Fatal(err)
		}
		var all []float64
		for _, w := range ws {
			all = append(all, w.Data...)
		}
		return all
	}
	want := draw(rand.New(rand.NewPCG(0, 0)))
	expectNear(t, "nil", draw(nil), want, 0, 0)
	if want[0] == want[9] { // W of the first and of the second module
		t.Error("two modules drew the same numbers")
	}
	f, err := graph.NewField[float64](m, 1, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	expectNear(t, "field", f.Params(), want, 0, 0)
}
