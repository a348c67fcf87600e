package odelayer_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

// timed depends on time; ragged are times of three samples.
var (
	timed  = layers.AppendTime{Of: layers.MLP{In: 3, Hidden: []int{5}, Out: 2, Activation: layers.Tanh}}
	ragged = [][]float64{{0, 0.4, 0.7, 1}, {1, 0.2}, {0.5}}
)

// TestSampleTimes: every row of the result is that of a solve of the sample alone, and zero where a
// sample has no such row.
func TestSampleTimes(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testSampleTimes[float64](t, tensor.Float64) })
	t.Run("float32", func(t *testing.T) { testSampleTimes[float32](t, tensor.Float32) })
}

func testSampleTimes[T graph.Float](t *testing.T, dt tensor.Dtype) {
	for _, final := range []bool{false, true} {
		g := G.NewGraph()
		l := newLayer(t, g, "ode", timed, odelayer.Config{Batch: 3, SampleTimes: ragged, Final: final, Dtype: dt})
		x := input(g, "x", dt, 0, 3, 2)
		y := must(t)(l.Fwd(x))
		run(t, g)
		got := y.Value().Data().([]T)
		f, err := graph.NewField[T](timed, 1, graph.FieldConfig{})
		if err != nil {
			t.Fatal(err)
		}
		theta := f.Params()[:0]
		for _, w := range l.Learnables() {
			theta = append(theta, w.Value().Data().([]T)...)
		}
		for i, ts := range ragged {
			sol, err := odeint.SolveAt[T](f, ts, x.Value().Data().([]T)[2*i:2*i+2], odeint.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if final {
				if row := got[2*i : 2*i+2]; !slices.Equal(row, sol.Last()) {
					t.Errorf("sample %d ends at %v, want %v", i, row, sol.Last())
				}
				continue
			}
			for r := range 4 {
				want := make([]T, 2)
				if r < sol.Len() {
					want = sol.Row(r)
				}
				if row := got[6*r+2*i : 6*r+2*i+2]; !slices.Equal(row, want) {
					t.Errorf("sample %d, row %d: %v, want %v", i, r, row, want)
				}
			}
		}
		if forward, _ := l.Stats(); forward.NFE == 0 || forward.Accepted == 0 {
			t.Errorf("statistics %v", forward)
		}
	}
}

// TestSampleTimesGradient compares with central differences, on every method.
func TestSampleTimesGradient(t *testing.T) {
	for _, m := range []adjoint.Method{nil, adjoint.Discrete{Memory: adjoint.States{}}} {
		for _, final := range []bool{false, true} {
			g := G.NewGraph()
			l := newLayer(t, g, "ode", timed, odelayer.Config{Batch: 3, SampleTimes: ragged, Final: final, Solve: fixed, Adjoint: m})
			x := input(g, "x", tensor.Float64, 0, 3, 2)
			loss := meanSquare(t, must(t)(l.Fwd(x)))
			checkGradient(t, g, loss, 1e-8, append(l.Learnables(), x)...)
			if _, backward := l.Stats(); backward.VJPs == 0 {
				t.Errorf("statistics %v", backward)
			}
		}
	}
}

func TestSampleTimesErrors(t *testing.T) {
	for want, cfg := range map[string]odelayer.Config{
		"both set":                      {Batch: 1, Times: times, SampleTimes: [][]float64{times}},
		"1 lists for a batch of 2":      {Batch: 2, SampleTimes: [][]float64{times}},
		"SampleTimes[1] is empty":       {Batch: 2, SampleTimes: [][]float64{times, {}}},
		"SampleTimes[0][1] is NaN":      {Batch: 1, SampleTimes: [][]float64{{0, math.NaN()}}},
		"SampleTimes[0][2] = 1 does no": {Batch: 1, SampleTimes: [][]float64{{0, 1, 1}}},
	} {
		_, err := odelayer.New(G.NewGraph(), "ode", net, cfg)
		var bad *odelayer.ConfigError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
