package odelayer_test

import (
	"context"
	"errors"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/gorgoniatest"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

// embedded is a model of dense layers around two solves, the second of the first's
// states at two times.
type embedded struct {
	x, y, loss *G.Node
	ode        *odelayer.Layer
	learnables G.Nodes
}

func newEmbedded(t testing.TB, dt tensor.Dtype) embedded {
	t.Helper()
	must := gorgoniatest.Must(t)
	const batch, width = 6, 4
	g := G.NewGraph()
	x := gorgoniatest.Input(g, "x", dt, gorgoniatest.Sines(batch*3, 0.1), batch, 3)
	y := gorgoniatest.Input(g, "y", dt, gorgoniatest.Sines(batch*2, 0.7), batch, 2)
	w := gorgoniatest.Input(g, "w", dt, gorgoniatest.Sines(3*width, 1.3), 3, width)
	v := gorgoniatest.Input(g, "v", dt, gorgoniatest.Sines(width*2, 2.1), width, 2)
	net := layers.MLP{In: width, Hidden: []int{8}, Out: width, Activation: layers.Tanh}
	solve := odeint.Options{Method: odeint.RK4, Steps: 4}
	final, err := odelayer.New(g, "final", net, odelayer.Config{Batch: batch, Times: []float64{0, 1}, Final: true, Dtype: dt, Solve: solve})
	if err != nil {
		t.Fatal(err)
	}
	path, err := odelayer.New(g, "path", net, odelayer.Config{Batch: batch, Times: []float64{0, 0.5, 1}, Dtype: dt, Solve: solve})
	if err != nil {
		t.Fatal(err)
	}
	h := must(G.Tanh(must(G.Mul(x, w))))
	h = must(path.Fwd(must(final.Fwd(h))))
	h = must(G.Sum(must(G.Square(h)), 0))
	loss := must(G.Mean(must(G.Square(must(G.Sub(must(G.Mul(h, v)), y))))))
	learnables := append(append(G.Nodes{w, v}, final.Learnables()...), path.Learnables()...)
	if _, err := G.Grad(loss, learnables...); err != nil {
		t.Fatal(err)
	}
	return embedded{x, y, loss, final, learnables}
}

// TestMachine trains the same model on a TapeMachine and on a graph.Machine.
func TestMachine(t *testing.T) {
	for _, dt := range gorgoniatest.Dtypes {
		t.Run(dt.String(), func(t *testing.T) {
			tol := 1e-12
			if dt == tensor.Float32 {
				tol = 2e-4 // of rounding, which Adam's division by the root of small gradients enlarges
			}
			var history [2][]float64
			for kind := range 2 {
				m := newEmbedded(t, dt)
				var vm G.VM = G.NewTapeMachine(m.loss.Graph(), G.BindDualValues(m.learnables...))
				if kind == 1 {
					var err error
					if vm, err = graph.NewMachine(m.loss.Graph(), graph.MachineConfig{Learnables: m.learnables, Values: G.Nodes{m.loss}}); err != nil {
						t.Fatal(err)
					}
				}
				solver := G.NewAdamSolver(G.WithLearnRate(0.01))
				for range 6 {
					if err := vm.RunAll(); err != nil {
						t.Fatal(err)
					}
					history[kind] = append(history[kind], gorgoniatest.Floats(m.loss.Value())...)
					for _, n := range m.learnables {
						d, err := n.Grad()
						if err != nil {
							t.Fatal(err)
						}
						history[kind] = append(history[kind], gorgoniatest.Floats(d)...)
					}
					if err := solver.Step(G.NodesToValueGrads(m.learnables)); err != nil {
						t.Fatal(err)
					}
					vm.Reset()
				}
				if err := vm.Close(); err != nil {
					t.Fatal(err)
				}
			}
			gorgoniatest.ExpectNear(t, "training", history[1], history[0], tol, tol)
		})
	}
}

// TestMachineAllocatesNothing in a run with solves and their gradients.
func TestMachineAllocatesNothing(t *testing.T) {
	for _, dt := range gorgoniatest.Dtypes {
		m := newEmbedded(t, dt)
		vm, err := graph.NewMachine(m.loss.Graph(), graph.MachineConfig{Learnables: m.learnables})
		if err != nil {
			t.Fatal(err)
		}
		run := func() {
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
		}
		run()
		run()
		if n := gradtest.Allocs(20, run); n != 0 {
			t.Errorf("%v: %v allocations a run", dt, n)
		}
	}
}

// TestMachineCancelled: the cause of a failed solve is found.
func TestMachineCancelled(t *testing.T) {
	m := newEmbedded(t, tensor.Float64)
	vm, err := graph.NewMachine(m.loss.Graph(), graph.MachineConfig{Learnables: m.learnables})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m.ode.SetContext(ctx)
	if err := vm.RunAll(); !errors.Is(odelayer.Cause(err), context.Canceled) {
		t.Errorf("error %v, want a cancelled solve", err)
	}
	m.ode.SetContext(context.Background())
	if err := vm.RunAll(); err != nil {
		t.Error(err)
	}
}
