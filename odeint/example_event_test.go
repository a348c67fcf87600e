package odeint_test

import (
	"context"
	"fmt"

	"github.com/neuralode/neuralode/odeint"
)

// A ball falls from 5 m and bounces with 0.8 of its speed.
func ExampleEvent() {
	fall := odeint.NewFunc(2, func(d []float64, _ float64, y []float64) { d[0], d[1] = y[1], -9.8 })
	bounce := odeint.Event[float64]{
		Condition: odeint.When(func(_ float64, y []float64) float64 { return y[0] }),
		Direction: odeint.Falling,
		Effect:    odeint.MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0], dst[1] = 0, -0.8*y[1] }),
	}
	sol, err := odeint.Solve(fall, 0, 4, []float64{5, 0}, odeint.Options{Events: odeint.Events[float64]{bounce}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range sol.Events {
		fmt.Printf("t = %.4f: %.3f m/s becomes %.3f m/s\n", o.T, o.Before[1], o.After[1])
	}
	// Output:
	// t = 1.0102: -9.899 m/s becomes 7.920 m/s
	// t = 2.6264: -7.920 m/s becomes 6.336 m/s
	// t = 3.9194: -6.336 m/s becomes 5.069 m/s
}

// A drug that decays, with a dose of 1 at t = 0, 6 and 12; the solve ends when too little is left.
func ExampleEvent_scheduled() {
	decay := odeint.NewFunc(1, func(d []float64, _ float64, y []float64) { d[0] = -0.2 * y[0] })
	events := odeint.Events[float64]{
		{Times: []float64{0, 6, 12}, Effect: odeint.MapFunc[float64](func(dst []float64, _ float64, y []float64) { dst[0] = y[0] + 1 })},
		{Condition: odeint.When(func(_ float64, y []float64) float64 { return y[0] - 0.2 }), Direction: odeint.Falling, Terminal: true},
	}
	sol, err := odeint.Solve(decay, 0, 48, []float64{0}, odeint.Options{Events: events})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range sol.Events {
		fmt.Printf("event %d at %.2f: %.3f → %.3f\n", o.Event, o.T, o.Before[0], o.After[0])
	}
	fmt.Println("stopped:", sol.Stopped())
	// Output:
	// event 0 at 0.00: 0.000 → 1.000
	// event 0 at 6.00: 0.301 → 1.301
	// event 0 at 12.00: 0.392 → 1.392
	// event 1 at 21.70: 0.200 → 0.200
	// stopped: true
}

// The steps of a solve, as a loop that ends when it has seen enough.
func ExampleIntegrator_Steps() {
	in, err := odeint.New(odeint.NewFunc(1, func(d []float64, t float64, y []float64) { d[0] = -y[0] }), odeint.Options{H0: 0.5, RTol: 1e-3})
	if err != nil {
		fmt.Println(err)
		return
	}
	var sol odeint.Solution[float64]
	for step, err := range in.Steps(context.Background(), &sol, 0, 100, []float64{1}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if step.Y1[0] < 0.2 {
			break
		}
	}
	fmt.Printf("%.1f\n", sol.Last()[0])
	// Output:
	// 0.1
}
