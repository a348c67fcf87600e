package adjoint

import (
	"errors"
	"math"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// u1 = −p1/p2, u2 = p1 p3/(p2 p4) (SciML's steady state), with its derivatives.
func TestSteadyStateGradient(t *testing.T) {
	f := &field[float64]{
		dim: 2, theta: []float64{2, -2, 1, -4},
		eval: func(d []float64, _ float64, y, p []float64) { d[0], d[1] = p[0]+p[1]*y[0], p[2]*y[0]+p[3]*y[1] },
		vjp: func(dy, dp []float64, _ float64, y, p, l []float64) {
			dy[0], dy[1] = p[1]*l[0]+p[2]*l[1], p[3]*l[1]
			dp[0] += l[0]
			dp[1] += y[0] * l[0]
			dp[2] += y[0] * l[1]
			dp[3] += y[1] * l[1]
		},
	}
	y, _, err := odeint.SteadyState[float64](ctx, f, []float64{1, 1}, odeint.SteadyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	gradtest.Close(t, "state", y, []float64{1, 0.25}, 1e-14)
	g := make([]float64, 4)
	if err := SteadyState[float64](f, 0, y, []float64{1, 3}, g); err != nil {
		t.Fatal(err)
	}
	p := f.theta
	want := []float64{
		-1/p[1] + 3*p[2]/(p[1]*p[3]),
		p[0]/(p[1]*p[1]) - 3*p[0]*p[2]/(p[1]*p[1]*p[3]),
		3 * p[0] / (p[1] * p[3]),
		-3 * p[0] * p[2] / (p[1] * p[3] * p[3]),
	}
	gradtest.Close(t, "gradient", g, want, 1e-13)
	f.theta = []float64{0, 0, 1, -4}
	if err := SteadyState[float64](f, 0, []float64{1, 0.25}, []float64{1, 3}, g); !errors.Is(err, ErrSingular) {
		t.Errorf("a singular Jacobian: %v", err)
	}
}

// y' = s − y: gradient descent with Nesterov's momentum on s brings the steady state to 0.76
// (diffrax).
func TestSteadyStateDescent(t *testing.T) {
	f := &field[float64]{
		dim: 1, theta: []float64{0},
		eval: func(d []float64, _ float64, y, p []float64) { d[0] = p[0] - y[0] },
		vjp:  func(dy, dp []float64, _ float64, _, _, l []float64) { dy[0] = -l[0]; dp[0] += l[0] },
	}
	speed := 0.0
	for range 100 {
		y, _, err := odeint.SteadyState[float64](ctx, f, []float64{1}, odeint.SteadyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		g := []float64{0}
		if err := SteadyState[float64](f, 0, y, []float64{2 * (y[0] - 0.76)}, g); err != nil {
			t.Fatal(err)
		}
		speed = 0.7*speed - 1e-2*g[0]
		f.theta[0] += 0.7*speed - 1e-2*g[0]
	}
	if math.Abs(f.theta[0]-0.76) > 1e-2 {
		t.Errorf("s is %v, want 0.76", f.theta[0])
	}
}

// A batch of networks, against central differences of the search.
func TestSteadyStateBatch(t *testing.T) {
	net := randomMLP[float64](3, []int{2, 6, 2}, "tanh")
	f := &settling{net}
	y0 := make([]float64, f.Dim())
	w := []float64{1, -0.5, 0.3, 2, 0.7, -1}
	loss := func() float64 {
		y, _, err := odeint.SteadyState[float64](ctx, f, y0, odeint.SteadyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return dot(y, w)
	}
	y, _, err := odeint.SteadyState[float64](ctx, f, y0, odeint.SteadyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	g := make([]float64, f.NumParams())
	if err := SteadyState[float64](f, 0, y, w, g); err != nil {
		t.Fatal(err)
	}
	gradtest.Close(t, "gradient", g, gradtest.Gradient(loss, net.theta, 1e-3), 1e-8)
}

// settling is the net's field with a pull towards 0.
type settling struct{ *mlp[float64] }

func (s *settling) SampleDim() int { return 2 }

func (s *settling) Eval(d []float64, t float64, y []float64) {
	s.mlp.Eval(d, t, y)
	for i, v := range y {
		d[i] -= 2 * v
	}
}

func (s *settling) VJP(d, dy, dtheta []float64, t float64, y, l []float64) {
	s.mlp.VJP(d, dy, dtheta, t, y, l)
	for i, v := range l {
		dy[i] -= 2 * v
	}
	if d != nil {
		for i, v := range y {
			d[i] -= 2 * v
		}
	}
}
