package adjoint

import (
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// Lorenz' system to T = 10 (SciMLSensitivity): chaotic, so solving y back over the
// whole interval is hopeless, and resetting it at the 101 saved times is enough.
func TestLorenzBacksolve(t *testing.T) {
	f := &field[float64]{
		dim: 3, theta: []float64{10, 28, 8.0 / 3},
		eval: func(d []float64, _ float64, y, p []float64) {
			d[0], d[1], d[2] = p[0]*(y[1]-y[0]), y[0]*(p[1]-y[2])-y[1], y[0]*y[1]-p[2]*y[2]
		},
		vjp: func(dy, dp []float64, _ float64, y, p, l []float64) {
			dy[0] = -p[0]*l[0] + (p[1]-y[2])*l[1] + y[1]*l[2]
			dy[1] = p[0]*l[0] - l[1] + y[0]*l[2]
			dy[2] = -y[0]*l[1] - p[2]*l[2]
			dp[0] += (y[1] - y[0]) * l[0]
			dp[1] += y[0] * l[1]
			dp[2] -= y[2] * l[2]
		},
	}
	opt := odeint.Options{Method: odeint.Dop853, RTol: 1e-12, ATol: 1e-12}
	times, y0 := grid(0, 10, 100), []float64{1, 0, 0}
	_, a, _ := pull(t, f, opt, Interpolating{}, times, y0, distanceTo2)
	_, b, _ := pull(t, f, opt, Backsolve{}, times, y0, distanceTo2)
	gradtest.Close(t, "∂L/∂p", b.Theta, a.Theta, 1e-5)
	gradtest.Close(t, "∂L/∂u0", b.Y0, a.Y0, 1e-5)
	// Times without a cotangent reset y too.
	_, a, _ = pull(t, f, opt, Interpolating{}, times, y0, lastOnly(1.0, 1, 1))
	_, b, _ = pull(t, f, opt, Backsolve{}, times, y0, lastOnly(1.0, 1, 1))
	gradtest.Close(t, "∂y(T)/∂p", b.Theta, a.Theta, 1e-4)

	// In one go it does not end, or ends somewhere else.
	opt.MaxSteps = 10_000
	s, err := New[float64](f, opt, Backsolve{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Forward(ctx, []float64{0, 10}, y0); err != nil {
		t.Fatal(err)
	}
	one := Gradient[float64]{WantTimes: true}
	dys := []float64{0, 0, 0, 1, 1, 1}
	if err = s.Backward(ctx, &one, dys); err == nil {
		_, want, _ := pull(t, f, opt, Interpolating{}, []float64{0, 10}, y0, lastOnly(1.0, 1, 1))
		if gradtest.RelErr(one.Theta, want.Theta) < 1e-5 {
			t.Error("one interval of Lorenz' system can be solved backwards: the documentation is too gloomy")
		}
	}
}
