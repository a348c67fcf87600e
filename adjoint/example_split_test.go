package adjoint_test

import (
	"context"
	"fmt"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// diffusion is a known, stiff part: 1e4 times the second difference on a ring.
type diffusion int

func (n diffusion) Dim() int         { return int(n) }
func (n diffusion) NumParams() int   { return 0 }
func (n diffusion) Autonomous() bool { return true }
func (n diffusion) at(i int) int     { return (i + int(n)) % int(n) }
func (n diffusion) rate(y []float64, i int) float64 {
	return 1e4 * (y[n.at(i+1)] - 2*y[i] + y[n.at(i-1)])
}

func (n diffusion) Eval(dydt []float64, _ float64, y []float64) {
	for i := range dydt {
		dydt[i] = n.rate(y, i)
	}
}

func (n diffusion) VJP(dydt, dy, _ []float64, t float64, y, lambda []float64) {
	if dydt != nil {
		n.Eval(dydt, t, y)
	}
	n.Eval(dy, t, lambda) // it is symmetric
}

// A network is learned beside diffusion that is known and stiff: KenCarp4 solves with the
// Jacobian of diffusion alone, and evaluates the network explicitly.
func Example_split() {
	const cells = 4
	network, err := graph.NewField[float64](layers.MLP{In: cells, Hidden: []int{8}, Out: cells}, 1, graph.FieldConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	field := odeint.NewDifferentiableSplit[float64](diffusion(cells), network)
	solver, err := adjoint.New(field, odeint.Options{Method: odeint.KenCarp4, RTol: 1e-6}, adjoint.Discrete{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, g := context.Background(), adjoint.Gradient[float64]{}
	times, y0, want := []float64{0, 1}, []float64{0.2, 0.4, 0.6, 0.8}, 2.0 // of every cell at the end
	dys := make([]float64, 2*cells)
	for step := 0; ; step++ {
		sol, err := solver.Forward(ctx, times, y0)
		if err != nil {
			fmt.Println(err)
			return
		}
		if step%20 == 0 {
			fmt.Printf("%.2f\n", sol.Last())
		}
		if step == 40 {
			return
		}
		for i, y := range sol.Last() {
			dys[cells+i] = y - want
		}
		if err := solver.Backward(ctx, &g, dys); err != nil {
			fmt.Println(err)
			return
		}
		for i, d := range g.Theta {
			network.Params()[i] -= 0.1 * d
		}
	}
	// Output:
	// [0.37 0.37 0.37 0.37]
	// [2.00 2.00 2.00 2.00]
	// [2.00 2.00 2.00 2.00]
}
