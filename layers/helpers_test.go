package layers_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/layers"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

var dtypes = []tensor.Dtype{tensor.Float64, tensor.Float32}

// rounding is the unit round-off of dt.
func rounding(dt tensor.Dtype) float64 {
	if dt == tensor.Float32 {
		return 0x1p-24
	}
	return 0x1p-53
}

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// input adds a bound input node to g.
func input(g *G.ExprGraph, name string, dt tensor.Dtype, values []float64, shape ...int) *G.Node {
	var backing any = append([]float64(nil), values...)
	if dt == tensor.Float32 {
		narrow := make([]float32, len(values))
		for i, v := range values {
			narrow[i] = float32(v)
		}
		backing = narrow
	}
	value := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(backing))
	return G.NewTensor(g, dt, len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(value))
}

func place(t *testing.T, m layers.Module, g *G.ExprGraph, name string, dt tensor.Dtype) layers.Layer {
	t.Helper()
	l, err := m.Place(g, name, dt, source(7))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func must(t *testing.T) func(n *G.Node, err error) *G.Node {
	return func(n *G.Node, err error) *G.Node {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// run runs g on a TapeMachine and returns copies of the nodes' values.
func run(t *testing.T, g *G.ExprGraph, nodes ...*G.Node) [][]float64 {
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
		out[i] = floats(v)
	}
	return out
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
	panic("not a float")
}

// near reports whether got is want to rel relative or abs absolute.
func near(got, want, rel, abs float64) bool {
	return got == want || math.Abs(got-want) <= abs+rel*math.Abs(want)
}

func expectNear(t *testing.T, what string, got, want []float64, rel, abs float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if !near(got[i], want[i], rel, abs) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}
