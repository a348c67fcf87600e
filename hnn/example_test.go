package hnn_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/hnn"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// A network as energy: its field conserves it, and so does a solution up to the
// errors of the solver.
func ExampleField() {
	energy := layers.MLP{In: 4, Hidden: []int{16}, Out: 1} // two degrees of freedom
	cfg := func() graph.FieldConfig { return graph.FieldConfig{Name: "h", Rand: rand.New(rand.NewPCG(1, 2))} }

	field, err := graph.NewField[float64](hnn.Field{H: energy}, 1, cfg())
	if err != nil {
		fmt.Println(err)
		return
	}
	sol, err := odeint.Solve(field, 0, 10, []float64{1, 0, 0, 1}, odeint.Options{
		RTol: 1e-9, ATol: 1e-9, SaveAt: odeint.SaveAt{Every: 1, Start: true},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := hnn.NewEnergy[float64](energy, 1, cfg()) // the same parameters
	if err != nil {
		fmt.Println(err)
		return
	}
	along, err := h.Along(sol.T, sol.Y)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("conserved to 1e-7:", hnn.DriftOf(sol.T, along).MaxDeviation < 1e-7)
	// Output:
	// conserved to 1e-7: true
}

// A separable energy with a learned mass, solved by a symplectic method for 10⁵
// steps: the energy oscillates and does not drift.
func ExampleNewSeparable() {
	s := hnn.Separable{
		T: hnn.Kinetic{Masses: []float64{2}, Learn: true},
		V: layers.MLP{In: 1, Hidden: []int{8}, Out: 1},
	}
	cfg := func() graph.FieldConfig { return graph.FieldConfig{Name: "h", Rand: rand.New(rand.NewPCG(1, 2))} }
	field, err := hnn.NewSeparable[float64](s, 1, cfg())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range field.Layout() {
		fmt.Println(p.Name, p.Shape)
	}
	h, err := hnn.NewEnergy[float64](s, 1, cfg())
	if err != nil {
		fmt.Println(err)
		return
	}
	sol, err := odeint.Solve[float64](field, 0, 1e4, []float64{1, 0}, odeint.Options{
		Method: odeint.VelocityVerlet, H0: 0.1, MaxSteps: 1e6, SaveAt: odeint.SaveAt{Every: 100},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	along, err := h.Along(sol.T, sol.Y)
	if err != nil {
		fmt.Println(err)
		return
	}
	d := hnn.DriftOf(sol.T, along)
	fmt.Println("no drift:", math.Abs(d.Sigma()) < 3, "amplitude below 1e-3:", d.Amplitude < 1e-3)
	// Output:
	// h/T/log_mass [1 1]
	// h/V/W0 [1 8]
	// h/V/b0 [1 8]
	// h/V/W1 [8 1]
	// h/V/b1 [1 1]
	// no drift: true amplitude below 1e-3: true
}

// The three terms of a port-Hamiltonian system: a pendulum with friction and a
// periodic push.
func ExampleControl() {
	m := hnn.Field{
		H:       hnn.Pendulum{},
		Damping: &hnn.Damping{OnlyMomenta: true, L: []float64{0.5}}, // R = 0.25
		Drive:   hnn.Control{Inputs: 1, Outputs: 1, U: cosine, G: []float64{2}},
	}
	field, err := graph.NewField[float64](m, 1, graph.FieldConfig{Name: "f"})
	if err != nil {
		fmt.Println(err)
		return
	}
	dz := make([]float64, 2)
	field.Eval(dz, 0, []float64{0, 1})
	fmt.Printf("%.2f\n", dz) // (p, −9.8 sin q − 0.25 p + 2 cos t)
	// Output:
	// [1.00 1.75]
}

// A double pendulum in positions and velocities keeps its energy.
func ExampleLagrangian() {
	l := hnn.DoublePendulum{}.Lagrangian()
	field, err := graph.NewField[float64](hnn.Lagrangian{L: l}, 1, graph.FieldConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	energy, err := hnn.NewEnergy[float64](hnn.LagrangianEnergy{L: l}, 1, graph.FieldConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	sol, err := odeint.Solve(field, 0, 10, []float64{1, 0.5, 0, 0}, odeint.Options{RTol: 1e-9, ATol: 1e-9})
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := energy.Along([]float64{0, 10}, append([]float64{1, 0.5, 0, 0}, sol.Last()...))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("energy %.4f at the start, %.4f after 10\n", h[0], h[1])
	// Output: energy -19.1902 at the start, -19.1902 after 10
}
