package odelayer_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

var (
	_ graph.Layer  = (*odelayer.Layer)(nil)
	_ layers.Layer = (*odelayer.Layer)(nil)
)

// trainer is a model on one machine: an ODE block, which gives all times or the last
// state, and a Linear behind it.
type trainer struct {
	learnables G.Nodes
	step       func() (loss float64, err error)
}

func newTrainer(t *testing.T, machine string, dt tensor.Dtype, final bool) trainer {
	const batch = 6
	g := G.NewGraph()
	ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: batch, Times: times, Final: final, Dtype: dt, Solve: odeint.Options{RTol: 1e-4, ATol: 1e-4}})
	x := input(g, "x", dt, 0, batch, 2)
	linear := place(t, layers.Linear{In: 2, Out: 2}, g, "linear", dt)
	y := must(t)(linear.Fwd(must(t)(ode.Fwd(x))))
	target := input(g, "target", dt, 2, y.Shape()...)
	loss := meanSquare(t, must(t)(G.Sub(y, target)))
	tr := trainer{learnables: append(ode.Learnables(), linear.Learnables()...)}
	solver := G.NewAdamSolver(G.WithLearnRate(0.02))
	update := func() error { return solver.Step(G.NodesToValueGrads(tr.learnables)) }

	if machine == "lisp" {
		tr.step = func() (float64, error) {
			vm := G.NewLispMachine(g)
			defer vm.Close()
			if err := vm.RunAll(); err != nil {
				return 0, err
			}
			return floats(loss.Value())[0], update()
		}
		return tr
	}
	if _, err := G.Grad(loss, tr.learnables...); err != nil {
		t.Fatal(err)
	}
	vm := G.NewTapeMachine(g, G.BindDualValues(tr.learnables...))
	t.Cleanup(func() { vm.Close() })
	tr.step = func() (float64, error) {
		defer vm.Reset()
		if err := vm.RunAll(); err != nil {
			return 0, err
		}
		return floats(loss.Value())[0], update()
	}
	return tr
}

// Both machines train the same model with Gorgonia's Adam to the same losses. They sum
// in the same order but add gradients differently, hence round-off.
func TestTrainsAlikeOnBothMachines(t *testing.T) {
	for _, test := range []struct {
		dt    tensor.Dtype
		final bool
		tol   float64
	}{{tensor.Float64, true, 1e-12}, {tensor.Float64, false, 1e-12}, {tensor.Float32, true, 1e-4}, {tensor.Float32, false, 1e-4}} {
		t.Run(fmt.Sprint(test.dt, " final=", test.final), func(t *testing.T) {
			tape, lisp := newTrainer(t, "tape", test.dt, test.final), newTrainer(t, "lisp", test.dt, test.final)
			var first, last float64
			for i := range 200 {
				a, err := tape.step()
				if err != nil {
					t.Fatal(err)
				}
				b, err := lisp.step()
				if err != nil {
					t.Fatal(err)
				}
				if math.Abs(a-b) > test.tol*math.Abs(a) {
					t.Fatalf("step %d: loss %v on the TapeMachine, %v on the LispMachine", i, a, b)
				}
				if i == 0 {
					first = a
				}
				last = a
			}
			if last > first/3 {
				t.Errorf("the loss went from %v to %v; it should have fallen by more than a factor of 3", first, last)
			}
		})
	}
}

func TestModelGradientAgainstCentralDifferences(t *testing.T) {
	for _, method := range methods {
		for _, final := range []bool{false, true} {
			t.Run(fmt.Sprint(method, " final=", final), func(t *testing.T) {
				const batch = 3
				g := G.NewGraph()
				x := input(g, "x", tensor.Float64, 0, batch, 4)
				enc := place(t, layers.Linear{In: 4, Out: 2}, g, "enc", tensor.Float64)
				ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: batch, Times: times, Final: final, Solve: fixed, Adjoint: method})
				dec := place(t, layers.MLP{In: 2, Hidden: []int{3}, Out: 1}, g, "dec", tensor.Float64)
				u := must(t)(ode.Fwd(must(t)(enc.Fwd(x))))
				want := tensor.Shape{len(times), batch, 2}
				if final {
					want = want[1:]
				}
				if !u.Shape().Eq(want) {
					t.Fatalf("shape %v, want %v", u.Shape(), want)
				}
				loss := meanSquare(t, must(t)(dec.Fwd(u)))
				nodes := append(append(append(G.Nodes{x}, enc.Learnables()...), ode.Learnables()...), dec.Learnables()...)
				// The continuous adjoints have the error of a fifth-order method at
				// h = 0.03 and of its fourth-order interpolant.
				checkGradient(t, g, loss, 1e-6, nodes...)
			})
		}
	}
}

// direct solves and differentiates by package adjoint alone.
func direct[T graph.Float](t *testing.T, cfg odelayer.Config, y0, dys []T) (*odeint.Solution[T], adjoint.Gradient[T]) {
	field, err := graph.NewField[T](net, cfg.Batch, graph.FieldConfig{Name: "ode", Rand: cfg.Rand})
	if err != nil {
		t.Fatal(err)
	}
	s, err := adjoint.New[T](field, cfg.Solve, cfg.Adjoint)
	if err != nil {
		t.Fatal(err)
	}
	sol, err := s.Forward(context.Background(), cfg.Times, y0)
	if err != nil {
		t.Fatal(err)
	}
	var grad adjoint.Gradient[T]
	if err := s.Backward(context.Background(), &grad, dys); err != nil {
		t.Fatal(err)
	}
	return sol, grad
}

func testBitForBit[T graph.Float](t *testing.T, dt tensor.Dtype, method adjoint.Method, backwards bool) {
	const batch = 2
	cfg := odelayer.Config{Batch: batch, Times: times, Dtype: dt, Solve: odeint.Options{RTol: 1e-3, ATol: 1e-3}, Adjoint: method}
	if backwards {
		cfg.Times = []float64{1, 0.7, 0.2, -0.5}
	}
	g := G.NewGraph()
	u0 := input(g, "u0", dt, 1, batch, 2)
	weight := input(g, "weight", dt, 3, len(times), batch, 2)
	cfg.Rand = rand.New(rand.NewPCG(8, 9))
	ode := newLayer(t, g, "ode", net, cfg)
	u := must(t)(ode.Fwd(u0))
	loss := must(t)(G.Sum(must(t)(G.HadamardProd(u, weight)))) // its cotangent is weight
	grads, err := G.Grad(loss, append(G.Nodes{u0}, ode.Learnables()...)...)
	if err != nil {
		t.Fatal(err)
	}
	got := run(t, g, append(G.Nodes{u}, grads...)...)

	cfg.Rand = rand.New(rand.NewPCG(8, 9))
	sol, want := direct(t, cfg, u0.Value().Data().([]T), weight.Value().Data().([]T))
	same := func(what string, got []float64, want []T) {
		if len(got) != len(want) {
			t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
		}
		for i := range want {
			if got[i] != float64(want[i]) {
				t.Errorf("%s[%d] is %v, package adjoint has %v", what, i, got[i], want[i])
			}
		}
	}
	same("u", got[0], sol.Y)
	same("gradient of u0", got[1], want.Y0)
	offset := 0
	for i, n := range ode.Learnables() {
		size := n.Shape().TotalSize()
		same("gradient of "+n.Name(), got[i+2], want.Theta[offset:offset+size])
		offset += size
	}
	fwd, bwd := ode.Stats()
	if fwd.NFE != sol.Stats.NFE || fwd.Accepted != sol.Stats.Accepted || fwd.Accepted < 2 || fwd.Bytes == 0 || bwd.VJPs == 0 {
		t.Errorf("Stats are %+v and %+v, those of the solve %+v", fwd, bwd, sol.Stats)
	}
}

func TestGradientIsAdjointsBitForBit(t *testing.T) {
	for _, method := range methods[1:] {
		for _, backwards := range []bool{false, true} {
			t.Run(fmt.Sprint(method, " backwards=", backwards), func(t *testing.T) {
				testBitForBit[float64](t, tensor.Float64, method, backwards)
				testBitForBit[float32](t, tensor.Float32, method, backwards)
			})
		}
	}
}

// y' = t·y·(A, A) with learnable A: y(t) = y₀ exp(A t²/2), so that time, the sign of
// everything and the parameter's gradient have closed forms.
func TestClosedFormWithTime(t *testing.T) {
	const a = 0.6
	m := layers.Custom{
		State:  []int{1},
		Params: []layers.Param{{Name: "A", Shape: []int{1, 1}, Init: layers.Constant(a)}},
		ForwardAt: func(tm, y *G.Node, in layers.Parts) (*G.Node, error) {
			ty, err := G.HadamardProd(tm, y)
			if err != nil {
				return nil, err
			}
			return G.Mul(ty, in.Params[0])
		},
	}
	for _, times := range [][]float64{{0, 1, 2}, {2, 1, 0, -1}, {1}} {
		for _, final := range []bool{false, true} {
			g := G.NewGraph()
			u0 := input(g, "u0", tensor.Float64, 1, 2, 1)
			ode := newLayer(t, g, "ode", m, odelayer.Config{Batch: 2, Times: times, Final: final, Solve: odeint.Options{RTol: 1e-10, ATol: 1e-10}})
			u := must(t)(ode.Fwd(u0))
			loss := must(t)(G.Sum(u))
			grads, err := G.Grad(loss, append(G.Nodes{u0}, ode.Learnables()...)...)
			if err != nil {
				t.Fatal(err)
			}
			got := run(t, g, u, grads[0], grads[1])
			start := floats(u0.Value())
			var want []float64
			var dStart, dA float64
			for i, tm := range times {
				if final && i < len(times)-1 {
					continue
				}
				half := (tm*tm - times[0]*times[0]) / 2
				for _, y := range start {
					want = append(want, y*math.Exp(a*half))
					dA += y * half * math.Exp(a*half)
				}
				dStart += math.Exp(a * half)
			}
			for i := range want {
				if math.Abs(got[0][i]-want[i]) > 1e-8 {
					t.Errorf("times %v: u[%d] is %v, want %v", times, i, got[0][i], want[i])
				}
			}
			if math.Abs(got[1][0]-dStart) > 1e-7 || math.Abs(got[1][1]-dStart) > 1e-7 || math.Abs(got[2][0]-dA) > 1e-7 {
				t.Errorf("times %v: gradients %v and %v, want %v and %v", times, got[1], got[2], dStart, dA)
			}
		}
	}
}

// States may have several axes, and inputs may be views.
func TestStatesOfSeveralAxesAndViews(t *testing.T) {
	g := G.NewGraph()
	wide := input(g, "wide", tensor.Float64, 0, 3, 5, 4) // (batch, 5, 4); the layer gets columns 1 and 2
	u0 := must(t)(G.Slice(wide, nil, nil, G.S(1, 3)))
	ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: 3, Shape: []int{5, 2}, Times: times, Solve: fixed})
	u := must(t)(ode.Fwd(u0))
	if !u.Shape().Eq(tensor.Shape{len(times), 3, 5, 2}) {
		t.Fatalf("shape %v", u.Shape())
	}
	flat := input(g, "flat", tensor.Float64, 0, 15, 2)
	for i := range 15 {
		copy(flat.Value().Data().([]float64)[2*i:2*i+2], wide.Value().Data().([]float64)[4*i+1:4*i+3])
	}
	reference := newLayer(t, g, "reference", net, odelayer.Config{Batch: 15, Times: times, Solve: fixed})
	v := must(t)(reference.Fwd(flat))
	got := run(t, g, u, v)
	for i := range got[0] {
		if math.Abs(got[0][i]-got[1][i]) > 1e-14 {
			t.Fatalf("element %d of the view's solution is %v, want %v", i, got[0][i], got[1][i])
		}
	}
	checkGradient(t, g, meanSquare(t, u), 1e-6, ode.Learnables()...)
}

// The result is a row of its own: writing into it, as machines do, changes nothing.
func TestRunsRepeat(t *testing.T) {
	g := G.NewGraph()
	u0 := input(g, "u0", tensor.Float64, 0, 2, 2)
	ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: 2, Times: times})
	u := must(t)(ode.Fwd(u0))
	loss := must(t)(G.Sum(must(t)(G.Add(must(t)(G.HadamardProd(u, u)), u))))
	if _, err := G.Grad(loss, ode.Learnables()...); err != nil {
		t.Fatal(err)
	}
	vm := G.NewTapeMachine(g, G.BindDualValues(ode.Learnables()...))
	defer vm.Close()
	before := floats(u0.Value())
	var first float64
	for i := range 4 {
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		if got := floats(loss.Value())[0]; i == 0 {
			first = got
		} else if got != first {
			t.Errorf("run %d has loss %v, the first %v", i, got, first)
		}
		vm.Reset()
	}
	for i, v := range floats(u0.Value()) {
		if v != before[i] {
			t.Errorf("u0[%d] became %v", i, v)
		}
	}
}
