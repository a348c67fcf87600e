package odeint

import (
	"slices"
	"testing"
)

// The steps of a fixed solve are known without being kept, bit for bit.
func TestStepTimes(t *testing.T) {
	f := NewFunc(1, func(dy []float64, t float64, y []float64) { dy[0] = -y[0] })
	for _, ends := range [][2]float64{{0.3, 4}, {4, 0.3}, {1.7, 1.8}} {
		opt := Options{Method: RK4, H0: 0.17, Stops: []float64{1.1, 2}, Jumps: []float64{3, 2.5, 4}, SaveAt: SaveAt{Steps: true}}
		kept, err := Solve(f, ends[0], ends[1], []float64{1}, opt)
		if err != nil {
			t.Fatal(err)
		}
		opt.SaveAt = SaveAt{}
		light, err := Solve(f, ends[0], ends[1], []float64{1}, opt)
		if err != nil {
			t.Fatal(err)
		}
		times := func(s Step[float64]) []float64 { return []float64{s.T0, s.T1, s.H, s.Lo, s.Hi} }
		for i := range light.Stats.Accepted {
			want := times(kept.Step(i))
			for _, got := range [][]float64{times(light.StepTimes(i)), times(kept.StepTimes(i))} {
				if !slices.Equal(got, want) {
					t.Fatalf("from %v: step %d is %v, want %v", ends[0], i, got, want)
				}
			}
		}
		for _, i := range []int{-1, light.Stats.Accepted} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("no panic for step %d", i)
					}
				}()
				light.StepTimes(i)
			}()
		}
	}
}
