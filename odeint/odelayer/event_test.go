package odelayer_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

// learned are events whose condition and effect are networks, and one at known times.
func learned() []odelayer.Event {
	return []odelayer.Event{
		{Condition: layers.Linear{In: 2, Out: 1}, Effect: layers.MLP{In: 2, Hidden: []int{3}, Out: 2}},
		{Times: []float64{0.31}, Effect: layers.Linear{In: 2, Out: 2}},
	}
}

// Gradients of a layer's result with respect to u0 and all learnables, those of the events among
// them, against central differences.
func TestEvents(t *testing.T) {
	steps := odeint.Options{Method: odeint.RK4, H0: 0.05}
	for _, m := range methods {
		if _, continuous := m.(adjoint.Discrete); m != nil && !continuous {
			continue
		}
		g := G.NewGraph()
		u0 := input(g, "u0", tensor.Float64, 0.9, 1, 2)
		l := newLayer(t, g, "ode", net, odelayer.Config{Batch: 1, Times: times, Solve: steps, Adjoint: m, Events: learned()})
		// The condition is that u·(1, 0.5) passes 0.95.
		for _, n := range l.Learnables() {
			switch n.Name() {
			case "ode/event0/condition/W":
				copy(n.Value().Data().([]float64), []float64{1, 0.5})
			case "ode/event0/condition/b":
				n.Value().Data().([]float64)[0] = -0.95
			}
		}
		loss := meanSquare(t, must(t)(l.Fwd(u0)))
		checkGradient(t, g, loss, 1e-7, append(G.Nodes{u0}, l.Learnables()...)...)
		if fwd, _ := l.Stats(); fwd.Events < 2 {
			t.Errorf("%d events", fwd.Events)
		}
	}
}

// After a Terminal event the states stay, and their cotangents count where it happened. The
// batch of two is one state for the condition.
func TestTerminalEvent(t *testing.T) {
	stop := layers.Custom{State: []int{2, 2}, Forward: func(x *G.Node, _ layers.Parts) (*G.Node, error) {
		flat, err := G.Reshape(x, tensor.Shape{1, 4})
		if err != nil {
			return nil, err
		}
		w, err := layers.ConstTensor(x, []float64{1, 1, 1, 0}, 4, 1)
		if err != nil {
			return nil, err
		}
		y, err := G.Mul(flat, w)
		if err != nil {
			return nil, err
		}
		return G.Sub(y, layers.Const(x, 0.03))
	}}
	one := layers.Custom{State: []int{2}, Forward: func(x *G.Node, _ layers.Parts) (*G.Node, error) {
		return G.Neg(x)
	}}
	g := G.NewGraph()
	u0 := input(g, "u0", tensor.Float64, 0.9, 2, 2)
	l := newLayer(t, g, "ode", one, odelayer.Config{Batch: 2, Times: []float64{0, 0.2, 5, 6}, Events: []odelayer.Event{{Condition: stop, Terminal: true}}, Solve: odeint.Options{RTol: 1e-11, ATol: 1e-11}})
	out := must(t)(l.Fwd(u0))
	var states G.Value // machines work in the node's memory
	G.Read(out, &states)
	checkGradient(t, g, meanSquare(t, out), 1e-5, u0)
	y := floats(states)
	if math.Abs(y[8]+y[9]+y[10]-0.03) > 1e-14 || !slices.Equal(y[8:12], y[12:]) {
		t.Errorf("the end of the solve: %v", y)
	}
}

// Events and plain functions at once are refused.
func TestEventErrors(t *testing.T) {
	g := G.NewGraph()
	plain := odeint.Events[float64]{{Times: []float64{1}}}
	var bad *odelayer.ConfigError
	if _, err := odelayer.New(g, "ode", net, odelayer.Config{Batch: 1, Times: times, Events: learned(), Solve: odeint.Options{Events: plain}}); !errors.As(err, &bad) {
		t.Errorf("both: %v", err)
	}
	var fault *odeint.OptionError
	bare := []odelayer.Event{{}}
	if _, err := odelayer.New(g, "ode", net, odelayer.Config{Batch: 1, Times: times, Events: bare}); !errors.As(err, &fault) {
		t.Errorf("an event without anything: %v", err)
	}
	wide := []odelayer.Event{{Condition: layers.Linear{In: 2, Out: 2}}}
	if _, err := odelayer.New(g, "ode", net, odelayer.Config{Batch: 1, Times: times, Events: wide}); !errors.As(err, &fault) {
		t.Errorf("a condition of two values: %v", err)
	}
}
