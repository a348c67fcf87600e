package odelayer_test

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

// One layer applied twice, the second time to its own result: the parameters' gradients
// add up.
func TestAppliedTwice(t *testing.T) {
	for _, method := range methods {
		g := G.NewGraph()
		u0 := input(g, "u0", tensor.Float64, 0, 3, 2)
		ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: 3, Times: times, Final: true, Solve: fixed, Adjoint: method})
		u := must(t)(ode.Fwd(must(t)(ode.Fwd(u0))))
		checkGradient(t, g, meanSquare(t, u), 1e-6, append(G.Nodes{u0}, ode.Learnables()...)...)
	}
}

// Two layers with different solves on the parameters of the first.
func TestSharedParameters(t *testing.T) {
	for _, method := range methods {
		g := G.NewGraph()
		u0 := input(g, "u0", tensor.Float64, 0, 3, 2)
		first := newLayer(t, g, "first", net, odelayer.Config{Batch: 3, Times: []float64{0, 0.5}, Final: true, Solve: fixed, Adjoint: method})
		second := newLayer(t, g, "second", net, odelayer.Config{Batch: 3, Times: times,
			Solve: odeint.Options{Method: odeint.RK4, H0: 0.02}, Adjoint: adjoint.Discrete{}})
		u := must(t)(second.FwdWith(must(t)(first.Fwd(u0)), first.Learnables()...))
		checkGradient(t, g, meanSquare(t, u), 1e-6, append(G.Nodes{u0}, first.Learnables()...)...)
	}
}

// Two layers with the same inputs and the same cotangent are two, all the same.
func TestEqualInputs(t *testing.T) {
	g := G.NewGraph()
	u0 := input(g, "u0", tensor.Float64, 0, 2, 2)
	a := newLayer(t, g, "a", net, odelayer.Config{Batch: 2, Times: []float64{0, 1}, Solve: fixed})
	b := newLayer(t, g, "b", net, odelayer.Config{Batch: 2, Times: []float64{0, 3}, Solve: fixed})
	sum := must(t)(G.Add(must(t)(a.Fwd(u0)), must(t)(b.FwdWith(u0, a.Learnables()...))))
	checkGradient(t, g, meanSquare(t, sum), 1e-6, append(G.Nodes{u0}, a.Learnables()...)...)
}

// Inputs of equal shapes, the state included, get gradients of their own.
func TestInputsOfEqualShapes(t *testing.T) {
	g := G.NewGraph()
	u0 := input(g, "u0", tensor.Float64, 0, 2, 2)
	square := layers.MLP{In: 2, Hidden: []int{2, 2}, Out: 2}
	ode := newLayer(t, g, "ode", square, odelayer.Config{Batch: 2, Times: times, Solve: fixed})
	checkGradient(t, g, meanSquare(t, must(t)(ode.Fwd(u0))), 1e-6, append(G.Nodes{u0}, ode.Learnables()...)...)
}

// Several layers with parameters of their own, in a row.
func TestSeveralLayers(t *testing.T) {
	g := G.NewGraph()
	u := input(g, "u0", tensor.Float64, 0, 3, 2)
	nodes := G.Nodes{u}
	for i, name := range []string{"a", "b", "c"} {
		ode := newLayer(t, g, name, net, odelayer.Config{Batch: 3, Times: []float64{0, 0.3}, Final: true, Solve: fixed, Adjoint: methods[1+i]})
		u = must(t)(ode.Fwd(u))
		nodes = append(nodes, ode.Learnables()...)
	}
	checkGradient(t, g, meanSquare(t, u), 1e-6, nodes...)
}

// A hypernetwork: another network computes the parameters of the dynamics.
func TestParametersFromOtherNodes(t *testing.T) {
	g := G.NewGraph()
	u0 := input(g, "u0", tensor.Float64, 0, 3, 2)
	code := input(g, "code", tensor.Float64, 5, 1, 3)
	linear := layers.Linear{In: 2, Out: 2}
	ode := newLayer(t, g, "ode", linear, odelayer.Config{Batch: 3, Times: times, Solve: fixed})
	hyper := place(t, layers.MLP{In: 3, Hidden: []int{4}, Out: 6}, g, "hyper", tensor.Float64)
	theta := must(t)(hyper.Fwd(code))
	w := must(t)(G.Reshape(must(t)(G.Slice(theta, nil, G.S(0, 4))), tensor.Shape{2, 2}))
	b := must(t)(G.Reshape(must(t)(G.Slice(theta, nil, G.S(4, 6))), tensor.Shape{1, 2}))
	u := must(t)(ode.FwdWith(u0, w, b))
	checkGradient(t, g, meanSquare(t, u), 1e-6, append(G.Nodes{u0, code}, hyper.Learnables()...)...)
}

// Two graphs with equal names have nothing to do with one another.
func TestEqualNamesOnTwoGraphs(t *testing.T) {
	losses := make([]float64, 2)
	for i, end := range []float64{1, 2} {
		g := G.NewGraph()
		u0 := input(g, "u0", tensor.Float64, 0, 1, 2)
		ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: 1, Times: []float64{0, end}})
		losses[i] = run(t, g, meanSquare(t, must(t)(ode.Fwd(u0))))[0][0]
	}
	if losses[0] == losses[1] {
		t.Error("solves to 1 and to 2 agree")
	}
}

// Machines that take turns on one graph, and forwards without gradients in between: each
// gradient is that of its own inputs.
func TestMachinesTakeTurns(t *testing.T) {
	g := G.NewGraph()
	u0 := input(g, "u0", tensor.Float64, 0, 2, 2)
	ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: 2, Times: times})
	u := must(t)(ode.Fwd(u0))
	op := u.Op()
	seed := input(g, "seed", tensor.Float64, 3, len(times), 2, 2)
	grads, err := op.(G.SDOp).SymDiff(append(G.Nodes{u0}, ode.Learnables()...), u, seed)
	if err != nil {
		t.Fatal(err)
	}
	gradient := grads[0].Op() // takes its part of the packed vector
	it := g.From(grads[0].ID())
	it.Next()
	packed := it.Node().(*G.Node).Op()

	const machines = 4
	inputs := make([][]G.Value, machines)
	for m := range inputs {
		inputs[m] = []G.Value{dense(tensor.Float64, sines(4, float64(m)), 2, 2)}
		for _, n := range ode.Learnables() {
			inputs[m] = append(inputs[m], n.Value())
		}
	}
	backward := func(m int) []float64 {
		p, err := packed.Do(append(inputs[m][:len(inputs[m]):len(inputs[m])], seed.Value())...)
		if err != nil {
			t.Fatal(err)
		}
		v, err := gradient.Do(p)
		if err != nil {
			t.Fatal(err)
		}
		return floats(v)
	}
	forward := func(m int) {
		if _, err := op.Do(inputs[m]...); err != nil {
			t.Fatal(err)
		}
	}
	want := make([][]float64, machines)
	for m := range machines {
		forward(m)
		want[m] = backward(m)
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 1, 2, 0}, {2, 2, 0, 1}} {
		for m := range machines {
			forward(m)
		}
		for _, m := range order {
			for i, v := range backward(m) {
				if v != want[m][i] {
					t.Errorf("gradient of machine %d is %v, alone it was %v", m, v, want[m][i])
				}
			}
		}
	}
}

// A LispMachine adds the gradients of all uses: two applications and a penalty on the
// parameters.
func TestLispMachineAddsGradients(t *testing.T) {
	build := func() (*G.ExprGraph, *G.Node, G.Nodes) {
		g := G.NewGraph()
		u0 := input(g, "u0", tensor.Float64, 0, 3, 2)
		ode := newLayer(t, g, "ode", net, odelayer.Config{Batch: 3, Times: times, Final: true})
		u := must(t)(ode.Fwd(must(t)(ode.Fwd(u0))))
		loss := must(t)(G.Add(meanSquare(t, u), meanSquare(t, ode.Learnables()[2])))
		return g, loss, append(G.Nodes{u0}, ode.Learnables()...)
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
	for i, n := range nodes {
		v, err := n.Grad()
		if err != nil {
			t.Fatal(err)
		}
		for j, got := range floats(v) {
			if math.Abs(got-want[i][j]) > 1e-14*(1+math.Abs(want[i][j])) {
				t.Errorf("gradient of %v[%d] is %v, on a TapeMachine %v", n, j, got, want[i][j])
			}
		}
	}
}

// The ops are ordinary ones to package graph's compiler too.
func TestCompiledWithTheLayer(t *testing.T) {
	g := G.NewGraph()
	u0 := input(g, "u0", tensor.Float64, 0, 3, 2)
	a := newLayer(t, g, "a", net, odelayer.Config{Batch: 3, Times: times})
	b := newLayer(t, g, "b", net, odelayer.Config{Batch: 3, Times: []float64{0, 2, 3, 4}})
	y := must(t)(G.Sub(must(t)(a.Fwd(u0)), must(t)(b.FwdWith(u0, a.Learnables()...))))
	loss := must(t)(G.Sum(must(t)(G.Square(y))))
	grads, err := graph.Grad(loss, append(G.Nodes{u0}, a.Learnables()...)...)
	if err != nil {
		t.Fatal(err)
	}
	outputs := append(G.Nodes{y}, grads...)
	in := append(G.Nodes{u0}, a.Learnables()...)
	program, err := graph.Compile[float64](in, outputs)
	if err != nil {
		t.Fatal(err)
	}
	want := run(t, g, outputs...)
	if d := want[0][len(want[0])-1]; math.Abs(d) < 1e-3 {
		t.Fatalf("solves to 1 and to 4 differ by %v only", d)
	}
	var src, dst [][]float64
	for _, n := range in {
		src = append(src, n.Value().Data().([]float64))
	}
	for _, w := range want {
		dst = append(dst, make([]float64, len(w)))
	}
	if err := program.NewInstance().Run(dst, src); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		for j, v := range want[i] {
			if math.Abs(dst[i][j]-v) > 1e-13*(1+math.Abs(v)) {
				t.Errorf("output %d[%d] is %v, on a TapeMachine %v", i, j, dst[i][j], v)
			}
		}
	}
}
