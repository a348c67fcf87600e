package graph_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/control"
)

var (
	_ graph.Input[float64]      = (*control.Path[float64])(nil)
	_ odeint.Discontinuous      = (*graph.Field[float64])(nil)
	_ odeint.Batched            = (*graph.Field[float64])(nil)
	_ gradtest.Tangent[float32] = (*graph.Field[float32])(nil)
)

// knots are two channels of two samples with times of their own.
var knots = [][]float64{{0, 0.4, 1, 1.5}, {-0.2, 0.7, 1.2}}

func path[T graph.Float](t *testing.T, kind control.Kind) *control.Path[T] {
	t.Helper()
	r := rand.New(rand.NewPCG(9, 9))
	values := make([]T, 2*(4+3))
	for i := range values {
		values[i] = T(r.NormFloat64())
	}
	p, err := control.New(kind, 2, knots, values)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// driven compiles a field of states of 3 with 2 inputs, and gives it a path.
func driven[T graph.Float](t *testing.T, kind control.Kind, rates bool, learnable bool) *graph.Field[T] {
	t.Helper()
	in := &graph.InputConfig{Channels: 2, Rates: rates}
	var m graph.Module = layers.AppendInput{Of: layers.MLP{In: 5, Hidden: []int{4}, Out: 3, Activation: layers.Tanh}, Channels: 2}
	if rates {
		m = layers.CDE{Of: layers.MLP{In: 3, Hidden: []int{4}, Out: 6, Activation: layers.Tanh}, Channels: 2}
	}
	if learnable {
		in.Knots = 14
	}
	f, err := graph.NewField[T](m, 2, graph.FieldConfig{Input: in, Rand: rand.New(rand.NewPCG(1, 2))})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetInput(path[T](t, kind)); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestDrivenFields checks the products of fields with inputs, those with respect to
// the knots included: these are the end of θ.
func TestDrivenFields(t *testing.T) {
	for _, kind := range []control.Kind{control.Previous, control.Linear, control.Hermite, control.NaturalCubic} {
		for _, rates := range []bool{false, true} {
			drivenFields[float64](t, kind, rates, 1e-3, 1e-9, 1e-12)
			// The step balances rounding, 6e-8/h, and h⁴.
			drivenFields[float32](t, kind, rates, 3e-2, 5e-4, 2e-5)
		}
	}
}

func drivenFields[T graph.Float](t *testing.T, kind control.Kind, rates bool, h, tol, eps float64) {
	f := driven[T](t, kind, rates, true)
	layout := f.Layout()
	if last := layout[len(layout)-1]; last.Name != "field/input" || last.Offset+14 != f.NumParams() {
		t.Errorf("the last parameter is %v of %d", last, f.NumParams())
	}
	r := rand.New(rand.NewPCG(3, 4))
	y := make([]T, f.Dim())
	for i := range y {
		y[i] = T(r.NormFloat64())
	}
	gradtest.VJP(t, f, f.Params(), 0.3, y, r, h, tol)
	if kind != control.Previous || !rates { // whose rate is 0, and so is the field
		gradtest.JVP(t, f, f.Params(), 0.3, y, r, h, tol, eps)
	}

	// As data the knots are no parameters, and the field is the same.
	data := driven[T](t, kind, rates, false)
	if data.NumParams() != f.NumParams()-14 || len(data.Layout()) != len(layout)-1 {
		t.Errorf("%d parameters, with knots %d", data.NumParams(), f.NumParams())
	}
	a, b, lambda := make([]T, f.Dim()), make([]T, f.Dim()), slices.Clone(y)
	dy, dtheta := make([]T, f.Dim()), make([]T, f.NumParams())
	f.Eval(a, 0.3, y)
	data.Eval(b, 0.3, y)
	gradtest.Close(t, "knots as data", b, a, 0)
	clone := f.Clone()
	f.Params()[f.NumParams()-14] += 100
	clone.Eval(b, 0.3, y)
	gradtest.Close(t, "a clone", b, a, 0)
	if allocs := gradtest.Allocs(10, func() {
		f.Eval(a, 0.3, y)
		f.VJP(a, dy, dtheta, 0.3, y, lambda)
		f.Tangent(nil, b, 0.3, y, lambda, dtheta)
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if err := f.Err(); err != nil {
		t.Error(err)
	}
}

// TestKnotGradients: the exact gradient of a solve with respect to everything, knots
// included, against differences of the solve; forward and backward in time.
func TestKnotGradients(t *testing.T) {
	for _, kind := range []control.Kind{control.Previous, control.Linear, control.Hermite} {
		for _, rates := range []bool{false, true} {
			for _, times := range [][]float64{{0, 0.5, 1.3}, {1.3, 0.5, 0}} {
				f := driven[float64](t, kind, rates, true)
				opt := odeint.Options{Method: odeint.RK4, H0: 0.15}
				s, err := adjoint.New[float64](f, opt, adjoint.Discrete{})
				if err != nil {
					t.Fatal(err)
				}
				y0 := []float64{0.5, -1, 0.2, 1, 0.3, -0.6}
				dys := make([]float64, 3*len(y0))
				loss := func() float64 {
					sol, err := s.Forward(t.Context(), times, y0)
					if err != nil {
						t.Fatal(err)
					}
					sum := 0.0
					for i, v := range sol.Y {
						sum += v * v / 2
						dys[i] = v
					}
					return sum
				}
				loss()
				var g adjoint.Gradient[float64]
				if err := s.Backward(t.Context(), &g, dys); err != nil {
					t.Fatal(err)
				}
				gradtest.Close(t, kind.String(), slices.Clone(g.Theta), gradtest.Gradient(loss, f.Params(), 1e-3), 1e-8)
			}
		}
	}
}

// TestDrivenSolve: y′ = −y + u(t) with u straight between knots has a closed form. With
// the knots as jumps, which the solver learns from the field, tolerances hold with
// few steps.
func TestDrivenSolve(t *testing.T) {
	m := layers.AppendInput{Of: layers.Linear{In: 2, Out: 1}, Channels: 1}
	f, err := graph.NewField[float64](m, 1, graph.FieldConfig{Input: &graph.InputConfig{Channels: 1}})
	if err != nil {
		t.Fatal(err)
	}
	copy(f.Params(), []float64{-1, 1, 0})
	y, dydt := []float64{1}, []float64{0}
	f.Eval(dydt, 0, y)
	if err := f.Err(); !errors.Is(err, graph.ErrNoInput) || !math.IsNaN(dydt[0]) {
		t.Errorf("without input: %v, %v", dydt, err)
	}
	ts, us := []float64{0, 0.3, 0.35, 2, 2.5}, []float64{0, 3, -2, 1, 1}
	p, err := control.New(control.Linear, 1, [][]float64{ts}, us)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetInput(p); err != nil {
		t.Fatal(err)
	}
	want := 1.0
	for i := 1; i < len(ts); i++ { // u = a + b s: y = a − b + b s + c e^{−s}
		h := ts[i] - ts[i-1]
		a, b := us[i-1], (us[i]-us[i-1])/h
		want = a - b + b*h + (want-a+b)*math.Exp(-h)
	}
	for _, solve := range []struct{ from, to, y0, want float64 }{{0, 2.5, 1, want}, {2.5, 0, want, 1}} {
		sol, err := odeint.Solve(f, solve.from, solve.to, []float64{solve.y0}, odeint.Options{RTol: 1e-10, ATol: 1e-10})
		if err != nil {
			t.Fatal(err)
		}
		if e := math.Abs(sol.Last()[0] - solve.want); e > 1e-8 {
			t.Errorf("from %v: error %.2g", solve.from, e)
		}
		if sol.Stats.Rejected > 8 {
			t.Errorf("from %v: %+v", solve.from, sol.Stats)
		}
	}
}

// TestCustomInput: a module written in nodes, du/dt included: y′ = −k y + t u + u′.
func TestCustomInput(t *testing.T) {
	m := layers.Custom{
		Params: []layers.Param{{Name: "k"}},
		ForwardInput: func(t, u, du, y *G.Node, in layers.Parts) (*G.Node, error) {
			sum := G.Must(G.Add(G.Must(G.HadamardProd(t, u)), du))
			return G.Sub(sum, G.Must(G.Mul(y, in.Params[0])))
		},
	}
	f, err := graph.NewField[float64](m, 2, graph.FieldConfig{Shape: []int{1}, Input: &graph.InputConfig{Channels: 1, Rates: true}})
	if err != nil {
		t.Fatal(err)
	}
	f.Params()[0] = 0.5
	p, err := control.New(control.Linear, 1, [][]float64{{0, 2}}, []float64{0, 4, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetInput(p); err != nil {
		t.Fatal(err)
	}
	dydt := make([]float64, 2)
	f.Eval(dydt, 0.5, []float64{1, 2})
	gradtest.Close(t, "f", dydt, []float64{-0.5 + 0.5*1 + 2, -1 + 0.5*0.75 - 0.5}, 1e-15)
	if _, err := graph.NewField[float64](m, 2, graph.FieldConfig{Shape: []int{1}}); err == nil {
		t.Error("without inputs: no error")
	}
}

func TestInputErrors(t *testing.T) {
	mlp := layers.MLP{In: 3, Hidden: []int{4}, Out: 3}
	plain, err := graph.NewField[float64](mlp, 2, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	p := path[float64](t, control.Linear)
	if err := plain.SetInput(p); err == nil {
		t.Error("a field without inputs took one")
	}
	for name, c := range map[string]struct {
		m graph.Module
		graph.InputConfig
	}{
		"no FwdInput":     {mlp, graph.InputConfig{Channels: 2}},
		"no channels":     {layers.AppendInput{Of: mlp, Channels: 2}, graph.InputConfig{}},
		"huge":            {layers.AppendInput{Of: mlp, Channels: 2}, graph.InputConfig{Channels: math.MaxInt}},
		"other channels":  {layers.AppendInput{Of: mlp, Channels: 2}, graph.InputConfig{Channels: 1}},
		"negative knots":  {layers.AppendInput{Of: mlp, Channels: 2}, graph.InputConfig{Channels: 2, Knots: -3}},
		"CDE, no rates":   {layers.CDE{Of: mlp, Channels: 1}, graph.InputConfig{Channels: 1}},
		"CDE, other size": {layers.CDE{Of: mlp, Channels: 2}, graph.InputConfig{Channels: 2, Rates: true}},
		"nil":             {layers.CDE{}, graph.InputConfig{Channels: 2, Rates: true}},
	} {
		if _, err := graph.NewField[float64](c.m, 2, graph.FieldConfig{Shape: []int{3}, Input: &c.InputConfig}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	f := driven[float64](t, control.Linear, false, true)
	small, err := control.New(control.Linear, 2, [][]float64{{0, 1}, {0, 1}}, make([]float64, 8))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetInput(small); !errors.Is(err, graph.ErrShape) {
		t.Errorf("another number of knots: %v", err)
	}
	if _, err := f.WithBatch(1); err == nil {
		t.Error("WithBatch of a field with knots in θ: no error")
	}
	data := driven[float64](t, control.Linear, false, false)
	one, err := data.WithBatch(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := one.SetInput(p); !errors.Is(err, graph.ErrShape) {
		t.Errorf("an input of two samples for one: %v", err)
	}
}
