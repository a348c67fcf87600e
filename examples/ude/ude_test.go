package main

import (
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
)

func TestQuick(t *testing.T) {
	m := apptest.Run(t, program, []string{"forecast.png"}, "-quick")
	// The states have a variance of about 2.
	if m["validation_loss"] > 2 || m["steps"] != 150 {
		t.Errorf("metrics %v", m)
	}
}

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, program, "-quick") }
