package adjoint_test

import (
	"context"
	"fmt"
	"math"

	"github.com/neuralode/neuralode/adjoint"
	"github.com/neuralode/neuralode/odeint"
)

// oscillator is y″ = −k y − c y′ with θ = (k, c).
type oscillator struct{ theta [2]float64 }

func (o *oscillator) Dim() int       { return 2 }
func (o *oscillator) NumParams() int { return 2 }

func (o *oscillator) Eval(dydt []float64, _ float64, y []float64) {
	dydt[0] = y[1]
	dydt[1] = -o.theta[0]*y[0] - o.theta[1]*y[1]
}

func (o *oscillator) VJP(dydt, dy, dtheta []float64, t float64, y, lambda []float64) {
	if dydt != nil {
		o.Eval(dydt, t, y)
	}
	dy[0] = -o.theta[0] * lambda[1]
	dy[1] = lambda[0] - o.theta[1]*lambda[1]
	if dtheta != nil {
		dtheta[0] -= y[0] * lambda[1]
		dtheta[1] -= y[1] * lambda[1]
	}
}

// Gradient descent finds the spring and the damping that bring the oscillator
// through two given positions.
func Example() {
	f := &oscillator{[2]float64{1, 0}}
	s, err := adjoint.New[float64](f, odeint.Options{RTol: 1e-8, ATol: 1e-8}, adjoint.Discrete{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	times, y0 := []float64{0, 1, 2}, []float64{1, 0}
	target := []float64{1, 0.4, -0.5} // positions at these times
	dys := make([]float64, len(times)*2)
	g := adjoint.Gradient[float64]{WantTimes: true}
	for i := 0; ; i++ {
		sol, err := s.Forward(ctx, times, y0)
		if err != nil {
			fmt.Println(err)
			return
		}
		loss := 0.0
		for j, want := range target {
			d := sol.Row(j)[0] - want
			loss += d * d
			dys[2*j] = 2 * d
		}
		if i%60 == 0 {
			fmt.Printf("loss %.6f, k = %.3f, c = %.3f\n", loss, f.theta[0], f.theta[1])
		}
		if i == 180 {
			return
		}
		if err := s.Backward(ctx, &g, dys); err != nil {
			fmt.Println(err)
			return
		}
		for j := range f.theta {
			f.theta[j] -= 0.5 * g.Theta[j]
		}
	}
	// Output:
	// loss 0.026716, k = 1.000, c = 0.000
	// loss 0.000129, k = 1.449, c = 0.265
	// loss 0.000002, k = 1.492, c = 0.297
	// loss 0.000000, k = 1.497, c = 0.301
}

// The work that a damper takes out of the system, ∫ c y′² dt, and its gradient.
func ExampleWithCost() {
	f := &oscillator{[2]float64{4, 0.5}}
	z := adjoint.WithCost[float64](f, work{f})
	s, err := adjoint.New(z, odeint.Options{RTol: 1e-10, ATol: 1e-10}, adjoint.Interpolating{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	sol, err := s.Forward(ctx, []float64{0, 3}, []float64{1, 0, 0}) // the last component is the cost so far
	if err != nil {
		fmt.Println(err)
		return
	}
	g := adjoint.Gradient[float64]{WantTimes: true}
	if err := s.Backward(ctx, &g, []float64{0, 0, 0, 0, 0, 1}); err != nil {
		fmt.Println(err)
		return
	}
	y := sol.Row(1)
	fmt.Printf("work %.6f, energy lost %.6f\n", y[2], 2-(2*y[0]*y[0]+y[1]*y[1]/2))
	fmt.Printf("by k %.6f, by c %.6f, by the end %.6f\n", g.Theta[0], g.Theta[1], g.Times[1])
	fmt.Printf("power at the end %.6f\n", 0.5*math.Pow(y[1], 2))
	// Output:
	// work 1.586743, energy lost 1.586743
	// by k 0.332129, by c 1.318937, by the end 0.047671
	// power at the end 0.047671
}

// work is the power c y′² of the damper.
type work struct{ f *oscillator }

func (w work) Eval(_ float64, y []float64) float64 { return w.f.theta[1] * y[1] * y[1] }

func (w work) VJP(dy, dtheta []float64, _ float64, y []float64, weight float64) {
	dy[0], dy[1] = 0, weight*2*w.f.theta[1]*y[1]
	if dtheta != nil {
		dtheta[1] += weight * y[1] * y[1]
	}
}

// The same gradient by all three methods, and what each costs.
func ExampleSolver_Stats() {
	f := &oscillator{[2]float64{4, 0.1}}
	ctx := context.Background()
	for _, m := range []adjoint.Method{adjoint.Discrete{}, adjoint.Discrete{Memory: adjoint.States{}}, adjoint.Interpolating{}, adjoint.Backsolve{}} {
		s, err := adjoint.New[float64](f, odeint.Options{Method: odeint.RK4, H0: 0.02}, m)
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := s.Forward(ctx, []float64{0, 10}, []float64{1, 0}); err != nil {
			fmt.Println(err)
			return
		}
		g := adjoint.Gradient[float64]{WantTimes: true}
		if err := s.Backward(ctx, &g, []float64{0, 0, 1, 0}); err != nil {
			fmt.Println(err)
			return
		}
		forward, backward := s.Stats()
		fmt.Printf("%-13v ∂y/∂k = %.5f; forwards %d f; backwards %d f, %d VJPs\n",
			m, g.Theta[0], forward.NFE, backward.NFE, backward.VJPs)
	}
	// Output:
	// discrete      ∂y/∂k = -1.36689; forwards 2000 f; backwards 2 f, 2000 VJPs
	// discrete      ∂y/∂k = -1.36689; forwards 2000 f; backwards 1502 f, 2000 VJPs
	// interpolating ∂y/∂k = -1.36689; forwards 2001 f; backwards 2 f, 2000 VJPs
	// backsolve     ∂y/∂k = -1.36689; forwards 2000 f; backwards 2 f, 2000 VJPs
}
