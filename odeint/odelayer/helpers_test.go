package odelayer_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

var (
	net     = layers.MLP{In: 2, Hidden: []int{5}, Out: 2}
	times   = []float64{0, 0.4, 0.7, 1}
	methods = []adjoint.Method{nil, adjoint.Discrete{}, adjoint.Interpolating{}, adjoint.Backsolve{}}
)

// fixed are steps that do not depend on the weights, as central differences need
// them; saved times lie inside steps.
var fixed = odeint.Options{Controller: odeint.Fixed{}, H0: 0.03}

// sines are smooth test numbers of size about one.
func sines(n int, phase float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.Sin(1.7*float64(i) + phase)
	}
	return v
}

// dense makes a tensor of dt.
func dense(dt tensor.Dtype, values []float64, shape ...int) *tensor.Dense {
	if dt == tensor.Float64 {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(append([]float64(nil), values...)))
	}
	narrow := make([]float32, len(values))
	for i, v := range values {
		narrow[i] = float32(v)
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(narrow))
}

// input adds a bound input, filled with sines of the phase, to g.
func input(g *G.ExprGraph, name string, dt tensor.Dtype, phase float64, shape ...int) *G.Node {
	v := dense(dt, sines(tensor.Shape(shape).TotalSize(), phase), shape...)
	return G.NewTensor(g, dt, len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(v))
}

func floats(v G.Value) []float64 {
	switch d := v.Data().(type) {
	case []float64:
		return append([]float64(nil), d...)
	case []float32:
		wide := make([]float64, len(d))
		for i, x := range d {
			wide[i] = float64(x)
		}
		return wide
	case float64:
		return []float64{d}
	case float32:
		return []float64{float64(d)}
	}
	panic("not floats")
}

func newLayer(t testing.TB, g *G.ExprGraph, name string, m graph.Module, cfg odelayer.Config) *odelayer.Layer {
	t.Helper()
	if cfg.Rand == nil {
		cfg.Rand = rand.New(rand.NewPCG(3, 4))
	}
	l, err := odelayer.New(g, name, m, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func place(t testing.TB, m layers.Module, g *G.ExprGraph, name string, dt tensor.Dtype) layers.Layer {
	t.Helper()
	l, err := m.Place(g, name, dt, rand.New(rand.NewPCG(5, 6)))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func must(t testing.TB) func(n *G.Node, err error) *G.Node {
	return func(n *G.Node, err error) *G.Node {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// meanSquare is the mean of x².
func meanSquare(t testing.TB, x *G.Node) *G.Node {
	t.Helper()
	return must(t)(G.Mean(must(t)(G.Square(x))))
}

// run runs g once and returns copies of the nodes' values.
func run(t testing.TB, g *G.ExprGraph, nodes ...*G.Node) [][]float64 {
	t.Helper()
	values := make([]G.Value, len(nodes))
	for i, n := range nodes {
		G.Read(n, &values[i])
	}
	vm := G.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	out := make([][]float64, len(nodes))
	for i, v := range values {
		out[i] = floats(v)
	}
	return out
}

// checkGradient compares the gradient of loss by the nodes with central differences, by
// changing their values. rel is relative to the largest component of each.
func checkGradient(t testing.TB, g *G.ExprGraph, loss *G.Node, rel float64, nodes ...*G.Node) {
	t.Helper()
	grads, err := G.Grad(loss, nodes...)
	if err != nil {
		t.Fatal(err)
	}
	var value G.Value
	G.Read(loss, &value)
	read := make([]G.Value, len(grads))
	for i, n := range grads {
		G.Read(n, &read[i])
	}
	vm := G.NewTapeMachine(g)
	defer vm.Close()
	at := func() float64 {
		vm.Reset()
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		return floats(value)[0]
	}
	at()
	got := make([][]float64, len(grads))
	for i := range read {
		got[i] = floats(read[i])
	}
	const h = 1e-5 // truncation about h², round-off about 1e-16/h
	for i, n := range nodes {
		data := n.Value().Data().([]float64)
		want := make([]float64, len(data))
		size := 0.0
		for j, v := range data {
			data[j] = v + h
			up := at()
			data[j] = v - h
			want[j] = (up - at()) / (2 * h)
			data[j] = v
			size = math.Max(size, math.Abs(want[j]))
		}
		if len(got[i]) != len(want) {
			t.Fatalf("gradient of %v has %d components, want %d", n, len(got[i]), len(want))
		}
		if size == 0 {
			t.Errorf("%v has no influence on the loss", n)
		}
		for j := range want {
			if math.Abs(got[i][j]-want[j]) > rel*size {
				t.Errorf("gradient of %v[%d] is %.12g, central difference %.12g", n, j, got[i][j], want[j])
			}
		}
	}
}
