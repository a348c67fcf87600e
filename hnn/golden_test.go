package hnn_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

type array struct {
	Shape []int
	Data  []float64
}

// golden is a Hamiltonian network H(u) = tanh(u W1 + b1) W2 with results of
// another program: extrapolation of order 16 in 80-bit arithmetic, with the weights and
// the layout of PyTorch. Losses are means over times and batch of the squared norm of a row.
type golden struct {
	N, Batch    int
	W1, B1, W2  array
	U0          array
	Ts          []float64
	Target      array
	Trajectory  array
	Loss        float64
	GradU0      array `json:"grad_u0"`
	GradW1      array `json:"grad_W1"`
	GradB1      array `json:"grad_b1"`
	GradW2      array `json:"grad_W2"`
	Collocation struct {
		X, Dx, Field array
		Loss         float64
		GradW1       array `json:"grad_W1"`
		GradB1       array `json:"grad_b1"`
		GradW2       array `json:"grad_W2"`
	}
}

func goldens(t *testing.T) []golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []golden }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != 2 {
		t.Fatalf("%d cases, want 2", len(file.Cases))
	}
	return file.Cases
}

// field compiles the case's field with its weights.
func (c golden) field(t *testing.T) *graph.Field[float64] {
	t.Helper()
	net := layers.MLP{In: 2 * c.N, Hidden: []int{c.W1.Shape[1]}, Out: 1}
	f := newField[float64](t, hnn.Field{H: net}, c.Batch, 1)
	copy(c.part(t, f, f.Params(), "f/W0"), c.W1.Data)
	copy(c.part(t, f, f.Params(), "f/b0"), c.B1.Data)
	copy(c.part(t, f, f.Params(), "f/W1"), c.W2.Data)
	return f
}

// part cuts a learnable's numbers out of a flat θ.
func (c golden) part(t *testing.T, f *graph.Field[float64], theta []float64, name string) []float64 {
	t.Helper()
	for _, p := range f.Layout() {
		if p.Name == name {
			size := 1
			for _, n := range p.Shape {
				size *= n
			}
			return theta[p.Offset : p.Offset+size]
		}
	}
	t.Fatalf("no learnable %q in %v", name, f.Layout())
	return nil
}

func scaled(x []float64, c float64) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = c * x[i]
	}
	return y
}

// TestGolden compares the field, derivative matching, and training through the
// solver with the reference, which is right to 1e-15: what is seen is ten to a hundred
// tolerances of the solve.
func TestGolden(t *testing.T) {
	for i, c := range goldens(t) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			width := float64(2 * c.N)
			f := c.field(t)
			at := gradtest.NaNs[float64](f.Dim())
			f.Eval(at, 0, c.Collocation.X.Data)
			gradtest.Close(t, "field", at, c.Collocation.Field.Data, 1e-12)

			grad := make([]float64, f.NumParams())
			loss := hnn.NewMatching[float64](f, nil).Loss(grad, nil, c.Collocation.X.Data, c.Collocation.Dx.Data)
			gradtest.Close(t, "matching loss", []float64{width * loss}, []float64{c.Collocation.Loss}, 1e-12)
			gradtest.Close(t, "matching dW1", scaled(c.part(t, f, grad, "f/W0"), width), c.Collocation.GradW1.Data, 1e-10)
			gradtest.Close(t, "matching db1", scaled(c.part(t, f, grad, "f/b0"), width), c.Collocation.GradB1.Data, 1e-10)
			gradtest.Close(t, "matching dW2", scaled(c.part(t, f, grad, "f/W1"), width), c.Collocation.GradW2.Data, 1e-10)

			opt := odeint.Options{RTol: 1e-12, ATol: 1e-12, Stops: c.Ts[1:]}
			solver, err := adjoint.New[float64](f, opt, adjoint.Discrete{})
			if err != nil {
				t.Fatal(err)
			}
			sol, err := solver.Forward(context.Background(), c.Ts, c.U0.Data)
			if err != nil {
				t.Fatal(err)
			}
			gradtest.Close(t, "trajectory", sol.Y, c.Trajectory.Data, 1e-12)

			dys := gradtest.NaNs[float64](len(sol.Y))
			value := func() float64 {
				sol, err := solver.Forward(context.Background(), c.Ts, c.U0.Data)
				if err != nil {
					t.Fatal(err)
				}
				return width * hnn.TrajectoryLoss(dys, sol.Y, c.Target.Data)
			}
			gradtest.Close(t, "loss", []float64{value()}, []float64{c.Loss}, 1e-12)
			var back adjoint.Gradient[float64]
			if err := solver.Backward(context.Background(), &back, scaled(dys, width)); err != nil {
				t.Fatal(err)
			}
			got, want := append([]float64(nil), back.Y0...), append([]float64(nil), c.GradU0.Data...)
			for _, p := range []struct {
				name string
				want []float64
			}{{"f/W0", c.GradW1.Data}, {"f/b0", c.GradB1.Data}, {"f/W1", c.GradW2.Data}} {
				got = append(got, c.part(t, f, back.Theta, p.name)...)
				want = append(want, p.want...)
			}
			gradtest.Close(t, "gradients", got, want, 1e-11)
			theta := append([]float64(nil), back.Theta...)
			gradtest.Close(t, "gradients, against differences", theta, gradtest.Gradient(value, f.Params(), 1e-3), 1e-9)
		})
	}
}
