package main

import (
	"math"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// TestVJP holds the fields differentiated by hand against central differences of steps
// 1e-4, whose error is about 1e-9 and the field's size times 1e-12.
func TestVJP(t *testing.T) {
	predators := lotkaVolterra{2.0 / 3, 4.0 / 3, 1, 1}
	stiff := &relaxation{rate: 30, theta: 1.2}
	theta := []float64{stiff.theta}
	for _, c := range []struct {
		name   string
		field  odeint.Differentiable[float64]
		params []float64
		set    func()
	}{
		{"Lotka–Volterra", predators, predators, func() {}},
		{"relaxation", stiff, theta, func() { stiff.theta = theta[0] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			const at = 0.4
			y, lambda := []float64{0.7, 1.3}[:c.field.Dim()], []float64{-0.5, 2}[:c.field.Dim()]
			dydt := make([]float64, len(y))
			product := func() (sum float64) {
				c.set()
				c.field.Eval(dydt, at, y)
				for i, v := range dydt {
					sum += lambda[i] * v
				}
				return sum
			}
			wantY, wantTheta := gradtest.Gradient(product, y, 1e-4), gradtest.Gradient(product, c.params, 1e-4)
			c.set()
			got, dy, dtheta := gradtest.NaNs[float64](len(y)), gradtest.NaNs[float64](len(y)), make([]float64, len(c.params))
			c.field.VJP(got, dy, dtheta, at, y, lambda)
			product()
			gradtest.Close(t, "f", got, dydt, 0)
			gradtest.Close(t, "∂/∂y", dy, wantY, 1e-8)
			gradtest.Close(t, "∂/∂θ", dtheta, wantTheta, 1e-8)
		})
	}
}

// TestKepler has the energy −1/2 and the period 2π of an orbit with semi-major axis 1.
func TestKepler(t *testing.T) {
	y0 := perihelion()
	sol, err := odeint.Solve[float64](kepler(), 0, 2*math.Pi, y0, tight)
	if err != nil {
		t.Fatal(err)
	}
	gradtest.Close(t, "after a period", sol.Last(), y0, 1e-11)
	gradtest.Close(t, "energy", []float64{keplerEnergy(y0)}, []float64{-0.5}, 1e-15)
}

// TestCostOf has errors cost⁻², and looks between the points and beyond both ends.
func TestCostOf(t *testing.T) {
	var points []point
	for _, cost := range []float64{10, 100, 1000} {
		points = append(points, point{cost: cost, error: 1 / (cost * cost)})
	}
	for _, c := range []struct {
		level, want float64
		ok          bool
	}{{1, 10, true}, {1e-3, math.Sqrt(1000), true}, {1e-5, math.Sqrt(1e5), true}, {1e-7, 0, false}} {
		got, ok := costOf(points, c.level)
		if ok != c.ok || !(math.Abs(got-c.want) <= 1e-9*c.want) {
			t.Errorf("level %g: %v, %v, want %v, %v", c.level, got, ok, c.want, c.ok)
		}
	}
}
