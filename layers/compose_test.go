package layers_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/layers"
)

type timeLayer interface {
	FwdAt(t, y *G.Node) (*G.Node, error)
}

func TestSequentialIsTheMLP(t *testing.T) {
	g := G.NewGraph()
	whole := place(t, layers.MLP{In: 2, Hidden: []int{4}, Out: 3, Activation: layers.Swish}, g, "mlp", tensor.Float64)
	parts := place(t, layers.Sequential{layers.Linear{In: 2, Out: 4}, layers.Swish, layers.Linear{In: 4, Out: 3}}, g, "seq", tensor.Float64)
	var names []string
	for _, n := range parts.Learnables() {
		names = append(names, n.Name())
	}
	if want := []string{"seq/0/W", "seq/0/b", "seq/2/W", "seq/2/b"}; !reflect.DeepEqual(names, want) {
		t.Fatalf("learnables %v, want %v", names, want)
	}
	// The same seed draws the same weights in the same order.
	x := input(g, "x", tensor.Float64, []float64{0.1, 0.2, -0.3, 0.4}, 2, 2)
	got := run(t, g, must(t)(whole.Fwd(x)), must(t)(parts.Fwd(x)))
	expectNear(t, "sequential", got[1], got[0], 0, 0)
	if _, ok := parts.(timeLayer); ok {
		t.Error("a sequence without time has FwdAt")
	}
}

func TestAppendTime(t *testing.T) {
	for _, dt := range dtypes {
		g := G.NewGraph()
		l := place(t, layers.AppendTime{Of: layers.Linear{In: 3, Out: 2}}, g, "net", dt)
		if err := layers.SetWeights(l, []layers.Weight{
			{Name: "net/W", Shape: []int{3, 2}, Data: []float64{1, 2, 3, 4, 10, 20}},
			{Name: "net/b", Shape: []int{1, 2}, Data: []float64{0, 0}},
		}); err != nil {
			t.Fatal(err)
		}
		y := input(g, "y", dt, []float64{1, 0, 0, 1}, 2, 2)
		tm := input(g, "t", dt, []float64{0.5, 2}, 2, 1)
		dy := must(t)(l.(timeLayer).FwdAt(tm, y))
		with := must(t)(l.Fwd(input(g, "yt", dt, []float64{1, 0, 0.5, 0, 1, 2}, 2, 3)))
		want := []float64{6, 12, 23, 44}
		got := run(t, g, dy, with)
		expectNear(t, "FwdAt", got[0], want, 0, 0)
		expectNear(t, "Fwd", got[1], want, 0, 0)

		var shape *layers.ShapeError
		if _, err := l.(timeLayer).FwdAt(input(g, "short", dt, []float64{0}, 1, 1), y); !errors.As(err, &shape) {
			t.Errorf("one time for two samples: %v", err)
		}
		if _, err := l.(timeLayer).FwdAt(tm, input(g, "y3", dt, make([]float64, 4), 2, 1, 2)); !errors.As(err, &shape) {
			t.Errorf("state of three axes: %v", err)
		}
	}
	for _, test := range []struct {
		m    interface{ StateShape() []int }
		want []int
	}{
		{layers.AppendTime{Of: layers.MLP{In: 3, Out: 2}}, []int{2}},
		{layers.AppendTime{Of: layers.MLP{In: 1, Out: 2}}, nil},
		{layers.AppendTime{Of: layers.Tanh}, nil},
		{layers.Sequential{layers.Sin, layers.AppendTime{Of: layers.MLP{In: 3, Out: 2}}}, []int{2}},
		{layers.Sequential{layers.Tanh}, nil},
		{layers.Custom{State: []int{2, 5}}, []int{2, 5}},
	} {
		if got := test.m.StateShape(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%+v: StateShape %v, want %v", test.m, got, test.want)
		}
	}
}

func TestSequentialPassesTimeOn(t *testing.T) {
	scaleByTime := layers.Custom{ForwardAt: func(t, y *G.Node, _ layers.Parts) (*G.Node, error) {
		return G.BroadcastHadamardProd(y, t, nil, []byte{1})
	}}
	double := layers.Custom{Forward: func(x *G.Node, _ layers.Parts) (*G.Node, error) { return G.Add(x, x) }}
	g := G.NewGraph()
	l := place(t, layers.Sequential{scaleByTime, double, layers.Sequential{scaleByTime}}, g, "seq", tensor.Float64)
	y := input(g, "y", tensor.Float64, []float64{1, 2, 3, 4}, 2, 2)
	tm := input(g, "t", tensor.Float64, []float64{3, -1}, 2, 1)
	timedLayer, ok := l.(timeLayer)
	if !ok {
		t.Fatal("a sequence with a member that depends on time has no FwdAt")
	}
	expectNear(t, "2t²y", run(t, g, must(t)(timedLayer.FwdAt(tm, y)))[0], []float64{18, 36, 6, 8}, 0, 0)
	var config *layers.ConfigError
	if _, err := l.Fwd(y); !errors.As(err, &config) {
		t.Errorf("Fwd without the time it needs: %v", err)
	}
}

func TestCustom(t *testing.T) {
	m := layers.Custom{
		Params: []layers.Param{{Name: "k", Shape: []int{2, 2}, Init: layers.Constant(3)}, {Name: "shift", Shape: []int{1, 2}, Init: layers.Constant(1)}},
		Forward: func(x *G.Node, in layers.Parts) (*G.Node, error) {
			kx, err := G.Mul(x, in.Params[0])
			if err != nil {
				return nil, err
			}
			return G.BroadcastSub(kx, in.Params[1], nil, []byte{0})
		},
	}
	g := G.NewGraph()
	l := place(t, m, g, "spring", tensor.Float32)
	if got := l.Learnables(); len(got) != 2 || got[0].Name() != "spring/k" || got[1].Name() != "spring/shift" {
		t.Fatalf("learnables %v", got)
	}
	y := must(t)(l.Fwd(input(g, "x", tensor.Float32, []float64{1, 2, 3, 4}, 2, 2)))
	expectNear(t, "custom", run(t, g, y)[0], []float64{8, 8, 20, 20}, 0, 0)

	broken := errors.New("no spring today")
	l = place(t, layers.Custom{Forward: func(x *G.Node, in layers.Parts) (*G.Node, error) { return nil, broken }}, g, "broken", tensor.Float32)
	if _, err := l.Fwd(y); !errors.Is(err, broken) || !strings.Contains(err.Error(), "layers: broken: no spring") {
		t.Errorf("error of the function: %v", err)
	}
	l = place(t, layers.Custom{Forward: func(x *G.Node, in layers.Parts) (*G.Node, error) { return nil, nil }}, g, "nothing", tensor.Float32)
	if _, err := l.Fwd(y); err == nil {
		t.Error("no error for a function that returns nothing")
	}
}
