package hnn_test

import (
	"errors"
	"math"
	"testing"

	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint/collocation"
)

// TestCollocation estimates training data of two oscillators, whose motion is
// known, from states and from positions alone.
func TestCollocation(t *testing.T) {
	masses := []float64{2, .5}
	var samples, grid []float64
	var states, positions []float32
	for i := range 201 {
		s := float64(i) * 0.02
		samples = append(samples, s)
		q := []float64{math.Sin(s), math.Cos(2 * s)}
		dq := []float64{math.Cos(s), -2 * math.Sin(2*s)}
		positions = append(positions, float32(q[0]), float32(q[1]))
		states = append(states, float32(q[0]), float32(q[1]), float32(2*dq[0]), float32(.5*dq[1]))
	}
	var z, dz []float64
	for i := range 30 {
		s := 0.5 + 0.1*float64(i)
		grid = append(grid, s)
		z = append(z, math.Sin(s), math.Cos(2*s), 2*math.Cos(s), -math.Sin(2*s))
		dz = append(dz, math.Cos(s), -2*math.Sin(2*s), -2*math.Sin(s), -2*math.Cos(2*s))
	}

	c, err := collocation.Local(samples, states, collocation.LocalOptions{Extra: 3, Width: collocation.Fixed(.3)})
	if err != nil {
		t.Fatal(err)
	}
	gz, gdz, err := hnn.FromStates[float32](c, grid)
	if err != nil {
		t.Fatal(err)
	}
	gradtest.Close(t, "z from states", gz, z, 2e-4)
	gradtest.Close(t, "dz from states", gdz, dz, 1e-3)

	c, err = collocation.Local(samples, positions, collocation.LocalOptions{Extra: 3, Width: collocation.Fixed(.3), MaxOrder: 2})
	if err != nil {
		t.Fatal(err)
	}
	gz, gdz, err = hnn.FromPositions[float32](c, masses, grid)
	if err != nil {
		t.Fatal(err)
	}
	gradtest.Close(t, "z from positions", gz, z, 1e-3)
	gradtest.Close(t, "dz from positions", gdz, dz, 5e-3)

	var config *hnn.ConfigError
	for _, m := range [][]float64{{1, 2, 3}, {1, -1}, {math.NaN()}} {
		if _, _, err := hnn.FromPositions[float32](c, m, grid); !errors.As(err, &config) {
			t.Errorf("masses %v: %v, want a ConfigError", m, err)
		}
	}
	if _, _, err := hnn.FromPositions[float32](c, nil, []float64{9}); !errors.Is(err, collocation.ErrOutside) {
		t.Errorf("%v, want ErrOutside", err)
	}
	odd, err := collocation.Local(samples, positions[:201], collocation.LocalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := hnn.FromStates[float32](odd, grid); !errors.As(err, &config) {
		t.Errorf("odd curve: %v, want a ConfigError", err)
	}
}
