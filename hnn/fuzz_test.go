package hnn

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
)

// FuzzField makes fields of networks of any shape. They are refused with an error, or evaluate
// at any state without a panic, move along the level of their energy, and are the same
// sample by sample as in a batch.
func FuzzField(f *testing.F) {
	f.Add(int8(1), int8(3), int8(2), int8(1), uint8(0), 0.5, -0.25, uint64(1))
	f.Add(int8(2), int8(1), int8(0), int8(3), uint8(4), 1e200, 1e-300, uint64(2))
	f.Add(int8(-1), int8(4), int8(-4), int8(0), uint8(9), 0.0, 0.0, uint64(3))
	activations := layers.Activations()
	f.Fuzz(func(t *testing.T, pairs, width, depth, batch int8, act uint8, q, p float64, seed uint64) {
		pairs, width, depth, batch = pairs%4, width%6, depth%3, batch%4
		var hidden []int
		for range depth {
			hidden = append(hidden, int(width))
		}
		energy := layers.MLP{In: 2 * int(pairs), Hidden: hidden, Out: 1, Activation: activations[int(act)%len(activations)]}
		field, err := graph.NewField[float64](Field{H: energy}, int(batch), graph.FieldConfig{Name: "h", Rand: rand.New(rand.NewPCG(seed, 0))})
		if err != nil {
			return
		}
		n := 2 * int(pairs)
		z, dz := make([]float64, n*int(batch)), make([]float64, n*int(batch))
		for i := range z {
			z[i] = q*math.Cos(float64(i)) + p
		}
		field.Eval(dz, 0, z)
		if err := field.Err(); err != nil {
			t.Errorf("evaluation: %v", err)
		}
		h, err := NewEnergy[float64](energy, 1, graph.FieldConfig{Name: "h", Rand: rand.New(rand.NewPCG(seed, 0))})
		if err != nil {
			t.Fatal(err)
		}
		one, err := graph.NewField[float64](Field{H: energy}, 1, graph.FieldConfig{Name: "h", Rand: rand.New(rand.NewPCG(seed, 0))})
		if err != nil {
			t.Fatal(err)
		}
		moderate := !(math.Abs(q) > 1e3) && !(math.Abs(p) > 1e3) && q == q && p == p
		d := make([]float64, n)
		for s := 0; s < len(z); s += n {
			one.Eval(d, 0, z[s:s+n])
			for i, v := range d {
				if moderate && math.Abs(v-dz[s+i]) > 1e-12*(1+math.Abs(v)) {
					t.Errorf("sample %d: %v alone, %v in a batch", s/n, v, dz[s+i])
				}
			}
		}
		if _, err := h.Along([]float64{0}, z[:n]); moderate && err != nil {
			t.Errorf("energy: %v", err)
		}
	})
}
