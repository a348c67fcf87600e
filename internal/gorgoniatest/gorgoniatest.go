package gorgoniatest

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Dtypes are the two types of number that are supported.
var Dtypes = []tensor.Dtype{tensor.Float64, tensor.Float32}

// Rounding is the unit round-off of dt.
func Rounding(dt tensor.Dtype) float64 {
	if dt == tensor.Float32 {
		return 0x1p-24
	}
	return 0x1p-53
}

// Sines are n smooth numbers of size about one.
func Sines(n int, phase float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.Sin(1.7*float64(i) + phase)
	}
	return v
}

// Dense makes a tensor of dt with copies of values.
func Dense(dt tensor.Dtype, values []float64, shape ...int) *tensor.Dense {
	var backing any = append([]float64(nil), values...)
	if dt == tensor.Float32 {
		narrow := make([]float32, len(values))
		for i, v := range values {
			narrow[i] = float32(v)
		}
		backing = narrow
	}
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(backing))
}

// Input adds a bound input to g.
func Input(g *G.ExprGraph, name string, dt tensor.Dtype, values []float64, shape ...int) *G.Node {
	return G.NewTensor(g, dt, len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(Dense(dt, values, shape...)))
}

// Must returns the node of a call that may fail, as in Must(t)(G.Tanh(x)).
func Must(t testing.TB) func(n *G.Node, err error) *G.Node {
	return func(n *G.Node, err error) *G.Node {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// Run runs g on a TapeMachine and returns copies of the nodes' values.
func Run(t testing.TB, g *G.ExprGraph, nodes ...*G.Node) [][]float64 {
	t.Helper()
	read := make([]G.Value, len(nodes))
	for i, n := range nodes {
		G.Read(n, &read[i])
	}
	vm := G.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	out := make([][]float64, len(nodes))
	for i, v := range read {
		out[i] = Floats(v)
	}
	return out
}

// Floats returns a copy of the elements of v.
func Floats(v G.Value) []float64 {
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
	panic("gorgoniatest: not floats")
}

// Clear sets the elements of v to zero, as Gorgonia's solvers do with gradients.
func Clear(v G.Value) {
	switch d := v.Data().(type) {
	case []float64:
		clear(d)
	case []float32:
		clear(d)
	}
}

// Near reports whether got is want, to rel relative or abs absolute.
func Near(got, want, rel, abs float64) bool {
	return got == want || math.Abs(got-want) <= abs+rel*math.Abs(want)
}

// ExpectNear compares element by element, as Near does.
func ExpectNear(t testing.TB, what string, got, want []float64, rel, abs float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if !Near(got[i], want[i], rel, abs) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}
