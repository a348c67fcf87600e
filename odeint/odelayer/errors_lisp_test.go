//go:build !race

// After an error a LispMachine's RunAll returns while the machine's goroutine goes on, which
// the race detector reports.

package odelayer_test

import (
	"math"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/odeint/odelayer"
)

func runLisp(t *testing.T, cfg odelayer.Config, change func(u0 []float64)) error {
	g, u0, _, _ := lossModel(t, cfg)
	change(u0)
	vm := G.NewLispMachine(g)
	defer vm.Close()
	return vm.RunAll()
}

func TestErrorsOnALispMachine(t *testing.T) {
	checkMaxSteps(t, runLisp(t, tooFewSteps, func([]float64) {}))
	if err := runLisp(t, panicking("norm gone wild"), func([]float64) {}); err == nil || !strings.Contains(err.Error(), "panic in the solve: norm gone wild") {
		t.Errorf("a panic: %v", err)
	}
	err := runLisp(t, odelayer.Config{Batch: 2, Times: times}, func(u0 []float64) { u0[1] = math.NaN() })
	if err == nil || !strings.Contains(err.Error(), "component 1") {
		t.Errorf("NaN in u0: %v", err)
	}
}
