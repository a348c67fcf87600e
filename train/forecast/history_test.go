package forecast_test

import (
	"context"
	"math"
	"testing"

	"github.com/neuralode/neuralode/train/forecast"
)

// Losses of different lengths come back from a file as they were.
func TestHistory(t *testing.T) {
	m, err := forecast.Fit(context.Background(), oscillation(t, 20, 0.5), forecast.Options{Hidden: []int{4}, Decay: -1, Steps: 5, Polish: 3, Ensemble: 2})
	if err != nil {
		t.Fatal(err)
	}
	m.Losses[0] = append([]float64{5, math.NaN()}, m.Losses[0]...)
	f, err := m.File()
	if err != nil {
		t.Fatal(err)
	}
	back, err := forecast.FromFile(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(back.Losses) != len(m.Losses) {
		t.Fatalf("losses of %d members, want %d", len(back.Losses), len(m.Losses))
	}
	for k := range m.Losses {
		if len(back.Losses[k]) != len(m.Losses[k]) || len(m.Losses[k]) == 0 {
			t.Fatalf("member %d: %d losses, want %d, more than 0", k, len(back.Losses[k]), len(m.Losses[k]))
		}
		for i, v := range m.Losses[k] {
			if got := back.Losses[k][i]; got != v && !(got != got && v != v) {
				t.Errorf("loss %d of member %d is %v, want %v", i, k, got, v)
			}
		}
	}
	if at, state, ok := m.Start(0, 0); !ok || len(state) != m.Dim() || at != m.Trajectories[0].Times[0] {
		t.Errorf("start %v at %v, %v", state, at, ok)
	}
	if _, _, ok := m.Start(0, 99); ok {
		t.Error("a trajectory that does not exist has a start")
	}
}
