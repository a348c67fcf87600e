package odelayer_test

import (
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/gorgoniatest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

var (
	sines  = gorgoniatest.Sines
	dense  = gorgoniatest.Dense
	floats = gorgoniatest.Floats
	must   = gorgoniatest.Must
	run    = gorgoniatest.Run

	net     = layers.MLP{In: 2, Hidden: []int{5}, Out: 2}
	times   = []float64{0, 0.4, 0.7, 1}
	methods = []adjoint.Method{nil, adjoint.Discrete{}, adjoint.Interpolating{}, adjoint.Backsolve{}}
)

// fixed are steps that do not depend on the weights, as central differences need
// them; saved times lie inside steps.
var fixed = odeint.Options{Controller: odeint.Fixed{}, H0: 0.03}

// input adds a bound input, filled with sines of the phase, to g.
func input(g *G.ExprGraph, name string, dt tensor.Dtype, phase float64, shape ...int) *G.Node {
	return gorgoniatest.Input(g, name, dt, sines(tensor.Shape(shape).TotalSize(), phase), shape...)
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

// meanSquare is the mean of x².
func meanSquare(t testing.TB, x *G.Node) *G.Node {
	t.Helper()
	return must(t)(G.Mean(must(t)(G.Square(x))))
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
