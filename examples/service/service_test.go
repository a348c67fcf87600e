package main

import (
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
)

func TestQuick(t *testing.T) {
	m := apptest.Run(t, program, []string{"oscillator.png"}, "-quick")
	// The states have variance 1 after scaling.
	if m["loss"] > 1e-4 {
		t.Errorf("metrics %v", m)
	}
}
