package main

import (
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
)

func TestQuick(t *testing.T) {
	m := apptest.Run(t, program, []string{"loss.png"}, "-quick")
	// Guessing is right once in ten times.
	if m["accuracy"] < 0.5 || m["steps"] != 240 {
		t.Errorf("metrics %v", m)
	}
}
