package adjoint

import (
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// A continuous cost, alone and with a pointwise one, against forward mode.
func TestRunningCost(t *testing.T) {
	f := lotkaVolterra[float64](true, 1.5, 1, 3, 1)
	z := WithCost[float64](f, halfSquare{f.theta})
	times, y0 := []float64{0, 2, 3.3, 10}, []float64{1, 1, 0}
	losses := map[string]func(y []float64) []float64{
		"cost alone": lastOnly[float64](0, 0, 1),
		"both":       constant(0.3, -1.0, 0.5),
	}
	for name, dys := range losses {
		eachMethod(t, func(t *testing.T, m Method) {
			opt := odeint.Options{Method: odeint.Dop853, RTol: 1e-12, ATol: 1e-12}
			sol, g, _ := pull(t, z, opt, m, times, y0, dys)
			wantY0, wantTheta := forwardGradient(variational(t, z, times, y0), dys(sol.Y), 3)
			gradtest.Close(t, name+" ∂L/∂u0", g.Y0, wantY0, tolOf(m, 1e-9, 1e-8, 1e-8))
			gradtest.Close(t, name+" ∂L/∂p", g.Theta, wantTheta, tolOf(m, 1e-9, 1e-8, 1e-8))
		})
	}
}
