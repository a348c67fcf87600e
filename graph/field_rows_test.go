package graph_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

var (
	_ odeint.RowField[float64] = (*graph.Field[float64])(nil)
	_ odeint.Forker[float32]   = (*graph.Field[float32])(nil)
)

// rowModules are modules whose samples are evaluated at times of their own.
func rowModules() map[string]graph.Module {
	all := map[string]graph.Module{
		"timed":      layers.AppendTime{Of: layers.MLP{In: 4, Hidden: []int{33, 20}, Out: 3, Activation: layers.Tanh}},
		"wide":       layers.MLP{In: 64, Hidden: []int{256}, Out: 64, Activation: layers.Tanh},
		"one":        layers.MLP{In: 1, Hidden: []int{16}, Out: 1, Activation: layers.Sin},
		"field":      hnn.Field{H: layers.MLP{In: 4, Hidden: []int{30}, Out: 1, Activation: layers.Softplus}},
		"lagrangian": hnn.Lagrangian{L: hnn.DoublePendulum{}.Lagrangian()},
		"softmax":    layers.Sequential{layers.Linear{In: 5, Out: 5}, layers.Func(func(x *G.Node) (*G.Node, error) { return G.SoftMax(x) })},
	}
	for _, a := range layers.Activations() {
		all[a.String()] = layers.MLP{In: 2, Hidden: []int{64}, Out: 2, Activation: a}
	}
	return all
}

// TestRowsAlone: a row evaluated with others, at a time of its own, has the bits that it has
// alone, in Eval and VJP, however many rows there are and wherever it stands.
func TestRowsAlone(t *testing.T) {
	t.Run("float64", testRowsAlone[float64])
	t.Run("float32", testRowsAlone[float32])
}

func testRowsAlone[T graph.Float](t *testing.T) {
	for name, m := range rowModules() {
		cfg := graph.FieldConfig{}
		if name == "softmax" {
			cfg.Shape = []int{5}
		}
		f, err := graph.NewField[T](m, 1, cfg)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		const most = 137
		d := f.SampleDim()
		random := func(n int) []T {
			x := make([]T, n)
			for i := range x {
				x[i] = T(r.NormFloat64())
			}
			return x
		}
		y, lambda, ts := random(most*d), random(most*d), make([]float64, most)
		want, wantDy, wantTheta := make([]T, most*d), make([]T, most*d), make([]float64, f.NumParams())
		for i := range most {
			ts[i] = r.Float64()
			row := func(x []T) []T { return x[i*d : (i+1)*d] }
			dtheta := make([]T, f.NumParams())
			f.Eval(row(want), ts[i], row(y))
			f.VJP(nil, row(wantDy), dtheta, ts[i], row(y), row(lambda))
			for j, v := range dtheta {
				wantTheta[j] += float64(v)
			}
		}
		for _, n := range []int{1, 2, 3, 5, 8, 13, 23, 31, 33, 64, 65, most} {
			for _, from := range []int{0, most - n} {
				cut := func(x []T) []T { return x[from*d : (from+n)*d] }
				got, gotDy, gotF, theta := make([]T, n*d), make([]T, n*d), make([]T, n*d), make([]T, f.NumParams())
				f.EvalRows(got, nil, ts[from:from+n], cut(y))
				f.VJPRows(gotF, gotDy, theta, nil, ts[from:from+n], cut(y), cut(lambda))
				if !slices.Equal(got, cut(want)) || !slices.Equal(gotF, cut(want)) {
					t.Errorf("%s: %d rows from %d: f differs from that of each alone", name, n, from)
				}
				if !slices.Equal(gotDy, cut(wantDy)) {
					t.Errorf("%s: %d rows from %d: the VJP differs from that of each alone", name, n, from)
				}
				if n < most {
					continue
				}
				for j, v := range theta {
					if e := math.Abs(float64(v) - wantTheta[j]); e > tolerance[T]()*(1+math.Abs(wantTheta[j])) {
						t.Errorf("%s: parameter %d: %v, want %v", name, j, v, wantTheta[j])
						break
					}
				}
			}
		}
		if err := f.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func tolerance[T graph.Float]() float64 {
	if _, ok := any(T(0)).(float32); ok {
		return 1e-4
	}
	return 1e-12
}
