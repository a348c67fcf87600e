package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/train"
	"gonum.org/v1/gonum/diff/fd"
)

func TestQuick(t *testing.T) {
	m := apptest.Run(t, program, []string{"loss.png"}, "-quick")
	// Guessing is right once in ten times.
	if m["accuracy"] < 0.5 || m["steps"] != 240 {
		t.Errorf("metrics %v", m)
	}
}

func TestCrossEntropy(t *testing.T) {
	tr := images(1, rand.New(rand.NewPCG(1, 2)))[0]
	s := train.Saved[float32]{Times: tr.Times, Dim: 64, Pred: make([]float32, 128), Target: tr.States, Grad: make([]float32, 128)}
	if loss := crossEntropy(s); math.Abs(loss-math.Log(10)) > 1e-6 {
		t.Errorf("loss %v of equal classes, want log 10", loss)
	}
	x := make([]float64, 10)
	for i := range x {
		x[i] = float64(i%4) / 2
		s.Pred[64+i] = float32(x[i])
	}
	crossEntropy(s)
	want := fd.Gradient(nil, func(x []float64) float64 {
		c := s
		c.Grad, c.Pred = nil, make([]float32, 128)
		for i, v := range x {
			c.Pred[64+i] = float32(v)
		}
		return crossEntropy(c)
	}, x, &fd.Settings{Formula: fd.Central, Step: 1.0 / 256}) // exact in float32
	for i, w := range want {
		if math.Abs(float64(s.Grad[64+i])-w) > 1e-5 {
			t.Errorf("gradient %v, want %v", s.Grad[64:74], want)
		}
	}
}
