package odelayer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/control"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

// A neural CDE inside a model: the gradient of everything, the knots' values included,
// which another network might have made.
func TestInputGradients(t *testing.T) {
	cde := layers.CDE{Of: layers.MLP{In: 2, Hidden: []int{4}, Out: 4, Activation: layers.Tanh}, Channels: 2}
	appended := layers.AppendInput{Of: layers.MLP{In: 4, Hidden: []int{4}, Out: 2}, Channels: 2}
	for _, c := range []struct {
		m      graph.Module
		kind   control.Kind
		rates  bool
		times  [][]float64
		values []int
	}{
		{cde, control.Hermite, true, [][]float64{{0, 0.3, 0.8, 1.1}}, []int{3, 4, 2}},
		{cde, control.Linear, true, [][]float64{{0, 1}, {0.2, 0.7}, {-1, 2}}, []int{3, 2, 2}},
		{appended, control.NaturalCubic, false, [][]float64{{0, 1}, {0.2, 0.4, 0.7}, {-1, 0, 2}}, []int{2 * 8}},
	} {
		for _, final := range []bool{true, false} {
			t.Run(fmt.Sprint(c.kind, " final=", final), func(t *testing.T) {
				g := G.NewGraph()
				l := newLayer(t, g, "ode", c.m, odelayer.Config{
					Batch: 3, Times: times, Final: final, Solve: odeint.Options{Method: odeint.RK4, H0: 0.1},
					Input: &odelayer.Input{Kind: c.kind, Channels: 2, Rates: c.rates, Times: c.times},
				})
				u0, values := input(g, "u0", tensor.Float64, 0, 3, 2), input(g, "values", tensor.Float64, 1, c.values...)
				y := must(t)(l.FwdInput(u0, values))
				loss := meanSquare(t, y)
				checkGradient(t, g, loss, 1e-7, append(l.Learnables(), u0, values)...)
			})
		}
	}
}

// The layer's states are those of odeint with the same field and path, in both types.
func TestInputIsTheFieldsBitForBit(t *testing.T) {
	t.Run("float64", inputBits[float64])
	t.Run("float32", inputBits[float32])
}

func inputBits[T graph.Float](t *testing.T) {
	dt := tensor.Float64
	if _, narrow := any(T(0)).(float32); narrow {
		dt = tensor.Float32
	}
	m := layers.AppendInput{Of: layers.MLP{In: 3, Hidden: []int{4}, Out: 2}, Channels: 1}
	knots := [][]float64{{0, 0.35, 1}}
	opt := odeint.Options{RTol: 1e-4, ATol: 1e-4}
	g := G.NewGraph()
	l := newLayer(t, g, "ode", m, odelayer.Config{
		Batch: 2, Times: times, Dtype: dt, Solve: opt,
		Input: &odelayer.Input{Kind: control.Linear, Channels: 1, Times: knots},
	})
	u0, values := input(g, "u0", dt, 0, 2, 2), input(g, "values", dt, 1, 2, 3, 1)
	got := run(t, g, must(t)(l.FwdInput(u0, values)))[0]

	f, err := graph.NewField[T](m, 2, graph.FieldConfig{Name: "ode", Rand: rand.New(rand.NewPCG(3, 4)), Input: &graph.InputConfig{Channels: 1}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := control.New(control.Linear, 1, knots, values.Value().Data().([]T))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetInput(p); err != nil {
		t.Fatal(err)
	}
	opt.SaveAt.Times = times
	sol, err := odeint.Solve(f, times[0], times[len(times)-1], u0.Value().Data().([]T), opt)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range sol.Y {
		if got[i] != float64(v) {
			t.Fatalf("state %d is %v, odeint's %v", i, got[i], v)
		}
	}
}

func TestFaultsOfDrivenLayers(t *testing.T) {
	m := layers.AppendInput{Of: layers.MLP{In: 3, Hidden: []int{4}, Out: 2}, Channels: 1}
	for name, in := range map[string]odelayer.Input{
		"no times":        {Channels: 1},
		"too many lists":  {Channels: 1, Times: [][]float64{{0}, {0}, {0}}},
		"no channels":     {Times: [][]float64{{0, 1}}},
		"no knots":        {Channels: 1, Times: [][]float64{{}}},
		"order":           {Channels: 1, Times: [][]float64{{1, 0}}},
		"kind":            {Channels: 1, Kind: 9, Times: [][]float64{{0, 1}}},
		"channels differ": {Channels: 2, Times: [][]float64{{0, 1}}},
	} {
		if _, err := odelayer.New(G.NewGraph(), "ode", m, odelayer.Config{Batch: 2, Times: times, Input: &in}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	g := G.NewGraph()
	driven := newLayer(t, g, "ode", m, odelayer.Config{Batch: 2, Times: times, Input: &odelayer.Input{Channels: 1, Times: [][]float64{{0, 1}}}})
	plain := newLayer(t, g, "plain", net, odelayer.Config{Batch: 2, Times: times})
	u0, values := input(g, "u0", tensor.Float64, 0, 2, 2), input(g, "values", tensor.Float64, 1, 2, 3, 1)
	var fault *odelayer.ConfigError
	if _, err := driven.Fwd(u0); !errors.As(err, &fault) {
		t.Errorf("Fwd of a driven layer: %v", err)
	}
	if _, err := driven.FwdInput(u0, values); !errors.As(err, &fault) {
		t.Errorf("values of another shape: %v", err)
	}
	if _, err := plain.FwdInput(u0, values); !errors.As(err, &fault) {
		t.Errorf("FwdInput without inputs: %v", err)
	}
}
