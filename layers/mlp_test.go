package layers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/layers"
)

func TestLinear(t *testing.T) {
	for _, dt := range dtypes {
		g := G.NewGraph()
		l := place(t, layers.Linear{In: 2, Out: 3}, g, "lin", dt)
		bare := place(t, layers.Linear{In: 2, Out: 3, NoBias: true}, g, "bare", dt)
		w := []float64{1, 2, 3, 4, 5, 6}
		if err := layers.SetWeights(l, []layers.Weight{
			{Name: "lin/b", Shape: []int{1, 3}, Data: []float64{0.5, -0.5, 8}},
			{Name: "lin/W", Shape: []int{2, 3}, Data: w},
		}); err != nil {
			t.Fatal(err)
		}
		if err := layers.SetWeights(bare, []layers.Weight{{Name: "bare/W", Shape: []int{2, 3}, Data: w}}); err != nil {
			t.Fatal(err)
		}
		x := input(g, "x", dt, []float64{1, -1, 2, 0.5}, 2, 2)
		got := run(t, g, must(t)(l.Fwd(x)), must(t)(bare.Fwd(x)))
		expectNear(t, "with bias", got[0], []float64{-2.5, -3.5, 5, 4.5, 6, 17}, 0, 0)
		expectNear(t, "without", got[1], []float64{-3, -3, -3, 4, 6.5, 9}, 0, 0)
	}
}

// mlp is the closed form of a perceptron with tanh between its layers.
func mlp(ws []layers.Weight, x []float64, final func(float64) float64) []float64 {
	for i := 0; i < len(ws); i += 2 {
		w, b := ws[i], ws[i+1]
		in, out := w.Shape[0], w.Shape[1]
		y := make([]float64, out)
		for k := range y {
			y[k] = b.Data[k]
			for j := range in {
				y[k] += x[j] * w.Data[j*out+k]
			}
			if i+2 < len(ws) {
				y[k] = math.Tanh(y[k])
			} else {
				y[k] = final(y[k])
			}
		}
		x = y
	}
	return x
}

func TestMLPIsItsFormula(t *testing.T) {
	for _, dt := range dtypes {
		for _, shape := range [][]int{{1, 3}, {4, 3}, {2, 5, 3}, {1, 1, 3}, {2, 1, 2, 3}} {
			for _, hidden := range [][]int{nil, {4}, {5, 1, 4}} {
				t.Run(fmt.Sprint(dt, shape, hidden), func(t *testing.T) {
					m := layers.MLP{In: 3, Hidden: hidden, Out: 2, Final: layers.Sigmoid, BiasInit: layers.Normal(0, 1)}
					g := G.NewGraph()
					l := place(t, m, g, "net", dt)
					n := tensor.Shape(shape).TotalSize()
					values := make([]float64, n)
					for i := range values {
						values[i] = float64(float32(math.Sin(float64(i + 1))))
					}
					y := must(t)(l.Fwd(input(g, "x", dt, values, shape...)))
					wantShape := append(append([]int(nil), shape[:len(shape)-1]...), 2)
					if !reflect.DeepEqual([]int(y.Shape()), wantShape) {
						t.Fatalf("shape %v, want %v", y.Shape(), wantShape)
					}
					ws, err := layers.Weights(l)
					if err != nil {
						t.Fatal(err)
					}
					var want []float64
					for i := 0; i < n; i += 3 {
						want = append(want, mlp(ws, values[i:i+3], sigma)...)
					}
					expectNear(t, "output", run(t, g, y)[0], want, 40*rounding(dt), 0)
				})
			}
		}
	}
}

// Training on Gorgonia's machine leaves inputs and weights alone between steps,
// also with a batch of one and with inputs of three axes, which are reshaped.
func TestRunsDoNotChangeWeightsOrInputs(t *testing.T) {
	for _, shape := range [][]int{{1, 2}, {3, 2}, {3, 1, 2}, {1, 1, 2}} {
		for _, act := range layers.Activations() {
			g := G.NewGraph()
			l := place(t, layers.MLP{In: 2, Hidden: []int{3}, Out: 2, Activation: act, Final: act}, g, "net", tensor.Float64)
			values := []float64{0.3, -0.2, 0.5, 0.9, -1.1, 0.4}[:tensor.Shape(shape).TotalSize()]
			x := input(g, "x", tensor.Float64, values, shape...)
			loss := must(t)(G.Sum(must(t)(G.Square(must(t)(l.Fwd(x))))))
			if _, err := G.Grad(loss, l.Learnables()...); err != nil {
				t.Fatal(err)
			}
			before, err := layers.Weights(l)
			if err != nil {
				t.Fatal(err)
			}
			vm := G.NewTapeMachine(g, G.BindDualValues(l.Learnables()...))
			var losses []float64
			for range 3 {
				if err := vm.RunAll(); err != nil {
					t.Fatal(err)
				}
				losses = append(losses, floats(loss.Value())[0])
				vm.Reset()
			}
			vm.Close()
			after, err := layers.Weights(l)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(before, after) {
				t.Errorf("%v %v: weights changed from %v to %v", shape, act, before, after)
			}
			expectNear(t, "input", floats(x.Value()), values, 0, 0)
			expectNear(t, "losses", losses[1:], []float64{losses[0], losses[0]}, 0, 0)
		}
	}
}

func TestMLPGradientAgainstCentralDifferences(t *testing.T) {
	for _, act := range layers.Activations() {
		g := G.NewGraph()
		l := place(t, layers.MLP{In: 2, Hidden: []int{4, 3}, Out: 2, Activation: act, BiasInit: layers.Uniform(-1, 1)}, g, "net", tensor.Float64)
		x := input(g, "x", tensor.Float64, []float64{0.3, -0.2, 0.5, 0.9, -1.1, 0.4}, 3, 2)
		loss := must(t)(G.Sum(must(t)(G.Square(must(t)(l.Fwd(x))))))
		grads, err := G.Grad(loss, l.Learnables()...)
		if err != nil {
			t.Fatal(err)
		}
		got := run(t, g, grads...)
		weights, err := layers.Weights(l)
		if err != nil {
			t.Fatal(err)
		}
		vm := G.NewTapeMachine(g)
		at := func(i, j int, v float64) float64 {
			keep := weights[i].Data[j]
			weights[i].Data[j] = v
			if err := layers.SetWeights(l, weights); err != nil {
				t.Fatal(err)
			}
			weights[i].Data[j] = keep
			vm.Reset()
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
			return floats(loss.Value())[0]
		}
		const h = 1e-5 // truncation about h², round-off about 1e-16/h: 1e-10 both
		for i, w := range weights {
			for j, v := range w.Data {
				fd := (at(i, j, v+h) - at(i, j, v-h)) / (2 * h)
				if !near(got[i][j], fd, 1e-7, 1e-8) {
					t.Errorf("%v: d%s[%d] = %v, central difference %v", act, w.Name, j, got[i][j], fd)
				}
			}
		}
		vm.Close()
	}
}

func TestPlacedTwiceSharesNothing(t *testing.T) {
	m := layers.MLP{In: 2, Hidden: []int{3}, Out: 1}
	g := G.NewGraph()
	a, b := place(t, m, g, "a", tensor.Float64), place(t, m, g, "b", tensor.Float64)
	names := map[string]bool{}
	for _, n := range append(a.Learnables(), b.Learnables()...) {
		names[n.Name()] = true
	}
	for _, want := range []string{"a/W0", "a/b0", "a/W1", "a/b1", "b/W0", "b/b0", "b/W1", "b/b1"} {
		if !names[want] {
			t.Errorf("no learnable %q among %v", want, names)
		}
	}
	if len(names) != 8 {
		t.Fatalf("%d learnables, want 8", len(names))
	}
	zero, err := layers.Weights(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range zero {
		clear(w.Data)
	}
	if err := layers.SetWeights(a, zero); err != nil {
		t.Fatal(err)
	}
	x := input(g, "x", tensor.Float64, []float64{1, 2}, 1, 2)
	got := run(t, g, must(t)(a.Fwd(x)), must(t)(b.Fwd(x)))
	if got[0][0] != 0 || got[1][0] == 0 {
		t.Errorf("a gives %v and b %v; want 0 and not 0", got[0], got[1])
	}
	_, err = m.Place(g, "a", tensor.Float64, source(1))
	var taken *layers.NameError
	if !errors.As(err, &taken) || taken.Name != "a/W0" {
		t.Errorf("placing under a taken name: %v", err)
	}
}

func TestDescriptionFaults(t *testing.T) {
	for _, test := range []struct {
		m     layers.Module
		parts []string
	}{
		{layers.MLP{In: 0, Hidden: []int{3, -1}, Out: 0, Activation: 77}, []string{"In is 0", "Hidden[1] is -1", "Out is 0", "Activation(77)"}},
		{layers.Linear{}, []string{"In is 0", "Out is 0"}},
		{layers.Sequential{}, []string{"no modules"}},
		{layers.Sequential{nil, layers.Tanh, nil}, []string{"module 0 is nil", "module 2 is nil"}},
		{layers.AppendTime{}, []string{"Of is nil"}},
		{layers.Custom{}, []string{"exactly one"}},
		{layers.Custom{Forward: first, Params: []layers.Param{{}, {Name: "a"}, {Name: "a"}}}, []string{"Params[0] has no name", `Params[2] is a second "a"`}},
		{layers.Custom{Forward: first, Params: []layers.Param{{Name: "a", Shape: []int{}}}}, []string{"scalar"}},
		{layers.Custom{Forward: first, Params: []layers.Param{{Name: "a", Shape: []int{2, 0}}}}, []string{"at least 1"}},
		{layers.Custom{Forward: first, Params: []layers.Param{{Name: "a", Shape: []int{1 << 20, 1 << 20}}}}, []string{"at most 2^30"}},
		{layers.Linear{In: 1 << 31, Out: 1 << 31}, []string{"at most 2^30"}},
		{layers.Custom{Forward: first, Modules: []layers.Member{{Name: "a"}, {Module: layers.Tanh}}}, []string{"Modules[0] is nil", "Modules[1] has no name"}},
		{layers.Sum{}, []string{"no modules"}},
		{layers.Sum{layers.Tanh, nil}, []string{"module 1 is nil"}},
		{layers.Scale{By: math.NaN()}, []string{"Of is nil", "NaN"}},
		{layers.Func(nil), []string{"nil"}},
		{layers.FuncAt(nil), []string{"nil"}},
		{layers.Equations{}, []string{"Dim is 0", "exactly one"}},
	} {
		_, err := test.m.Place(G.NewGraph(), "m", tensor.Float64, source(1))
		var config *layers.ConfigError
		if !errors.As(err, &config) {
			t.Errorf("%#v: %v, want a ConfigError", test.m, err)
			continue
		}
		for _, part := range test.parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%v does not say %q", err, part)
			}
		}
	}
	var config *layers.ConfigError
	good := layers.MLP{In: 1, Out: 1}
	if _, err := good.Place(G.NewGraph(), "m", tensor.Int, source(1)); !errors.As(err, &config) {
		t.Errorf("int: %v", err)
	}
}

func first(x *G.Node, _ layers.Parts) (*G.Node, error) { return x, nil }

func TestInputFaults(t *testing.T) {
	g := G.NewGraph()
	for i, l := range []layers.Layer{
		place(t, layers.MLP{In: 2, Out: 2}, g, "net", tensor.Float64),
		place(t, layers.Linear{In: 2, Out: 2}, g, "lin", tensor.Float64),
	} {
		var shape *layers.ShapeError
		for j, dims := range [][]int{{3, 4}, {2}, {2, 2, 1}} {
			x := input(g, fmt.Sprint("x", i, j), tensor.Float64, make([]float64, tensor.Shape(dims).TotalSize()), dims...)
			if _, err := l.Fwd(x); !errors.As(err, &shape) || !strings.Contains(err.Error(), "2)") {
				t.Errorf("input %v: %v", dims, err)
			}
		}
		var config *layers.ConfigError
		if _, err := l.Fwd(input(g, fmt.Sprint("narrow", i), tensor.Float32, []float64{1, 2}, 1, 2)); !errors.As(err, &config) {
			t.Errorf("float32 input: %v", err)
		}
		if _, err := l.Fwd(input(G.NewGraph(), "x", tensor.Float64, []float64{1, 2}, 1, 2)); !errors.As(err, &config) {
			t.Errorf("input of another graph: %v", err)
		}
	}
}

func TestMLPIsPlainData(t *testing.T) {
	m := layers.MLP{In: 2, Hidden: []int{64, 32}, Out: 2, Activation: layers.Softplus, WeightInit: layers.Normal(0, 0.1)}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"in":2,"hidden":[64,32],"out":2,"activation":"softplus","weight_init":"normal(0,0.1)"}`; string(text) != want {
		t.Errorf("JSON is %s, want %s", text, want)
	}
	var back layers.MLP
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, m) {
		t.Errorf("read back as %+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"activation":"nope"}`), &back); err == nil {
		t.Error("no error for an unknown activation")
	}
	if got := m.StateShape(); !reflect.DeepEqual(got, []int{2}) {
		t.Errorf("StateShape %v", got)
	}
}
