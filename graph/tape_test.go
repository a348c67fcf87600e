package graph

import (
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestTapeMachine runs first derivatives on Gorgonia's own machine, twice, for
// users who put the result of VJP into their models.
func TestTapeMachine(t *testing.T) {
	for _, c := range opCases() {
		if c.tape != "" || c.state || c.order == 1 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			tw := newTower(t, c, tensor.Float64, 2)
			values := tw.values(c)
			want := tw.levels[2].run(t, tw.inputs, values)
			runTape(t, tw.inputs, tw.levels[2].outputs, values, want)
		})
	}
}

func runTape(t *testing.T, inputs, outputs G.Nodes, values, want [][]float64) {
	t.Helper()
	var bound []G.Value
	for i, n := range inputs {
		v := toValue(n.Dtype(), n.Shape(), values[i])
		bound = append(bound, v)
		if err := G.Let(n, v); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]G.Value, len(outputs))
	for i, n := range outputs {
		G.Read(n, &got[i])
	}
	vm := G.NewTapeMachine(inputs[0].Graph(), G.EvalMode())
	defer vm.Close()
	for run := range 2 {
		if err := vm.RunAll(); err != nil {
			t.Fatal(err)
		}
		vm.Reset()
		for i := range outputs {
			for j, v := range toFloats(got[i]) {
				if !(math.Abs(v-want[i][j]) <= 1e-12*max(1, math.Abs(want[i][j]))) {
					t.Fatalf("run %d, output %d, element %d: %v, want %v", run, i, j, v, want[i][j])
				}
			}
		}
		for i, v := range bound {
			if !slices.Equal(toFloats(v), values[i]) {
				t.Fatalf("run %d changed input %d", run, i)
			}
		}
	}
}
