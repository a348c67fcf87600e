package adjoint_test

import (
	"context"
	"fmt"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/odeint"
)

// spring is dq/dt = p, dp/dt = −k q with θ = (k), a separable field with the
// vector-Jacobian products of its halves.
type spring struct{ k []float64 }

func (s spring) Dim() int       { return 2 }
func (s spring) SampleDim() int { return 2 }
func (s spring) NumParams() int { return 1 }

func (s spring) Drift(dq []float64, _ float64, p []float64) { dq[0] = p[0] }
func (s spring) Kick(dp []float64, _ float64, q []float64)  { dp[0] = -s.k[0] * q[0] }
func (s spring) Eval(dz []float64, _ float64, z []float64)  { dz[0], dz[1] = z[1], -s.k[0]*z[0] }

func (s spring) DriftVJP(dq, dp, _ []float64, t float64, p, lambda []float64) {
	s.Drift(dq, t, p)
	dp[0] = lambda[0]
}

func (s spring) KickVJP(dp, dq, dtheta []float64, t float64, q, lambda []float64) {
	s.Kick(dp, t, q)
	dq[0] = -s.k[0] * lambda[0]
	if dtheta != nil {
		dtheta[0] -= q[0] * lambda[0]
	}
}

func (s spring) VJP(dz, dy, dtheta []float64, t float64, z, lambda []float64) {
	if dz != nil {
		s.Eval(dz, t, z)
	}
	dy[0], dy[1] = -s.k[0]*lambda[1], lambda[0]
	if dtheta != nil {
		dtheta[0] -= z[0] * lambda[1]
	}
}

// A hundred thousand leapfrog steps are reversed without being stored: the states are found
// again by undoing the steps.
func ExampleDiscrete_reconstruct() {
	opt := odeint.Options{Method: odeint.VelocityVerlet, H0: 1e-3}
	s, err := adjoint.New[float64](spring{[]float64{4}}, opt, adjoint.Discrete{Memory: adjoint.Inverse{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if _, err := s.Forward(ctx, []float64{0, 100}, []float64{1, 0}); err != nil {
		fmt.Println(err)
		return
	}
	g := adjoint.Gradient[float64]{WantTimes: true}
	if err := s.Backward(ctx, &g, []float64{0, 0, 1, 0}); err != nil { // L = q(100)
		fmt.Println(err)
		return
	}
	forward, back := s.Stats()
	fmt.Printf("dL/dq0 = %.4f, dL/dk = %.4f\n", g.Y0[0], g.Theta[0])
	fmt.Println("steps:", forward.Accepted, " kept less than 1 kB:", forward.Bytes < 1000)
	fmt.Println("states right to 1e-11:", back.Reconstruction < 1e-11)
	// Output:
	// dL/dq0 = 0.4872, dL/dk = 21.8320
	// steps: 100000  kept less than 1 kB: true
	// states right to 1e-11: true
}
