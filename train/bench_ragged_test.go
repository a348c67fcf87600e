package train

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/layers"
)

// BenchmarkRagged is the loss and gradient of 1000 trajectories of different length and
// sampling, each with its own steps in calls for many, and one after the other.
func BenchmarkRagged(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var data Dataset[float64]
	for range 1000 {
		tr := Trajectory[float64]{}
		end, n := 0.5+1.5*r.Float64(), 3+r.IntN(6)
		for k := range n {
			tr.Times = append(tr.Times, end*float64(k)/float64(n-1))
			for range 8 {
				tr.States = append(tr.States, r.NormFloat64())
			}
		}
		data = append(data, tr)
	}
	for _, hidden := range []int{64, 256} {
		m, err := New[float64](layers.MLP{In: 8, Hidden: []int{hidden}, Out: 8, Activation: layers.Tanh}, Config{})
		if err != nil {
			b.Fatal(err)
		}
		o, err := newObjective(m, data, &Options[float64]{})
		if err != nil {
			b.Fatal(err)
		}
		for _, own := range []bool{true, false} {
			o.own = own
			tasks, x := o.everything(), o.initial()
			grad := make([]float64, len(x))
			b.Run(fmt.Sprintf("8-%d-8/own=%v", hidden, own), func(b *testing.B) {
				for b.Loop() {
					if _, err := o.loss(context.Background(), grad, x, tasks, -1); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
