package odelayer_test

import (
	"fmt"
	"log"
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
	"github.com/neuralode/neuralode/odeint/odelayer"
)

// A Neural ODE learns a rotation inside an ordinary Gorgonia model.
func Example() {
	const batch = 8
	times := []float64{0, 0.25, 0.5}
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}

	g := G.NewGraph()
	u0 := G.NewMatrix(g, tensor.Float64, G.WithShape(batch, 2), G.WithName("u0"))
	net := layers.MLP{In: 2, Hidden: []int{64}, Out: 2, Activation: layers.Tanh}
	ode, err := odelayer.New(g, "ode", net, odelayer.Config{
		Batch: batch, Times: times, // saved times; the first is where u0 holds
		Solve:   odeint.Options{Method: odeint.Tsit5, RTol: 1e-6, ATol: 1e-6},
		Adjoint: adjoint.Interpolating{}, // nil: adjoint.Discrete{}, exact
		Rand:    rand.New(rand.NewPCG(1, 2)),
	})
	check(err)
	u, err := ode.Fwd(u0) // (len(times), batch, 2)
	check(err)

	target := G.NewTensor(g, tensor.Float64, 3, G.WithShape(len(times), batch, 2), G.WithName("target"))
	loss := G.Must(G.Mean(G.Must(G.Square(G.Must(G.Sub(u, target))))))
	_, err = G.Grad(loss, ode.Learnables()...) // stock Grad works through the layer
	check(err)
	vm := G.NewTapeMachine(g, G.BindDualValues(ode.Learnables()...))
	defer vm.Close()

	start, turned := make([]float64, batch*2), make([]float64, len(times)*batch*2)
	for i := range batch {
		for j, t := range times {
			sin, cos := math.Sincos(float64(i) + t)
			turned[(j*batch+i)*2], turned[(j*batch+i)*2+1] = cos, sin
		}
	}
	copy(start, turned)
	check(G.Let(u0, tensor.New(tensor.WithShape(batch, 2), tensor.WithBacking(start))))
	check(G.Let(target, tensor.New(tensor.WithShape(len(times), batch, 2), tensor.WithBacking(turned))))

	solver := G.NewAdamSolver(G.WithLearnRate(0.01))
	for range 150 {
		check(vm.RunAll())
		check(solver.Step(G.NodesToValueGrads(ode.Learnables())))
		vm.Reset()
	}
	fmt.Println("shape", u.Shape())
	fmt.Println("loss below 1e-3:", loss.Value().Data().(float64) < 1e-3)
	// Output:
	// shape (3, 8, 2)
	// loss below 1e-3: true
}
