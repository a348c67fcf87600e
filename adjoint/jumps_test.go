package adjoint

import (
	"math"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// y' = −y + θ_0 before t = ½ and −y + θ_1 after it, L = ∫ y (diffrax' switched
// forcing), against the closed form.
func TestSwitchedForcing(t *testing.T) {
	f := &field[float64]{
		dim: 1, theta: []float64{0.7, -0.4},
		eval: func(d []float64, t float64, y, p []float64) {
			if d[0] = p[0] - y[0]; t >= 0.5 {
				d[0] = p[1] - y[0]
			}
		},
		vjp: func(dy, dp []float64, t float64, y, p, l []float64) {
			dy[0] = -l[0]
			if t >= 0.5 {
				dp[1] += l[0]
			} else {
				dp[0] += l[0]
			}
		},
	}
	z := WithCost[float64](f, integral{})
	// y(½) = y0 a + θ_0 (1−a), a = exp(−½), and so on for the second half.
	a := math.Exp(-0.5)
	first, second := 1-a, 0.5-(1-a)
	wantY0 := []float64{first + a*first, 1}
	wantTheta := []float64{second + (1-a)*first, second}
	eachMethod(t, func(t *testing.T, m Method) {
		opt := odeint.Options{RTol: 1e-10, ATol: 1e-10, Jumps: []float64{0.5}}
		_, g, _ := pull(t, z, opt, m, []float64{0, 1}, []float64{1.1, 0}, lastOnly(0, 1.0))
		gradtest.Close(t, "∂L/∂y0", g.Y0, wantY0, 1e-9)
		gradtest.Close(t, "∂L/∂θ", g.Theta, wantTheta, 1e-9)
	})
}

// −½y before t = ½ and y² after it (torchdiffeq): with the jump declared, both
// passes need fewer evaluations, and none of them is at the jump.
func TestJumpSavesWork(t *testing.T) {
	build := func() *field[float64] {
		return &field[float64]{
			dim: 2,
			eval: func(d []float64, t float64, y, _ []float64) {
				for i, v := range y {
					if d[i] = -0.5 * v; t >= 0.5 {
						d[i] = v * v
					}
				}
			},
			vjp: func(dy, _ []float64, t float64, y, _, l []float64) {
				for i, v := range y {
					if dy[i] = -0.5 * l[i]; t >= 0.5 {
						dy[i] = 2 * v * l[i]
					}
				}
			},
		}
	}
	// y(½) = y0 e^{−¼}; 1/y(1) = 1/y(½) − ½; ∂y(1)/∂y0 = (y(1)/y0)² e^{¼}.
	want := make([]float64, 2)
	for i, y0 := range []float64{1, 2} {
		end := 1 / (math.Exp(0.25)/y0 - 0.5)
		want[i] = end * end / (y0 * y0) * math.Exp(0.25)
	}
	eachMethod(t, func(t *testing.T, m Method) {
		work := func(jumps ...float64) (forward, backward int) {
			f := build()
			opt := odeint.Options{RTol: 1e-8, ATol: 1e-8, Jumps: jumps}
			_, g, s := pull(t, f, opt, m, []float64{0, 1}, []float64{1, 2}, lastOnly(1.0, 1.0))
			tol := 1e-4 // a jump met by chance
			if len(jumps) > 0 {
				tol = 1e-6
			}
			gradtest.Close(t, "∂L/∂y0", g.Y0, want, tol)
			for _, at := range f.evals {
				if len(jumps) > 0 && at == jumps[0] {
					t.Fatalf("f was evaluated at its jump")
				}
			}
			a, b := s.Stats()
			return a.NFE, b.NFE + b.VJPs
		}
		f0, b0 := work()
		f1, b1 := work(0.5)
		if f1 >= f0 || b1 >= b0 {
			t.Errorf("evaluations with the jump: %d forwards, %d backwards; without: %d, %d", f1, b1, f0, b0)
		}
	})
}
