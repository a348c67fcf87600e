package hnn_test

import (
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
)

// The halves of a state of 512 begin 256 apart, where Gorgonia's own slices would be
// taken for one node.
func TestWideState(t *testing.T) {
	const n = 256
	f, err := graph.NewField[float64](hnn.Field{H: hnn.Harmonic{Degrees: n}}, 1, graph.FieldConfig{Shape: []int{2 * n}, Rand: rand.New(rand.NewPCG(1, 1))})
	if err != nil {
		t.Fatal(err)
	}
	z, dz := make([]float64, 2*n), make([]float64, 2*n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range z {
		z[i] = r.NormFloat64()
	}
	f.Eval(dz, 0, z)
	for i := range n {
		if dz[i] != z[n+i] || dz[n+i] != -z[i] {
			t.Fatalf("component %d: (%v, %v), want (%v, %v)", i, dz[i], dz[n+i], z[n+i], -z[i])
		}
	}
}
