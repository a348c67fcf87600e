//go:build !mpi

package main

import (
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
)

func TestQuick(t *testing.T) {
	args := []string{"-quick", "-trajectories", "50", "-width", "8", "-steps", "150"}
	m := apptest.Run(t, run, nil, args...)
	if m["steps"] != 150 || m["ranks"] != 1 || m["loss"] > 0.5 {
		t.Errorf("metrics %v", m)
	}
}

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, run, "-quick", "-trajectories", "10") }
