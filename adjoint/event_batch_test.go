package adjoint

import (
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// A batch of balls, each with bounces of its own: the gradients are those of the balls alone.
func TestBatchEvents(t *testing.T) {
	f, bounce := bouncing(9.8, 0.8, 0.1)
	opt := odeint.Options{RTol: 1e-8, ATol: 1e-8, Events: odeint.Events[float64]{bounce}}
	samples := []odeint.Sample[float64]{
		{Y0: []float64{5, 0}, Times: []float64{0, 1.4, 3}},
		{Y0: []float64{2, 1}, Times: []float64{0, 0.3, 2, 2.2}},
	}
	b, err := NewBatch[float64](f, odeint.BatchOptions{Options: opt}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sols, err := b.Forward(ctx, samples)
	if err != nil {
		t.Fatal(err)
	}
	var dys [][]float64
	var y0 []float64
	theta, events := make([]float64, 1), make([]float64, 2)
	for i, s := range samples {
		dys = append(dys, constant(1, 0.3)(sols[i].Y))
		_, g, _ := pull(t, f, opt, nil, s.Times, s.Y0, constant(1, 0.3))
		y0 = append(y0, g.Y0...)
		add(theta, g.Theta)
		add(events, g.Events)
	}
	var g BatchGradient[float64]
	if err := b.Backward(ctx, &g, dys); err != nil {
		t.Fatal(err)
	}
	gradtest.Close(t, "y0", g.Y0, y0, 1e-14)
	gradtest.Close(t, "θ", g.Theta, theta, 1e-14)
	gradtest.Close(t, "events", g.Events, events, 1e-14)
}
