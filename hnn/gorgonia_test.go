package hnn_test

import (
	"context"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

func dtypeOf[T hnn.Float]() tensor.Dtype {
	if any(T(0)) == any(float32(0)) {
		return tensor.Float32
	}
	return tensor.Float64
}

// numbers returns a node's value as a slice.
func numbers[T hnn.Float](v G.Value) []T {
	switch d := v.Data().(type) {
	case []T:
		return d
	case T:
		return []T{d}
	}
	return nil
}

// gradients joins the gradients bound to nodes.
func gradients[T hnn.Float](t *testing.T, nodes G.Nodes) (all []T) {
	t.Helper()
	for _, n := range nodes {
		d, err := n.Grad()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, numbers[T](d)...)
	}
	return all
}

func bind[T hnn.Float](t *testing.T, n *G.Node, x []T) {
	t.Helper()
	v := tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(append([]T(nil), x...)))
	if err := G.Let(n, v); err != nil {
		t.Fatal(err)
	}
}

// TestLayer trains a network energy through the solver inside a Gorgonia model,
// and compares the first gradient with that of package adjoint.
func TestLayer(t *testing.T) {
	adaptive := odeint.Options{RTol: 1e-5, ATol: 1e-5}
	h := hnn.Field{H: pendulumNet()}
	t.Run("float64", func(t *testing.T) { trainLayer[float64](t, h, adaptive, 1e-12) })
	t.Run("float32", func(t *testing.T) { trainLayer[float32](t, h, adaptive, 1e-4) })
	// The pendulum's momentum is its velocity, so that a Lagrangian learns from the same data.
	l := hnn.Lagrangian{L: hnn.Sum{hnn.Harmonic{}.Lagrangian(), pendulumNet()}}
	t.Run("Lagrangian float64", func(t *testing.T) { trainLayer[float64](t, l, adaptive, 1e-12) })
	t.Run("Lagrangian float32", func(t *testing.T) { trainLayer[float32](t, l, adaptive, 2e-4) })
	t.Run("implicit midpoint", func(t *testing.T) {
		trainLayer[float64](t, h, odeint.Options{Method: odeint.ImplicitMidpoint, H0: .05}, 1e-12)
	})
}

func trainLayer[T hnn.Float](t *testing.T, m graph.Module, opt odeint.Options, tol float64) {
	const batch = 2
	times := []float64{0, .1, .2, .3, .4}
	a, b := swing(t, .4, times), swing(t, .8, times)
	var truth []T
	for i := range times {
		truth = append(append(truth, convert[T](a[2*i:2*i+2])...), convert[T](b[2*i:2*i+2])...)
	}
	dt := dtypeOf[T]()

	g := G.NewGraph()
	ode, err := odelayer.New(g, "f", m, odelayer.Config{Batch: batch, Times: times, Dtype: dt, Solve: opt, Rand: rng(4)})
	if err != nil {
		t.Fatal(err)
	}
	z0 := G.NewMatrix(g, dt, G.WithShape(batch, 2), G.WithName("z0"))
	target := G.NewTensor(g, dt, 3, G.WithShape(len(times), batch, 2), G.WithName("target"))
	z, err := ode.Fwd(z0)
	if err != nil {
		t.Fatal(err)
	}
	loss := G.Must(G.Mean(G.Must(G.Square(G.Must(G.Sub(z, target))))))
	if _, err := G.Grad(loss, ode.Learnables()...); err != nil {
		t.Fatal(err)
	}
	vm := G.NewTapeMachine(g, G.BindDualValues(ode.Learnables()...))
	defer vm.Close()
	bind(t, z0, truth[:4])
	bind(t, target, truth)
	adam := G.NewAdamSolver(G.WithLearnRate(.02))
	var first, last float64
	for i := range 300 {
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		last = float64(numbers[T](loss.Value())[0])
		if i == 0 {
			first = last
			f := newField[T](t, m, batch, 4)
			solver, err := adjoint.New[T](f, opt, adjoint.Discrete{})
			if err != nil {
				t.Fatal(err)
			}
			sol, err := solver.Forward(context.Background(), times, truth[:4])
			if err != nil {
				t.Fatal(err)
			}
			dys := make([]T, len(truth))
			gradtest.Close(t, "loss", []float64{first}, []float64{hnn.TrajectoryLoss(dys, sol.Y, truth)}, tol)
			var back adjoint.Gradient[T]
			if err := solver.Backward(context.Background(), &back, dys); err != nil {
				t.Fatal(err)
			}
			gradtest.Close(t, "gradient", gradients[T](t, ode.Learnables()), back.Theta, tol)
		}
		if err := adam.Step(G.NodesToValueGrads(ode.Learnables())); err != nil {
			t.Fatal(err)
		}
		vm.Reset()
	}
	t.Logf("loss %.3g → %.3g", first, last)
	if !(last < first/100) {
		t.Errorf("loss went from %v to %v only", first, last)
	}
}

// TestDerivativesInModel matches derivatives with the field placed directly on a
// graph: graph.Grad differentiates the loss, whose terms are gradients already,
// and Gorgonia's machine and solver do the rest.
func TestDerivativesInModel(t *testing.T) {
	t.Run("float64", func(t *testing.T) { trainOnGraph[float64](t, 1e-12) })
	t.Run("float32", func(t *testing.T) { trainOnGraph[float32](t, 1e-4) })
}

func trainOnGraph[T hnn.Float](t *testing.T, tol float64) {
	const n = 40
	r := rng(8)
	var z, dz []T
	for range n {
		q, p := 2*r.Float64()-1, 4*r.Float64()-2
		z, dz = append(z, T(q), T(p)), append(dz, T(p), T(-9.8*math.Sin(q)))
	}
	dt := dtypeOf[T]()
	g := G.NewGraph()
	l, err := hnn.Field{H: pendulumNet()}.Place(g, "f", dt, rng(4))
	if err != nil {
		t.Fatal(err)
	}
	x := G.NewMatrix(g, dt, G.WithShape(n, 2), G.WithName("z"))
	target := G.NewMatrix(g, dt, G.WithShape(n, 2), G.WithName("dz"))
	f, err := l.Fwd(x)
	if err != nil {
		t.Fatal(err)
	}
	loss := G.Must(G.Mean(G.Must(G.Square(G.Must(G.Sub(f, target))))))
	grads, err := graph.Grad(loss, l.Learnables()...)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range l.Learnables() {
		G.SetDerivOf(grads[i], w)
	}
	vm := G.NewTapeMachine(g, G.BindDualValues(l.Learnables()...))
	defer vm.Close()
	bind(t, x, z)
	bind(t, target, dz)
	adam := G.NewAdamSolver(G.WithLearnRate(.05))
	var first, last float64
	for i := range 200 {
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		last = float64(numbers[T](loss.Value())[0])
		if i == 0 {
			first = last
			field := newField[T](t, hnn.Field{H: pendulumNet()}, n, 4)
			want := make([]T, field.NumParams())
			l0 := hnn.NewMatching[T](field, nil).Loss(want, nil, z, dz)
			gradtest.Close(t, "loss", []float64{first}, []float64{l0}, tol)
			gradtest.Close(t, "gradient", gradients[T](t, l.Learnables()), want, tol)
		}
		if err := adam.Step(G.NodesToValueGrads(l.Learnables())); err != nil {
			t.Fatal(err)
		}
		vm.Reset()
	}
	t.Logf("loss %.3g → %.3g", first, last)
	if !(last < first/50) {
		t.Errorf("loss went from %v to %v only", first, last)
	}
}
