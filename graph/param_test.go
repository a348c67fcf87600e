package graph

import (
	"testing"

	"github.com/neuralode/neuralode/layers"
)

// A parameter is found by its name or the end of it, and is a view of θ.
func TestParamIsAView(t *testing.T) {
	m := layers.Sequential{layers.Linear{In: 2, Out: 3}, layers.Tanh, layers.Linear{In: 3, Out: 2, BiasInit: layers.Constant(7)}}
	f, err := NewField[float64](m, 1, FieldConfig{Name: "f"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"f/0/W": 6, "0/W": 6, "2/b": 2, "f/2/b": 2, "W": 0, "b": 0, "": 0, "/b": 0, "f": 0} {
		if got := f.Param(name); len(got) != want || (got == nil) != (want == 0) {
			t.Errorf("%q: %v, want %d numbers", name, got, want)
		}
	}
	bias := f.Param("2/b")
	if bias[1] != 7 || cap(bias) != 2 {
		t.Fatalf("%v", bias)
	}
	bias[1] = 9
	if theta := f.Params(); theta[len(theta)-1] != 9 {
		t.Error("it is a copy")
	}
}
