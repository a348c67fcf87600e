package main

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/examples/internal/apptest"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/train"
	"gonum.org/v1/gonum/floats"
)

// States of an independent solver at t = 2.5 and 25, and the energy at rest.
func TestTruth(t *testing.T) {
	times := []float64{0, 2.5, 25}
	y, err := truth(context.Background(), times)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float64{
		{-0.0046540215367, 0.0263965168866, -0.1220633492618, 0.1105189840002},
		{0.03239049267, -0.06601100480, 0.06764153418, -0.02968616817},
	} {
		// The reference has 11 digits, and its solver's error grows with time.
		if got := y[dim*(i+1) : dim*(i+2)]; !floats.EqualApprox(got, want, 2e-9) {
			t.Errorf("t = %v: %v, want %v", times[i+1], got, want)
		}
	}
	e, err := energies(times, y)
	if err != nil {
		t.Fatal(err)
	}
	if got := e[0] + rest; math.Abs(got+29.36325765561) > 1e-11 {
		t.Errorf("energy %v", got)
	}
	if d := deviation(e, e[0]); d > 1e-8 {
		t.Errorf("the true solution changes its energy by %g", d)
	}
}

// A Hamiltonian field in the scaled units is the Hamiltonian field of the energy in joules:
// central differences of H by the pendulum's q and p give the slopes.
func TestUnitsKeepHamiltonsEquations(t *testing.T) {
	u := units{q: 0.04, p: 0.1, t: 0.2}
	m := &model{kind: hamiltonian, units: u}
	field, err := m.newField(1, rand.New(rand.NewPCG(1, 0)))
	if err != nil {
		t.Fatal(err)
	}
	h, err := hnn.NewEnergy[float64](m.network(), 1, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	copy(h.Params(), field.Params())
	y := []float64{0.03, -0.02, 0.11, 0.07}
	dz := make([]float64, dim)
	field.Eval(dz, 0, u.scale(y))
	slopes := u.unscale(dz)
	for i := range slopes {
		slopes[i] /= u.t
	}
	energy := func(i int, d float64) float64 {
		x := append([]float64(nil), y...)
		x[i] += d
		var e [1]float64
		h.Eval(e[:], 0, u.scale(x))
		return e[0] * u.energy()
	}
	for i := range degrees {
		const d = 1e-6
		dHdq := (energy(i, d) - energy(i, -d)) / (2 * d)
		dHdp := (energy(degrees+i, d) - energy(degrees+i, -d)) / (2 * d)
		// Differences of numbers near 0.02 over 2e-6 are good to 1e-11 or so, and d² is 1e-12.
		if math.Abs(slopes[i]-dHdp) > 1e-8 || math.Abs(slopes[degrees+i]+dHdq) > 1e-8 {
			t.Errorf("degree %d: slopes %v, %v; ∂H/∂p %v, −∂H/∂q %v", i, slopes[i], slopes[degrees+i], dHdp, -dHdq)
		}
	}
}

// The units make states and slopes of the data of size 1, and undo themselves.
func TestUnitsOfData(t *testing.T) {
	d, err := observe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	z := d.scale(d.y)
	if v := square(z) / float64(len(z)); math.Abs(v-1) > 1e-12 {
		t.Errorf("mean square of the states: %v", v)
	}
	if back := d.unscale(z); !floats.EqualApprox(back, d.y, 1e-16) {
		t.Error("unscale does not undo scale")
	}
	_, dy, err := d.curve.Sample(d.times)
	if err != nil {
		t.Fatal(err)
	}
	dz := d.scale(dy)
	floats.Scale(d.t, dz)
	if v := square(dz) / float64(len(dz)); math.Abs(v-1) > 1e-12 {
		t.Errorf("mean square of the slopes: %v", v)
	}
}

func TestEnvelope(t *testing.T) {
	times := train.Grid(1, 1000)
	e := make([]float64, len(times))
	for i := range e {
		e[i] = 5
	}
	e[400], e[1000] = 7, 4
	at, worst := envelope(times, e, 2)
	if len(at) != len(worst) || len(at) > 501 || at[len(at)-1] != 1 {
		t.Fatalf("%d times and %d values, the last at %v", len(at), len(worst), at[len(at)-1])
	}
	if floats.Max(worst) != 1 || worst[len(worst)-1] != 0.5 || floats.Sum(worst) != 1.5 {
		t.Errorf("envelope %v", worst)
	}
}

// A quick run trains to a few percent of the states' size, by either solver, and
// writes all its files.
func TestRun(t *testing.T) {
	for _, solver := range []string{"tsit5", "gauss"} {
		t.Run(solver, func(t *testing.T) {
			figures := []string{"figure8.png", "figure9.png", "figure10.png", "figure11.png"}
			got := apptest.Run(t, run, figures, "-quick", "-solver", solver)
			for name, bound := range map[string]float64{
				"node_rmse": 2e-3, "hnn_rmse": 2e-3, // against 0.07, the size of the states
				"learned_h_deviation_200": 1e-8,
			} {
				if v, ok := got[name]; !ok || !(v <= bound) {
					t.Errorf("%s is %v, want at most %g", name, v, bound)
				}
			}
			for _, name := range []string{
				"loss", "hnn_energy_deviation", "node_energy_deviation", "learned_h_slope_sigma",
				"learned_h_deviation_200_tsit5", "hnn_cold_rmse", "hnn_grown_rmse",
			} {
				if _, ok := got[name]; !ok {
					t.Errorf("no %s in metrics.json", name)
				}
			}
		})
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-solver", "verlet"}, {"-match", "-1"}, {"-iterations", "-1"}, {"extra"}, {"-unknown"}} {
		apptest.Refuse(t, run, args...)
	}
}

func TestInterrupted(t *testing.T) { apptest.Interrupt(t, run, "-quick") }
