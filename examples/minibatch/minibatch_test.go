package main

import (
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
)

func TestQuick(t *testing.T) {
	m := apptest.Run(t, program, []string{"unseen.png"}, "-quick", "-seed", "3")
	// A model that says the mean has 1.
	if m["validation_loss"] > 0.05 || m["steps"] != 200 {
		t.Errorf("metrics %v", m)
	}
}

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, program, "-quick") }
