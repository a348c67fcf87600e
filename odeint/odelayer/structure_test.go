package odelayer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

// halves has a separable network energy of two pairs, with learned masses; the energy
// of whole is not separable.
var (
	halves = hnn.Field{H: hnn.Separable{
		T: hnn.Kinetic{Masses: []float64{1.3, 0.7}, Learn: true},
		V: layers.MLP{In: 2, Hidden: []int{5}, Out: 1},
	}}
	whole = hnn.Field{H: layers.MLP{In: 4, Hidden: []int{5}, Out: 1}}
)

// structured are fields with methods that keep their structure.
var structured = []struct {
	field  hnn.Field
	method odeint.Method
}{
	{halves, odeint.VelocityVerlet},
	{halves, odeint.Yoshida4},
	{halves, odeint.GaussLegendre4},
	{halves, &odeint.Tao{Omega: 10}},
	{halves, nil},
	{whole, &odeint.Tao{Omega: 10}},
	{whole, odeint.GaussLegendre4},
}

func structuredConfig(dt tensor.Dtype, m odeint.Method) odelayer.Config {
	opt := odeint.Options{Method: m, H0: 0.06}
	if m == nil {
		opt = fixed
	}
	return odelayer.Config{Batch: 3, Times: times, Dtype: dt, Solve: opt, Rand: rand.New(rand.NewPCG(8, 9))}
}

// compiled is the field that hnn's own functions make.
func compiled[T graph.Float](t *testing.T, f hnn.Field, batch int) odeint.Differentiable[T] {
	t.Helper()
	cfg := graph.FieldConfig{Name: "ode", Rand: rand.New(rand.NewPCG(8, 9))}
	if s, ok := f.H.(hnn.Separable); ok {
		field, err := hnn.NewSeparable[T](s, batch, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return field
	}
	field, err := graph.NewField[T](f, batch, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return field
}

// The layer's states and gradients are those of package adjoint with the field that knows
// its pairs and halves, and its parameters those of the module placed as a layer.
func TestStructuredGradientIsAdjointsBitForBit(t *testing.T) {
	for _, test := range structured {
		t.Run(fmt.Sprintf("%T %v", test.field.H, test.method), func(t *testing.T) {
			testStructured[float64](t, tensor.Float64, test.field, test.method)
			testStructured[float32](t, tensor.Float32, test.field, test.method)
		})
	}
}

func testStructured[T graph.Float](t *testing.T, dt tensor.Dtype, field hnn.Field, method odeint.Method) {
	cfg := structuredConfig(dt, method)
	g := G.NewGraph()
	u0 := input(g, "u0", dt, 1, cfg.Batch, 4)
	weight := input(g, "weight", dt, 3, len(times), cfg.Batch, 4)
	ode := newLayer(t, g, "ode", field, cfg)
	u := must(t)(ode.Fwd(u0))
	loss := must(t)(G.Sum(must(t)(G.HadamardProd(u, weight)))) // its cotangent is weight
	grads, err := G.Grad(loss, append(G.Nodes{u0}, ode.Learnables()...)...)
	if err != nil {
		t.Fatal(err)
	}
	got := run(t, g, append(G.Nodes{u}, grads...)...)

	solver, err := adjoint.New(compiled[T](t, field, cfg.Batch), cfg.Solve, nil)
	if err != nil {
		t.Fatal(err)
	}
	sol, err := solver.Forward(context.Background(), times, u0.Value().Data().([]T))
	if err != nil {
		t.Fatal(err)
	}
	var want adjoint.Gradient[T]
	if err := solver.Backward(context.Background(), &want, weight.Value().Data().([]T)); err != nil {
		t.Fatal(err)
	}
	same := func(what string, got []float64, want []T) {
		t.Helper()
		for i := range want {
			if len(got) != len(want) || got[i] != float64(want[i]) {
				t.Fatalf("%s of %v is %v, package adjoint has %v", what, dt, got, want)
			}
		}
	}
	same("u", got[0], sol.Y)
	same("gradient of u0", got[1], want.Y0)
	theta := want.Theta
	for i, n := range ode.Learnables() {
		size := n.Shape().TotalSize()
		same("gradient of "+n.Name(), got[i+2], theta[:size])
		theta = theta[size:]
	}

	placed, err := field.Place(G.NewGraph(), "ode", dt, rand.New(rand.NewPCG(8, 9)))
	if err != nil {
		t.Fatal(err)
	}
	if len(theta) != 0 || len(placed.Learnables()) != len(ode.Learnables()) {
		t.Fatalf("parameters %v, placed %v", ode.Learnables(), placed.Learnables())
	}
	for i, n := range placed.Learnables() {
		m := ode.Learnables()[i]
		if n.Name() != m.Name() || !n.Shape().Eq(m.Shape()) || fmt.Sprint(floats(n.Value())) != fmt.Sprint(floats(m.Value())) {
			t.Errorf("parameter %d is %v, placed %v", i, m, n)
		}
	}
}

// The rows of a batch are solved as each alone: the method knows the pairs.
func TestStructuredRowsAreIndependent(t *testing.T) {
	for _, test := range structured {
		g := G.NewGraph()
		cfg := structuredConfig(tensor.Float64, test.method)
		u0 := input(g, "u0", tensor.Float64, 1, cfg.Batch, 4)
		u := must(t)(newLayer(t, g, "all", test.field, cfg).Fwd(u0))
		nodes := G.Nodes{u}
		for row := range cfg.Batch {
			one := structuredConfig(tensor.Float64, test.method)
			one.Batch = 1
			start := G.NewMatrix(g, tensor.Float64, G.WithShape(1, 4), G.WithName(fmt.Sprint("start ", row)),
				G.WithValue(dense(tensor.Float64, floats(u0.Value())[4*row:4*row+4], 1, 4)))
			nodes = append(nodes, must(t)(newLayer(t, g, fmt.Sprint("row ", row), test.field, one).Fwd(start)))
		}
		got := run(t, g, nodes...)
		for i, v := range got[0] {
			row, alone := i/4%cfg.Batch, i/(4*cfg.Batch)*4+i%4
			// Implicit stages are solved to a tolerance of about 1e-14.
			if want := got[1+row][alone]; !(math.Abs(v-want) <= 1e-12) {
				t.Errorf("%T %v: element %d is %v, of its row alone %v", test.field.H, test.method, i, v, want)
			}
		}
	}
}

func TestStructuredGradientAgainstCentralDifferences(t *testing.T) {
	for _, test := range structured {
		t.Run(fmt.Sprintf("%T %v", test.field.H, test.method), func(t *testing.T) {
			cfg := structuredConfig(tensor.Float64, test.method)
			g := G.NewGraph()
			x := input(g, "x", tensor.Float64, 0, cfg.Batch, 2)
			enc := place(t, layers.Linear{In: 2, Out: 4}, g, "enc", tensor.Float64)
			ode := newLayer(t, g, "ode", test.field, cfg)
			dec := place(t, layers.Linear{In: 4, Out: 1}, g, "dec", tensor.Float64)
			u := must(t)(ode.Fwd(must(t)(enc.Fwd(x))))
			loss := meanSquare(t, must(t)(dec.Fwd(u)))
			nodes := append(append(G.Nodes{x}, enc.Learnables()...), dec.Learnables()...)
			for _, n := range ode.Learnables() {
				// The last bias is a constant of the energy, which no motion depends on.
				if !strings.HasSuffix(n.Name(), "/b1") {
					nodes = append(nodes, n)
				}
			}
			checkGradient(t, g, loss, 1e-6, nodes...)
		})
	}
}

// A Gorgonia model with a separable energy learns oscillations through symplectic steps.
func TestStructuredTraining(t *testing.T) {
	for _, dt := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		for _, test := range structured {
			cfg := structuredConfig(dt, test.method)
			g := G.NewGraph()
			u0 := input(g, "u0", dt, 1, cfg.Batch, 4)
			ode := newLayer(t, g, "ode", test.field, cfg)
			u := must(t)(ode.Fwd(u0))
			start := floats(u0.Value())
			var truth []float64 // q'' = −4q
			for _, tm := range times {
				sin, cos := math.Sincos(2 * tm)
				for row := range cfg.Batch {
					q, p := start[4*row:4*row+2], start[4*row+2:4*row+4]
					truth = append(truth, q[0]*cos+p[0]*sin/2, q[1]*cos+p[1]*sin/2, p[0]*cos-2*q[0]*sin, p[1]*cos-2*q[1]*sin)
				}
			}
			target := G.NewTensor(g, dt, 3, G.WithShape(u.Shape()...), G.WithName("target"), G.WithValue(dense(dt, truth, u.Shape()...)))
			loss := meanSquare(t, must(t)(G.Sub(u, target)))
			if _, err := G.Grad(loss, ode.Learnables()...); err != nil {
				t.Fatal(err)
			}
			vm := G.NewTapeMachine(g, G.BindDualValues(ode.Learnables()...))
			adam := G.NewAdamSolver(G.WithLearnRate(0.05))
			var first, last float64
			for i := range 60 {
				if err := vm.RunAll(); err != nil {
					t.Fatal(err)
				}
				if last = floats(loss.Value())[0]; i == 0 {
					first = last
				}
				if err := adam.Step(G.NodesToValueGrads(ode.Learnables())); err != nil {
					t.Fatal(err)
				}
				vm.Reset()
			}
			vm.Close()
			if !(last < first/5) {
				t.Errorf("%v %T %v: the loss went from %v to %v; it should have fallen by more than a factor of 5", dt, test.field.H, test.method, first, last)
			}
		}
	}
}

// A splitting needs a separable energy with nothing added.
func TestSplittingOfWhatIsNotSeparable(t *testing.T) {
	driven := halves
	driven.Damping = &hnn.Damping{}
	for _, m := range []graph.Module{layers.MLP{In: 4, Hidden: []int{5}, Out: 4}, whole, driven} {
		_, err := odelayer.New(G.NewGraph(), "ode", m, structuredConfig(tensor.Float64, odeint.Yoshida4))
		if err == nil || !strings.HasPrefix(err.Error(), "odelayer: ode: odeint: ") || !strings.Contains(err.Error(), "Separable") {
			t.Errorf("%T: error %v", m, err)
		}
		if !errors.As(err, new(*odeint.OptionError)) {
			t.Errorf("%T: the error is no *odeint.OptionError", m)
		}
	}
	var faults *hnn.ConfigError
	if _, err := odelayer.New(G.NewGraph(), "ode", hnn.Field{H: hnn.Separable{}}, odelayer.Config{Batch: 1, Times: times, Shape: []int{2}}); !errors.As(err, &faults) {
		t.Errorf("an energy without V: error %v", err)
	}
}
