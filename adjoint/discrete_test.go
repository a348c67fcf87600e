package adjoint

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

var ctx = context.Background()

// replay is a Runge–Kutta solve of its own: the steps and the outputs of sol, as
// plainly as they can be written. It returns the saved states.
func replay(f odeint.VectorField[float64], m *odeint.Tableau, sol *odeint.Solution[float64], steps []odeint.Step[float64], y0 []float64) []float64 {
	m = m.WithDense()
	n, rows := f.Dim(), len(m.A)
	out := append([]float64(nil), y0...)
	weights := make([]float64, rows)
	k := make([][]float64, rows)
	y := append([]float64(nil), y0...)
	combine := func(h float64, w []float64) []float64 {
		z := append([]float64(nil), y...)
		for i, wi := range w {
			for j := range z {
				z[j] += h * wi * k[i][j]
			}
		}
		return z
	}
	row := 1
	for i, s := range steps {
		for j := range k {
			k[j] = make([]float64, n)
			f.Eval(k[j], s.StageTime(m.C[j]), combine(s.H, m.A[j]))
		}
		end := combine(s.H, m.B)
		for ; row < len(sol.T); row++ {
			from, theta := sol.Origin(row)
			if from != i {
				break
			}
			if theta == 1 {
				out = append(out, end...)
				continue
			}
			m.DenseWeights(weights, theta)
			out = append(out, combine(s.H, weights)...)
		}
		y = end
	}
	return out
}

// driven is a pendulum with a driving force that may jump at t = 1: non-autonomous,
// not linear in anything.
func driven() *field[float64] {
	force := func(t float64) float64 {
		if t < 1 {
			return math.Cos(2 * t)
		}
		return -1.5
	}
	return &field[float64]{
		dim: 2, theta: []float64{1.3, 0.2, 0.7},
		eval: func(d []float64, t float64, y, p []float64) {
			d[0] = y[1]
			d[1] = -p[0]*math.Sin(y[0]) - p[1]*y[1]*y[1]*y[1] + force(t)*p[2]*p[2]
		},
		vjp: func(dy, dp []float64, t float64, y, p, l []float64) {
			dy[0] = -p[0] * math.Cos(y[0]) * l[1]
			dy[1] = l[0] - 3*p[1]*y[1]*y[1]*l[1]
			dp[0] -= math.Sin(y[0]) * l[1]
			dp[1] -= y[1] * y[1] * y[1] * l[1]
			dp[2] += 2 * force(t) * p[2] * l[1]
		},
	}
}

// TestDiscreteExact holds Discrete against central differences of the very
// steps it reversed. The differences are good to about 1e-11, whatever the
// tolerance of the solve.
func TestDiscreteExact(t *testing.T) {
	grids := map[string][]float64{
		"inside steps": {0, 0.13, 0.55, 1.21, 1.9, 2.3},
		"end only":     {0, 2},
		"backwards":    {2, 1.7, 0.4, 0.39, -0.5},
		"a jump":       {0.2, 1, 1.5},
	}
	for _, m := range odeint.Tableaus() {
		for name, times := range grids {
			for _, memory := range []Memory{Stages{}, States{}} {
				opt := odeint.Options{Method: m, RTol: 1e-3, ATol: 1e-3, Jumps: []float64{1}}
				if m.E == nil {
					opt.RTol, opt.ATol, opt.H0 = 0, 0, 0.17
				}
				t.Run(fmt.Sprintf("%s/%s/%v", m, name, memory), func(t *testing.T) {
					testExact(t, driven(), opt, Discrete{Memory: memory}, times, []float64{0.4, -0.6})
				})
			}
		}
	}
}

func testExact(t *testing.T, f *field[float64], opt odeint.Options, m Discrete, times, y0 []float64) {
	s, err := New[float64](f, opt, m)
	if err != nil {
		t.Fatal(err)
	}
	sol, err := s.Forward(ctx, times, y0)
	if err != nil {
		t.Fatal(err)
	}
	var steps []odeint.Step[float64]
	for i := range sol.NumSteps() {
		steps = append(steps, sol.Step(i))
	}
	tableau := opt.Method.(*odeint.Tableau)
	gradtest.Close(t, "replay", replay(f, tableau, sol, steps, y0), sol.Y, 1e-14)

	// A loss that is not linear in the states and leaves out one of them.
	weight := func(i int) float64 { return float64((i/2+1)%3) * (1 + 0.3*float64(i%2)) }
	loss := func(y []float64) (l float64) {
		for i, v := range y {
			l += weight(i) * math.Sin(v)
		}
		return l
	}
	dys := make([]float64, len(sol.Y))
	for i, v := range sol.Y {
		dys[i] = weight(i) * math.Cos(v)
	}
	g := Gradient[float64]{WantTimes: true}
	if err := s.Backward(ctx, &g, dys); err != nil {
		t.Fatal(err)
	}
	again := func() float64 { return loss(replay(f, tableau, sol, steps, y0)) }
	gradtest.Close(t, "∂L/∂y0", g.Y0, gradtest.Gradient(again, y0, 1e-3), 1e-9)
	gradtest.Close(t, "∂L/∂θ", g.Theta, gradtest.Gradient(again, f.theta, 1e-3), 1e-9)
}
