package graph

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/internal/gradtest"
)

// trainee is a model that both machines can train.
type trainee struct {
	learnables G.Nodes
	loss       *G.Node
	inputs     G.Nodes
}

// trainBoth trains two copies of a model by Adam, one on a TapeMachine and one on a
// Machine, and compares losses, parameters and what was read.
func trainBoth(t *testing.T, dt tensor.Dtype, build func(g *G.ExprGraph) trainee, own bool, tol float64) {
	t.Helper()
	var history [2][]float64
	for kind := range 2 {
		g := G.NewGraph()
		m := build(g)
		var grads G.Nodes
		var err error
		if own {
			if grads, err = Grad(m.loss, m.learnables...); err == nil {
				for i, d := range grads {
					G.SetDerivOf(d, m.learnables[i])
				}
			}
		} else {
			_, err = G.Grad(m.loss, m.learnables...)
		}
		if err != nil {
			t.Fatal(err)
		}
		var read G.Value
		G.Read(m.loss, &read)
		var vm G.VM
		if kind == 0 {
			vm = G.NewTapeMachine(g, G.BindDualValues(m.learnables...))
		} else if vm, err = NewMachine(g, MachineConfig{Learnables: m.learnables}); err != nil {
			t.Fatal(err)
		}
		solver := G.NewAdamSolver(G.WithLearnRate(0.01))
		r := rand.New(rand.NewPCG(5, 6))
		for range 6 {
			for _, n := range m.inputs {
				x := make([]float64, n.Shape().TotalSize())
				for i := range x {
					x[i] = r.NormFloat64()
				}
				if err := G.Let(n, toValue(dt, n.Shape(), x)); err != nil {
					t.Fatal(err)
				}
			}
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
			history[kind] = append(history[kind], toFloats(read)[0])
			for _, n := range m.learnables {
				d, err := n.Grad()
				if err != nil {
					t.Fatal(err)
				}
				history[kind] = append(history[kind], toFloats(d)...)
			}
			if err := solver.Step(G.NodesToValueGrads(m.learnables)); err != nil {
				t.Fatal(err)
			}
			vm.Reset()
		}
		for _, n := range m.learnables {
			history[kind] = append(history[kind], toFloats(n.Value())...)
		}
		if err := vm.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(history[0]) != len(history[1]) {
		t.Fatal("the machines gave different numbers of values")
	}
	for i, want := range history[0] {
		if got := history[1][i]; !(math.Abs(got-want) <= tol*max(1, math.Abs(want))) {
			t.Fatalf("number %d of the training: %v, want %v", i, got, want)
		}
	}
}

// eachWidth runs f with the tolerance of each type: rounding, which Adam's division by
// the root of small gradients enlarges.
func eachWidth(t *testing.T, f func(t *testing.T, dt tensor.Dtype, tol float64)) {
	t.Run("float64", func(t *testing.T) { f(t, tensor.Float64, 1e-12) })
	t.Run("float32", func(t *testing.T) { f(t, tensor.Float32, 2e-4) })
}

// weight adds a learnable of random numbers.
func weight(g *G.ExprGraph, dt tensor.Dtype, name string, scale float64, shape ...int) *G.Node {
	r := rand.New(rand.NewPCG(uint64(len(name)), uint64(shape[0])))
	x := make([]float64, tensor.Shape(shape).TotalSize())
	for i := range x {
		x[i] = scale * r.NormFloat64()
	}
	return G.NewTensor(g, dt, len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(toValue(dt, shape, x)))
}

func TestMachineMLP(t *testing.T) {
	eachWidth(t, func(t *testing.T, dt tensor.Dtype, tol float64) {
		for _, own := range []bool{false, true} {
			// The second has enough work for chunks and several goroutines.
			for _, batch := range []int{5, 300} {
				trainBoth(t, dt, func(g *G.ExprGraph) trainee { return mlp(g, dt, batch) }, own, tol)
			}
		}
	})
}

// mlp is a regression.
func mlp(g *G.ExprGraph, dt tensor.Dtype, batch int) trainee {
	x := G.NewMatrix(g, dt, G.WithShape(batch, 7), G.WithName("x"))
	y := G.NewMatrix(g, dt, G.WithShape(batch, 3), G.WithName("y"))
	w0, b0 := weight(g, dt, "w0", 0.4, 7, 40), weight(g, dt, "b0", 0.1, 1, 40)
	w1, b1 := weight(g, dt, "w1.", 0.3, 40, 3), weight(g, dt, "b1.", 0.1, 1, 3)
	h := G.Must(G.Tanh(G.Must(G.BroadcastAdd(G.Must(G.Mul(x, w0)), b0, nil, []byte{0}))))
	out := G.Must(G.BroadcastAdd(G.Must(G.Mul(h, w1)), b1, nil, []byte{0}))
	loss := G.Must(G.Mean(G.Must(G.Square(G.Must(G.Sub(out, y))))))
	return trainee{G.Nodes{w0, b0, w1, b1}, loss, G.Nodes{x, y}}
}

func TestMachineConvolutions(t *testing.T) {
	eachWidth(t, func(t *testing.T, dt tensor.Dtype, tol float64) {
		trainBoth(t, dt, func(g *G.ExprGraph) trainee {
			x := G.NewTensor(g, dt, 4, G.WithShape(6, 1, 10, 10), G.WithName("x"))
			y := G.NewMatrix(g, dt, G.WithShape(6, 4), G.WithName("y"))
			k0, k1 := weight(g, dt, "k0", 0.3, 5, 1, 3, 3), weight(g, dt, "k1", 0.2, 6, 5, 3, 3)
			w := weight(g, dt, "w", 0.3, 6*2*2, 4)
			h := G.Must(G.Rectify(G.Must(G.Conv2d(x, k0, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))))
			h = G.Must(G.MaxPool2D(h, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
			h = G.Must(G.Tanh(G.Must(G.Conv2d(h, k1, tensor.Shape{3, 3}, []int{1, 1}, []int{2, 2}, []int{1, 1}))))
			h = G.Must(G.MaxPool2D(h, tensor.Shape{2, 2}, []int{0, 0}, []int{1, 1}))
			out := G.Must(G.Mul(G.Must(G.Reshape(h, tensor.Shape{6, 24})), w))
			p := G.Must(G.SoftMax(out, 1))
			loss := G.Must(G.Mean(G.Must(G.HadamardProd(y, p))))
			return trainee{G.Nodes{k0, k1, w}, loss, G.Nodes{x, y}}
		}, false, tol)
	})
}

// TestMachineShowsValues: results without readers, nodes that were asked for, gradients
// without dual values, and inputs of a model in the middle of which is an op that the
// compiler does not know.
func TestMachineShowsValues(t *testing.T) {
	dt := tensor.Float64
	g := G.NewGraph()
	x := weight(g, dt, "x", 1, 3)
	square := G.Must(G.Square(x))
	odd := G.Must(G.ApplyOp(oddOp{}, square))
	end := G.Must(G.Add(odd, square))
	end = G.Must(G.Sum(end))
	var read G.Value
	G.Read(x, &read)
	m, err := NewMachine(g, MachineConfig{Values: G.Nodes{square}})
	if err != nil {
		t.Fatal(err)
	}
	for run := range 2 {
		v := float64(run + 2)
		if err := G.Let(x, toValue(dt, tensor.Shape{3}, []float64{v, 1, 0})); err != nil {
			t.Fatal(err)
		}
		if err := m.RunAll(); err != nil {
			t.Fatal(err)
		}
		m.Reset()
		wantValues(t, "square", toFloats(square.Value()), v*v, 1, 0)
		wantValues(t, "end", toFloats(end.Value()), 4*(v*v+1))
		wantValues(t, "read", toFloats(read), v, 1, 0)
	}
}

func TestMachineErrors(t *testing.T) {
	dt := tensor.Float64
	g := G.NewGraph()
	m := mlp(g, dt, 5)
	if _, err := NewMachine(G.NewGraph(), MachineConfig{}); !errors.Is(err, ErrDtype) {
		t.Errorf("a graph without variables: %v", err)
	}
	if _, err := NewMachine(g, MachineConfig{Learnables: m.learnables}); err == nil {
		t.Error("learnables without gradients: no error")
	}
	if _, err := NewMachine(G.NewGraph(), MachineConfig{Learnables: m.learnables}); !errors.Is(err, ErrOtherGraph) {
		t.Errorf("learnables of another graph: %v", err)
	}
	if _, err := NewMachine(g, MachineConfig{Batch: -1}); err == nil {
		t.Error("a batch of -1: no error")
	}
	vm, err := NewMachine(g, MachineConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var unbound *UnboundValuesError
	if err := vm.RunAll(); !errors.As(err, &unbound) || len(unbound.Names) != 2 {
		t.Errorf("inputs without values: %v", err)
	}
	dropped := G.Must(G.Dropout(m.loss, 0.5))
	var refused *RefusedError
	if _, err := NewMachine(g, MachineConfig{Values: G.Nodes{dropped}}); !errors.As(err, &refused) {
		t.Errorf("dropout: %v", err)
	}
}

func TestMachineAllocatesNothing(t *testing.T) {
	for _, dt := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		g := G.NewGraph()
		m := mlp(g, dt, 300)
		if _, err := G.Grad(m.loss, m.learnables...); err != nil {
			t.Fatal(err)
		}
		for _, n := range m.inputs {
			if err := G.Let(n, toValue(dt, n.Shape(), make([]float64, n.Shape().TotalSize()))); err != nil {
				t.Fatal(err)
			}
		}
		vm, err := NewMachine(g, MachineConfig{Learnables: m.learnables})
		if err != nil {
			t.Fatal(err)
		}
		run := func() {
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
		}
		run()
		if n := gradtest.Allocs(20, run); n != 0 {
			t.Errorf("%v: %v allocations a run", dt, n)
		}
		vm.Close()
	}
}

// BenchmarkMachine is one step's loss and gradients, beside the same on a TapeMachine.
func BenchmarkMachine(b *testing.B) {
	for _, batch := range []int{1, 64, 1024} {
		for _, tape := range []bool{false, true} {
			g := G.NewGraph()
			m := mlp(g, tensor.Float32, batch)
			if _, err := G.Grad(m.loss, m.learnables...); err != nil {
				b.Fatal(err)
			}
			for _, n := range m.inputs {
				if err := G.Let(n, toValue(tensor.Float32, n.Shape(), make([]float64, n.Shape().TotalSize()))); err != nil {
					b.Fatal(err)
				}
			}
			name := "Machine"
			var vm G.VM
			var err error
			if tape {
				name, vm = "TapeMachine", G.NewTapeMachine(g, G.BindDualValues(m.learnables...))
			} else if vm, err = NewMachine(g, MachineConfig{Learnables: m.learnables}); err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("batch=%d/%s", batch, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := vm.RunAll(); err != nil {
						b.Fatal(err)
					}
					vm.Reset()
				}
			})
			vm.Close()
		}
	}
}

// TestMachineAddsGradients over runs until they are cleared, and gives the same bits for any
// number of workers.
func TestMachineAddsGradients(t *testing.T) {
	dt := tensor.Float64
	var want []float64
	for _, workers := range []int{1, 2} {
		g := G.NewGraph()
		m := mlp(g, dt, 300)
		if _, err := G.Grad(m.loss, m.learnables...); err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		for _, n := range m.inputs {
			x := make([]float64, n.Shape().TotalSize())
			for i := range x {
				x[i] = r.NormFloat64()
			}
			if err := G.Let(n, toValue(dt, n.Shape(), x)); err != nil {
				t.Fatal(err)
			}
		}
		vm, err := NewMachine(g, MachineConfig{Learnables: m.learnables, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if run := vm.run.(*machine[float64]).stages[0].run; run.rows == nil || len(run.rows.workers) != workers {
			t.Errorf("the model is not run by blocks of rows on %d workers", workers)
		}
		var runs [2][]float64
		for k := range runs {
			if err := vm.RunAll(); err != nil {
				t.Fatal(err)
			}
			for _, n := range m.learnables {
				d, err := n.Grad()
				if err != nil {
					t.Fatal(err)
				}
				runs[k] = append(runs[k], toFloats(d)...)
			}
		}
		for i, first := range runs[0] {
			if math.Abs(runs[1][i]-2*first) > 1e-13 {
				t.Fatalf("gradient %d is %v after one run and %v after two", i, first, runs[1][i])
			}
		}
		if want == nil {
			want = runs[0]
		}
		equalSlices(t, "gradients", [][]float64{runs[0]}, want)
		vm.Close()
	}
}
