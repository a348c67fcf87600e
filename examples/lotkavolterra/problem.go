package main

import (
	"math/rand/v2"

	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// The paper's section 3.2: du1/dt = αu1 − βu1u2, du2/dt = δu1u2 − γu2 from (1, 1), seen
// without noise at 101 times on [0, 10].
const (
	alpha, beta  = 2.0 / 3, 4.0 / 3
	delta, gamma = 1.0, 1.0

	end       = 10 // of the data
	intervals = 100
	reach     = 50.0 // extrapolation, in both directions
	period    = 8.02664
	hidden    = 64

	// gain is the size of the initial weights over that of Glorot and Bengio. With their
	// weights the 64 tanh are nearly linear where the data lie, hence nearly alike, and L-BFGS
	// gains a tenth as much in the same number of iterations.
	gain = 2
)

func start() []float64 { return []float64{1, 1} }

// network is the learned right-hand side: one hidden layer of 64 tanh.
func network() layers.MLP {
	return layers.MLP{In: 2, Hidden: []int{hidden}, Out: 2, Activation: layers.Tanh, WeightInit: layers.GlorotUniform(gain)}
}

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// lotkaVolterra is the true right-hand side.
func lotkaVolterra(dydt []float64, _ float64, u []float64) {
	dydt[0] = alpha*u[0] - beta*u[0]*u[1]
	dydt[1] = delta*u[0]*u[1] - gamma*u[1]
}

// truth returns the true states at times, of which the first is 0, to 1e-12.
func truth(times []float64) ([]float64, error) {
	sol, err := odeint.Solve(odeint.NewFunc(2, lotkaVolterra), times[0], times[len(times)-1], start(), odeint.Options{
		Method: odeint.Dop853, RTol: 1e-12, ATol: 1e-12, SaveAt: odeint.SaveAt{Times: times},
	})
	if err != nil {
		return nil, err
	}
	return sol.Y, nil
}
