package hnn_test

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/control"
)

// port is SymODEN's field: learned M⁻¹, V, D and g of two angles, with three inputs.
func port(momenta bool) hnn.Field {
	angles := func(out int) hnn.Module {
		return hnn.Angles{Of: layers.MLP{In: 4, Hidden: []int{5}, Out: out, BiasInit: layers.Uniform(-1, 1)}, Columns: []int{0, 1}}
	}
	return hnn.Field{
		H:       hnn.MechanicalEnergy{C: angles(4), V: angles(1), Epsilon: 0.3},
		Damping: &hnn.Damping{OnlyMomenta: momenta, Of: angles(map[bool]int{true: 2, false: 4}[momenta]), Rank: 1},
		Drive:   hnn.Port{G: angles(6), Inputs: 3},
	}
}

func driven(t *testing.T, m graph.Module) *graph.Field[float64] {
	t.Helper()
	f, err := graph.NewField[float64](m, 1, graph.FieldConfig{Input: &graph.InputConfig{Channels: 3}, Rand: rng(2)})
	if err != nil {
		t.Fatal(err)
	}
	u, err := control.New(control.Hermite, 3, [][]float64{{0, 1, 2}}, normal[float64](rng(3), 9, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetInput(u); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestVelocities: the field of (q, v) and that of (q, p) give the same motion, with
// v = ∂H/∂p, forward and backward.
func TestVelocities(t *testing.T) {
	m := port(true)
	momenta, velocities := driven(t, m), driven(t, hnn.Velocities{Field: m})
	copy(velocities.Params(), momenta.Params())
	undriven, err := graph.NewField[float64](hnn.Field{H: m.H}, 1, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	copy(undriven.Params(), momenta.Params())
	toVelocities := func(z []float64) []float64 {
		dz := make([]float64, 4)
		undriven.Eval(dz, 0, z)
		return append(append([]float64(nil), z[:2]...), dz[:2]...)
	}
	for _, end := range []float64{1.5, -1.5} {
		z, opt := []float64{0.4, -2, 0.3, 0.8}, odeint.Options{Method: odeint.Dop853, RTol: 1e-13, ATol: 1e-13}
		want, err := odeint.Solve(momenta, 0, end, z, opt)
		if err != nil {
			t.Fatal(err)
		}
		got, err := odeint.Solve(velocities, 0, end, toVelocities(z), opt)
		if err != nil {
			t.Fatal(err)
		}
		gradtest.Close(t, "motion", got.Last(), toVelocities(want.Last()), 1e-10)
	}
}

func TestVelocitiesProducts(t *testing.T) {
	net := layers.MLP{In: 4, Hidden: []int{4}, Out: 1, BiasInit: layers.Uniform(-1, 1)}
	c := layers.MLP{In: 2, Hidden: []int{4}, Out: 4, BiasInit: layers.Uniform(-1, 1)}
	structured, other := port(true), port(true)
	other.H = net
	for _, m := range []graph.Module{port(false), hnn.Velocities{Field: structured}, hnn.Velocities{Field: other, C: c, Epsilon: 0.5}} {
		f := driven(t, m)
		y := normal[float64](rng(4), f.Dim(), 1)
		gradtest.VJP(t, f, f.Params(), 0.6, y, rng(5), 1e-3, 1e-7)
		gradtest.JVP(t, f, f.Params(), 0.6, y, rng(5), 1e-3, 1e-7, 1e-11)
		d, dy, dtheta := make([]float64, len(y)), make([]float64, len(y)), make([]float64, f.NumParams())
		if a := gradtest.Allocs(5, func() { f.VJP(d, dy, dtheta, 0, y, y) }); a != 0 {
			t.Errorf("%v allocations", a)
		}
	}
}

// TestPositionDependentDamping: dp/dt = −D(q)p with D = (1 + q)².
func TestPositionDependentDamping(t *testing.T) {
	oneMore := layers.Func(func(q *G.Node) (*G.Node, error) { return G.Add(q, layers.Const(q, 1)) })
	none := layers.Func(func(q *G.Node) (*G.Node, error) { return G.Sub(q, q) })
	f := newField[float64](t, hnn.Field{H: hnn.Separable{T: hnn.Kinetic{Masses: []float64{1}}, V: none}, Damping: &hnn.Damping{Degrees: 1, OnlyMomenta: true, Of: oneMore, Rank: 1}}, 1, 1)
	for _, q := range []float64{0, 0.5, -2} {
		got := make([]float64, 2)
		f.Eval(got, 0, []float64{q, 3})
		gradtest.Close(t, "field", got, []float64{3, -3 * math.Pow(1+q, 2)}, 1e-14)
	}
}

func TestVelocitiesFaults(t *testing.T) {
	lin := layers.Linear{In: 1, Out: 1}
	energy := hnn.MechanicalEnergy{C: lin, V: lin}
	for name, m := range map[string]graph.Module{
		"no C":         hnn.Velocities{Field: hnn.Field{H: hnn.Pendulum{}}},
		"C twice":      hnn.Velocities{Field: hnn.Field{H: energy}, C: lin},
		"negative ε":   hnn.Velocities{Field: hnn.Field{H: hnn.Pendulum{}}, C: lin, Epsilon: -1},
		"conservative": hnn.Velocities{Field: hnn.Field{H: energy, Conservative: layers.Linear{In: 2, Out: 1}}},
		"no rank":      hnn.Field{H: energy, Damping: &hnn.Damping{Of: lin}},
		"wide matrix":  hnn.Field{H: energy, Damping: &hnn.Damping{Of: lin, Rank: 3}},
		"other C":      hnn.Velocities{Field: hnn.Field{H: hnn.Pendulum{}}, C: layers.Linear{In: 1, Out: 2}},
		"no energy":    hnn.Velocities{C: lin},
	} {
		if _, err := graph.NewField[float64](m, 1, graph.FieldConfig{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
