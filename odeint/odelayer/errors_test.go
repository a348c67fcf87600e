package odelayer_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

// tapeModel is a loss around one layer on a TapeMachine.
func tapeModel(t *testing.T, cfg odelayer.Config) (u0 []float64, run func() error) {
	g, u0, loss, ode := lossModel(t, cfg)
	if _, err := G.Grad(loss, ode.Learnables()...); err != nil {
		t.Fatal(err)
	}
	vm := G.NewTapeMachine(g, G.BindDualValues(ode.Learnables()...))
	t.Cleanup(func() { vm.Close() })
	return u0, func() error {
		vm.Reset()
		return vm.RunAll()
	}
}

func lossModel(t *testing.T, cfg odelayer.Config) (g *G.ExprGraph, u0 []float64, loss *G.Node, ode *odelayer.Layer) {
	t.Helper()
	g = G.NewGraph()
	in := input(g, "u0", tensor.Float64, 0, cfg.Batch, 2)
	ode = newLayer(t, g, "ode", net, cfg)
	return g, in.Value().Data().([]float64), meanSquare(t, must(t)(ode.Fwd(in))), ode
}

// tooFewSteps fails with ErrMaxSteps.
var tooFewSteps = odelayer.Config{Batch: 2, Times: []float64{0, 10}, Solve: odeint.Options{MaxSteps: 3}}

// checkMaxSteps checks the error of a machine that ran tooFewSteps.
func checkMaxSteps(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "odelayer: ode: odeint: stopped at t = ") || !strings.Contains(err.Error(), "MaxSteps") {
		t.Errorf("error %v does not carry the solver's message", err)
	}
	var step *odeint.StepError
	if cause := odelayer.Cause(err); !errors.Is(cause, odeint.ErrMaxSteps) || !errors.As(cause, &step) {
		t.Errorf("errors.Is and errors.As do not see the cause %v of %v", cause, err)
	}
}

func TestSolverErrorsAreTheMachines(t *testing.T) {
	_, run := tapeModel(t, tooFewSteps)
	checkMaxSteps(t, run())
	if odelayer.Cause(errors.New("other")) != nil || odelayer.Cause(nil) != nil {
		t.Error("Cause finds what is not there")
	}
}

func TestNaNIsAnErrorAndPasses(t *testing.T) {
	u0, run := tapeModel(t, odelayer.Config{Batch: 2, Times: times})
	keep := u0[1]
	u0[1] = math.NaN()
	if err := run(); !errors.Is(odelayer.Cause(err), odeint.ErrNonFinite) || !strings.Contains(err.Error(), "component 1") {
		t.Errorf("NaN in u0: %v", err)
	}
	u0[1] = keep
	if err := run(); err != nil {
		t.Errorf("the run after the failed one: %v", err)
	}
}

// panicking panics with v in the second of its steps, once.
func panicking(v any) odelayer.Config {
	calls := 0
	return odelayer.Config{Batch: 2, Times: times, Solve: odeint.Options{RTol: 1e-6, ATol: 1e-6, Norm: func(r []float64) float64 {
		if calls++; calls == 2 {
			panic(v)
		}
		return 0.5
	}}}
}

func TestPanicsAreErrors(t *testing.T) {
	wild := errors.New("norm gone wild")
	_, run := tapeModel(t, panicking(wild))
	if err := run(); !errors.Is(odelayer.Cause(err), wild) {
		t.Errorf("a panic with an error: %v", err)
	}
	_, run = tapeModel(t, panicking("norm gone wild"))
	if err := run(); err == nil || !strings.Contains(err.Error(), "odelayer: ode: panic in the solve: norm gone wild") {
		t.Errorf("a panic: %v", err)
	}
	if err := run(); err != nil {
		t.Errorf("the run after the panic: %v", err)
	}
}

func TestFailingBackwardIsAnError(t *testing.T) {
	g := G.NewGraph()
	u0 := input(g, "u0", tensor.Float64, 0, 1, 2)
	ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: 1, Times: times})
	u := must(t)(ode.Fwd(u0))
	weight := input(g, "weight", tensor.Float64, 0, len(times), 1, 2)
	weight.Value().Data().([]float64)[3] = math.Inf(1)
	if _, err := G.Grad(must(t)(G.Sum(must(t)(G.HadamardProd(u, weight)))), ode.Learnables()...); err != nil {
		t.Fatal(err)
	}
	vm := G.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err == nil || !strings.Contains(err.Error(), "odelayer: ode: adjoint: ") {
		t.Errorf("an infinite cotangent: %v", err)
	}
}

func TestSecondOrderIsRefused(t *testing.T) {
	for name, grad := range map[string]func(*G.Node, ...*G.Node) (G.Nodes, error){"graph": graph.Grad, "gorgonia": G.Grad} {
		g := G.NewGraph()
		u0 := input(g, "u0", tensor.Float64, 0, 2, 2)
		ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: 2, Times: times, Solve: fixed})
		u := must(t)(ode.Fwd(u0))
		grads, err := grad(meanSquare(t, u), u0)
		if err != nil {
			t.Fatal(err)
		}
		penalty := meanSquare(t, grads[0])
		_, err = grad(penalty, ode.Learnables()...)
		if err == nil || !strings.Contains(err.Error(), odelayer.ErrSecondOrder.Error()) {
			t.Errorf("%s: a gradient of a gradient: %v", name, err)
		}
		if name == "gorgonia" {
			continue // it differentiates a graph once only
		}
		if !errors.Is(err, odelayer.ErrSecondOrder) {
			t.Errorf("errors.Is does not see the cause of %v", err)
		}
		// The gradient's own value is there all the same, and so are gradients of
		// other losses.
		other, err := grad(must(t)(G.Sum(must(t)(G.Tanh(u)))), ode.Learnables()...)
		if err != nil {
			t.Fatal(err)
		}
		got := run(t, g, penalty, other[0])
		if !(got[0][0] > 0) || got[1][0] == 0 {
			t.Errorf("penalty %v, gradient of another loss %v", got[0], got[1])
		}
	}
}

// First order through graph.VJP is what gorgonia.Grad makes.
func TestFirstOrderThroughGraph(t *testing.T) {
	gradients := func(grad func(loss *G.Node, wrt G.Nodes) (G.Nodes, error)) [][]float64 {
		g := G.NewGraph()
		x := input(g, "x", tensor.Float64, 0, 2, 3)
		enc := place(t, layers.Linear{In: 3, Out: 2}, g, "enc", tensor.Float64)
		ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: 2, Times: times})
		loss := meanSquare(t, must(t)(ode.Fwd(must(t)(enc.Fwd(x)))))
		nodes, err := grad(loss, append(append(G.Nodes{x}, enc.Learnables()...), ode.Learnables()...))
		if err != nil {
			t.Fatal(err)
		}
		return run(t, g, nodes...)
	}
	stock := gradients(func(loss *G.Node, wrt G.Nodes) (G.Nodes, error) { return G.Grad(loss, wrt...) })
	own := gradients(func(loss *G.Node, wrt G.Nodes) (G.Nodes, error) { return graph.Grad(loss, wrt...) })
	for i := range stock {
		for j, want := range stock[i] {
			if math.Abs(own[i][j]-want) > 1e-14*(1+math.Abs(want)) {
				t.Errorf("input %d: graph.Grad has %v, gorgonia.Grad %v", i, own[i], stock[i])
				break
			}
		}
	}
}

func TestConfigFaults(t *testing.T) {
	g := G.NewGraph()
	_, err := odelayer.New(g, "", layers.Tanh, odelayer.Config{Times: []float64{0, 1, 1}, Dtype: tensor.Int})
	var config *odelayer.ConfigError
	if !errors.As(err, &config) {
		t.Fatalf("error %v", err)
	}
	for _, part := range []string{"name is empty", "Batch is 0", "Times[2] = 1", "Dtype is int", "set Shape"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
	for _, times := range [][]float64{nil, {0, math.NaN()}, {math.Inf(-1), 0}, {0, 1, 0.5}, {1, 0, 2}} {
		if _, err := odelayer.New(g, "ode", net, odelayer.Config{Batch: 1, Times: times}); !errors.As(err, &config) {
			t.Errorf("times %v: %v", times, err)
		}
	}
	if _, err := odelayer.New(g, "ode", net, odelayer.Config{Batch: 1, Times: times, Shape: []int{2, -1}}); !errors.As(err, &config) {
		t.Errorf("negative shape: %v", err)
	}
	var option *odeint.OptionError
	if _, err := odelayer.New(g, "ode", net, odelayer.Config{Batch: 1, Times: times, Solve: odeint.Options{RTol: -1}}); !errors.As(err, &option) {
		t.Errorf("negative tolerance: %v", err)
	}
	wrong := layers.MLP{In: 2, Out: 3}
	if _, err := odelayer.New(g, "ode", wrong, odelayer.Config{Batch: 1, Times: times}); err == nil || !strings.HasPrefix(err.Error(), "odelayer: ode: ") {
		t.Errorf("dynamics that change the shape: %v", err)
	}
	if n := len(g.AllNodes()); n != 0 {
		t.Errorf("faulty configurations left %d nodes on the graph", n)
	}
	var taken *odelayer.NameError
	newLayer(t, g, "ode", net, odelayer.Config{Batch: 1, Times: times})
	if _, err := odelayer.New(g, "ode", net, odelayer.Config{Batch: 1, Times: times}); !errors.As(err, &taken) {
		t.Errorf("a name twice: %v", err)
	}
	if n := len(g.AllNodes()); n != 4 {
		t.Errorf("%d nodes on the graph, want 4", n)
	}
}

func TestNamesOfLayersWithoutParameters(t *testing.T) {
	decay := layers.Custom{State: []int{2}, Forward: func(y *G.Node, _ layers.Parts) (*G.Node, error) { return G.Neg(y) }}
	g := G.NewGraph()
	u0 := input(g, "u0", tensor.Float64, 0, 1, 2)
	a := newLayer(t, g, "decay", decay, odelayer.Config{Batch: 1, Times: []float64{0, 1}, Final: true})
	b := newLayer(t, g, "decay", decay, odelayer.Config{Batch: 1, Times: []float64{0, 2}, Final: true})
	u := must(t)(a.Fwd(u0))
	var taken *odelayer.NameError
	if _, err := b.Fwd(u0); !errors.As(err, &taken) {
		t.Errorf("a second layer of the same name: %v", err)
	}
	got := run(t, g, u)[0]
	for i, v := range floats(u0.Value()) {
		if math.Abs(got[i]-v*math.Exp(-1)) > 1e-5 {
			t.Errorf("decay to %v, want %v", got[i], v*math.Exp(-1))
		}
	}
}

func TestInputFaults(t *testing.T) {
	g := G.NewGraph()
	ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: 2, Times: times})
	u0 := input(g, "u0", tensor.Float64, 0, 2, 2)
	params := ode.Learnables()
	for what, in := range map[string]G.Nodes{
		"wrong batch":         append(G.Nodes{input(g, "a", tensor.Float64, 0, 3, 2)}, params...),
		"wrong rank":          append(G.Nodes{input(g, "b", tensor.Float64, 0, 4)}, params...),
		"wrong type":          append(G.Nodes{input(g, "c", tensor.Float32, 0, 2, 2)}, params...),
		"scalar":              append(G.Nodes{G.NewScalar(g, tensor.Float64, G.WithName("d"))}, params...),
		"another graph":       append(G.Nodes{input(G.NewGraph(), "e", tensor.Float64, 0, 2, 2)}, params...),
		"too few parameters":  append(G.Nodes{u0}, params[1:]...),
		"misshapen parameter": {u0, params[2], params[1], params[0], params[3]},
	} {
		var config *odelayer.ConfigError
		if _, err := ode.FwdWith(in[0], in[1:]...); !errors.As(err, &config) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := ode.Fwd(u0); err != nil {
		t.Error(err)
	}
	ode.Learnables()[0] = nil
	if ode.Learnables()[0] == nil {
		t.Error("Learnables gives away the layer's own slice")
	}
}
