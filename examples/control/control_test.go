package main

import (
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
)

func TestQuick(t *testing.T) {
	m := apptest.Run(t, program, []string{"unseen.png"}, "-quick")
	// A model that says the mean has 1; one that does not see the forces has 0.4.
	if m["validation_loss"] > 0.2 || m["steps"] != 40 {
		t.Errorf("metrics %v", m)
	}
}

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, program, "-quick") }
