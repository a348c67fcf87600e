package odelayer_test

import (
	"context"
	"errors"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

// patient is a context that is cancelled when it was looked at often enough.
type patient struct {
	context.Context
	looks, patience int
}

func (p *patient) Err() error {
	if p.looks++; p.looks > p.patience {
		return context.Canceled
	}
	return nil
}

// A context that is cancelled in the middle of a forward solve, or of a backward one, ends
// the machine's run, and the next run with another context works.
func TestContextStopsARunInsideASolve(t *testing.T) {
	for _, method := range []adjoint.Method{nil, adjoint.Interpolating{}, adjoint.Backsolve{}} {
		cfg := odelayer.Config{Batch: 2, Times: []float64{0, 1}, Adjoint: method, Solve: odeint.Options{RTol: 1e-6, ATol: 1e-6, HMax: 0.01}}
		all := &patient{context.Background(), 0, math.MaxInt}
		cfg.Context = all
		g, _, loss, ode := lossModel(t, cfg)
		if _, err := G.Grad(loss, ode.Learnables()...); err != nil {
			t.Fatal(err)
		}
		vm := G.NewTapeMachine(g, G.BindDualValues(ode.Learnables()...))
		defer vm.Close()
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		forward, _ := ode.Stats()
		if all.looks < 2*forward.Accepted {
			t.Fatalf("%T: %d looks at the context for %d forward steps", method, all.looks, forward.Accepted)
		}
		for _, patience := range []int{0, forward.Accepted / 2, all.looks * 3 / 4} {
			ctx := &patient{context.Background(), 0, patience}
			ode.SetContext(ctx)
			vm.Reset()
			if err := vm.RunAll(); !errors.Is(odelayer.Cause(err), context.Canceled) || ctx.looks != patience+1 {
				t.Errorf("%T: after %d looks of %d: %v", method, ctx.looks, patience, err)
			}
		}
		ode.SetContext(context.Background())
		vm.Reset()
		if err := vm.RunAll(); err != nil {
			t.Errorf("%T: with another context: %v", method, err)
		}
	}
}

// A layer that is Shared puts nothing on the graph but its solves, so that a LispMachine
// takes it, and its gradients are those on a TapeMachine.
func TestSharedOnALispMachine(t *testing.T) {
	for _, dt := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		build := func() (*G.ExprGraph, *G.Node, G.Nodes) {
			g := G.NewGraph()
			u0 := input(g, "u0", dt, 0, 2, 2)
			a := newLayer(t, g, "a", net, odelayer.Config{Batch: 2, Times: []float64{0, 1}, Final: true, Dtype: dt})
			b := newLayer(t, g, "b", net, odelayer.Config{Batch: 2, Times: []float64{1, 2}, Final: true, Dtype: dt, Shared: true})
			if n := b.Learnables(); n != nil {
				t.Fatalf("learnables %v", n)
			}
			if p, want := b.Params(), a.Learnables(); len(p) != len(want) || p[0].Name != "b/W0" || p[2].Shape[0] != 5 {
				t.Fatalf("parameters %v", p)
			}
			u := must(t)(b.FwdWith(must(t)(a.Fwd(u0)), a.Learnables()...))
			return g, meanSquare(t, u), append(G.Nodes{u0}, a.Learnables()...)
		}
		g, loss, nodes := build()
		grads, err := G.Grad(loss, nodes...)
		if err != nil {
			t.Fatal(err)
		}
		want := run(t, g, grads...)
		g, _, nodes = build()
		vm := G.NewLispMachine(g)
		defer vm.Close()
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		eps := 1e-14
		if dt == tensor.Float32 {
			eps = 1e-6
		}
		for i, n := range nodes {
			v, err := n.Grad()
			if err != nil {
				t.Fatal(err)
			}
			for j, got := range floats(v) {
				if math.Abs(got-want[i][j]) > eps*(1+math.Abs(want[i][j])) {
					t.Errorf("gradient of %v[%d] is %v, on a TapeMachine %v", n, j, got, want[i][j])
				}
			}
		}
	}
	g := G.NewGraph()
	shared := newLayer(t, g, "s", net, odelayer.Config{Batch: 2, Times: times, Shared: true})
	var config *odelayer.ConfigError
	if _, err := shared.Fwd(input(g, "u0", tensor.Float64, 0, 2, 2)); !errors.As(err, &config) {
		t.Errorf("Fwd without parameters: %v", err)
	}
}

// Observe sees every accepted step, and its error stops the run and is its cause.
func TestObserve(t *testing.T) {
	enough := errors.New("enough")
	var reached []float64
	limit := math.MaxInt
	cfg := odelayer.Config{Batch: 2, Times: []float64{0, 0.3, 1}, Observe: func(tm float64, st *odeint.Stats) error {
		reached = append(reached, tm)
		if st.Accepted != len(reached) {
			t.Errorf("%d accepted steps after %d", st.Accepted, len(reached))
		}
		if len(reached) == limit {
			return enough
		}
		return nil
	}}
	_, run := tapeModel(t, cfg)
	if err := run(); err != nil {
		t.Fatal(err)
	}
	if n := len(reached); n < 3 || reached[n-1] != 1 {
		t.Fatalf("steps to %v", reached)
	}
	reached, limit = nil, 2
	if err := run(); !errors.Is(odelayer.Cause(err), enough) || len(reached) != 2 {
		t.Errorf("after %d steps: %v", len(reached), err)
	}
}
