package graph

import (
	"testing"

	"gorgonia.org/tensor"
)

// TestCompiledDerivatives runs the derivatives of all orders of every case
// through the compiler and through the reference.
func TestCompiledDerivatives(t *testing.T) {
	for _, c := range opCases() {
		if c.state || c.order == 1 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			order := max(c.order, 2)
			wide := newTower(t, c, tensor.Float64, order)
			narrow := newTower(t, c, tensor.Float32, order)
			values := wide.values(c)
			for k := 1; k <= order; k++ {
				known := wide.known[k]
				want := wide.levels[k].run(t, wide.inputs[:known], values[:known])
				got := runCompiled[float64](t, wide.inputs[:known], wide.levels[k].outputs, values[:known])
				got32 := runCompiled[float32](t, narrow.inputs[:known], narrow.levels[k].outputs, values[:known])
				for i := range want {
					if !near(got[i], want[i], 1e-13) {
						t.Errorf("order %d, input %d: %v, want %v", k, i, got[i], want[i])
					}
					if !near(got32[i], want[i], 2e-5) {
						t.Errorf("float32, order %d, input %d: %v, want %v", k, i, got32[i], want[i])
					}
				}
			}
		})
	}
}
