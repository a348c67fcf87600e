package hnn_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
)

// Energies with kinks are refused, whole and in halves, unless they are accepted; smooth
// ones are not.
func TestKinks(t *testing.T) {
	rough := []layers.Activation{layers.ReLU, layers.LeakyReLU, layers.ELU}
	seen := 0
	for _, a := range layers.Activations() {
		kinked := slices.Contains(rough, a)
		if kinked {
			seen++
		}
		energy := layers.MLP{In: 2, Hidden: []int{3}, Out: 1, Activation: a}
		half := layers.MLP{In: 1, Hidden: []int{3}, Out: 1, Activation: a}
		for _, f := range []hnn.Field{
			{H: energy},
			{H: hnn.Separable{V: half}},
			{H: hnn.Harmonic{}, Conservative: energy},
			{H: hnn.Separable{V: half}, Damping: &hnn.Damping{Degrees: 1}},
		} {
			_, err := graph.CompileField[float64](f, 1, graph.FieldConfig{Shape: []int{2}})
			var fault *hnn.ConfigError
			if kinked != errors.As(err, &fault) || !kinked && err != nil {
				t.Errorf("%v in %T: %v", a, f.H, err)
			}
			f.Kinks = true
			if _, err := graph.CompileField[float64](f, 1, graph.FieldConfig{Shape: []int{2}}); err != nil {
				t.Errorf("%v accepted in %T: %v", a, f.H, err)
			}
		}
	}
	if seen != len(rough) {
		t.Errorf("%d of %d rough activations seen", seen, len(rough))
	}
}
