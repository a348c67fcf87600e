package main

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/train"
)

func TestQuick(t *testing.T) {
	for _, network := range []string{"ode", "resnet"} {
		m := apptest.Run(t, run, []string{"curves.png", "confusion.png"}, "-quick", "-network", network)
		// 470 images in steps of 16. Guessing is wrong nine times in ten.
		if !(m["test_error"] < 0.6) || m["steps"] != 12*29 {
			t.Errorf("%s: metrics %v", network, m)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-channels", "0"}, {"-channels", "70"}, {"-network", "mlp"}, {"-rate", "0"}, {"-tolerance", "-1"}} {
		apptest.Refuse(t, run, args...)
	}
}

// TestGradient compares the gradient of the loss with its change along it, for the ODE with
// fixed and with adaptive steps, and for the residual network.
func TestGradient(t *testing.T) {
	for _, a := range []architecture{
		{channels: 4, solve: odeint.Options{Method: odeint.RK4, Steps: 1}},
		{channels: 8, solve: odeint.Options{Method: odeint.Dopri5, RTol: 1e-3, ATol: 1e-3}},
		{channels: 4, residual: true},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		n, err := newNetwork(a, 3, true, r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n.imageData {
			n.imageData[i] = r.Float32()
		}
		for row := range 3 {
			n.targetData[row*classes+row] = classes
		}
		x := n.store(nil)
		grad, unused := make([]float64, len(x)), make([]float64, len(x))
		loss := func(x, grad []float64) float64 {
			n.load(x)
			if err := n.machine.RunAll(); err != nil {
				t.Fatal(err)
			}
			if err := n.gradient(grad); err != nil {
				t.Fatal(err)
			}
			return float64(n.loss.Value().Data().(float32))
		}
		loss(x, grad)
		norm := 0.0
		for _, g := range grad {
			norm += g * g
		}
		at := func(h float64) float64 {
			y := make([]float64, len(x))
			for i := range y {
				y[i] = x[i] + h*grad[i]/math.Sqrt(norm)
			}
			return loss(y, unused)
		}
		const h = 1e-3
		// 3 %: kinks of the rectifiers within h, and rounding of the loss, 1e-7, over h.
		if got, want := (at(h)-at(-h))/(2*h), math.Sqrt(norm); math.Abs(got-want) > 0.03*want {
			t.Errorf("%+v: slope %v along the gradient, want its norm %v", a, got, want)
		}
		n.machine.Close()
	}
}

// BenchmarkStep is a training step of the full setting, 64 channels, with Adam: beside peers/torch_mnist.py.
func BenchmarkStep(b *testing.B) {
	for _, residual := range []bool{false, true} {
		b.Run(map[bool]string{false: "ode", true: "resnet"}[residual], func(b *testing.B) {
			a := architecture{channels: 64, residual: residual, solve: odeint.Options{Method: odeint.RK4, Steps: 2}}
			n, err := newNetwork(a, 50, true, rand.New(rand.NewPCG(1, 0)))
			if err != nil {
				b.Fatal(err)
			}
			defer n.machine.Close()
			r := rand.New(rand.NewPCG(2, 0))
			for i := range n.imageData {
				n.imageData[i] = float32(r.NormFloat64())
			}
			for row := range 50 {
				n.targetData[row*classes+row%classes] = classes
			}
			loss := func(_ context.Context, grad, x []float64) (float64, error) {
				n.load(x)
				if err := n.machine.RunAll(); err != nil {
					return 0, err
				}
				return float64(n.loss.Value().Data().(float32)), n.gradient(grad)
			}
			theta := n.store(nil)
			b.ResetTimer()
			_, err = train.Minimize(b.Context(), nil, theta, train.MinimizeOptions{
				Steps: b.N, Varying: func(int) train.Objective { return loss }, Optimizer: train.Adam{}, Schedule: train.Cosine(1e-3, 0, b.N),
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
