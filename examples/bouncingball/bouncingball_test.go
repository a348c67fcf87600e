package main

import (
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
)

// Gravity, restitution and the floor are found to 1 % from positions alone.
func TestParameters(t *testing.T) {
	for _, seed := range []string{"0", "1", "2"} {
		m := apptest.Run(t, program, []string{"fit.png"}, "-seed", seed)
		for _, name := range names[:height] {
			if e, ok := m[name+"_relative_error"]; !ok || !(e < 0.01) {
				t.Errorf("seed %s: %s is off by %v", seed, name, e)
			}
		}
		// The noise has a variance of 1e-4, less what five parameters fit.
		if m["bounces"] != numBounces || m["loss"] > 1.2e-4 {
			t.Errorf("seed %s: %v bounces, loss %v", seed, m["bounces"], m["loss"])
		}
	}
}

// The gradient is that of central differences, through all bounces.
func TestGradient(t *testing.T) {
	times := []float64{0, 1.3, 2.2, 3.4, 9, 15}
	f, err := newFit(times, []float64{4, 1, 2, 1, 0.5, 1})
	if err != nil {
		t.Fatal(err)
	}
	loss, grad := f.loss(len(times)), make([]float64, parameters)
	if _, err := loss(t.Context(), grad, truth); err != nil {
		t.Fatal(err)
	}
	for i := range truth {
		const h = 1e-6
		x := append([]float64(nil), truth...)
		x[i] += h
		up, err := loss(t.Context(), nil, x)
		if err != nil {
			t.Fatal(err)
		}
		x[i] -= 2 * h
		down, err := loss(t.Context(), nil, x)
		if err != nil {
			t.Fatal(err)
		}
		// Sums of squares of about 1, whose third derivatives 16 bounces make large.
		if want := (up - down) / (2 * h); !(diff(grad[i], want) < 1e-5) {
			t.Errorf("%s: %v, want %v", names[i], grad[i], want)
		}
	}
}

func diff(a, b float64) float64 { return max(a-b, b-a) / max(1, max(a, -a)) }

func TestQuick(t *testing.T) { apptest.Run(t, program, []string{"fit.png"}, "-quick") }

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, program, "-quick") }
