package adjoint

import (
	"fmt"
	"math"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// With methods for stiff problems the gradient of Interpolating is that of Discrete to the
// tolerance, on several problems, in both directions, with cotangents on the way and a jump.
func TestStiffInterpolating(t *testing.T) {
	type problem struct {
		name  string
		f     odeint.Differentiable[float64]
		times []float64
		y0, w []float64
		jumps []float64
	}
	vdp := &field[float64]{
		dim: 2, theta: []float64{5},
		eval: func(d []float64, _ float64, y, th []float64) {
			d[0], d[1] = y[1], th[0]*(1-y[0]*y[0])*y[1]-y[0]
		},
		vjp: func(dy, dth []float64, _ float64, y, th, l []float64) {
			dy[0] = -(1 + 2*th[0]*y[0]*y[1]) * l[1]
			dy[1] = l[0] + th[0]*(1-y[0]*y[0])*l[1]
			dth[0] += (1 - y[0]*y[0]) * y[1] * l[1]
		},
	}
	for _, p := range []problem{
		{"forwards", lotkaVolterra[float64](true, 1.5, 1, 3, 1), []float64{0, 0.4, 1}, []float64{1, 1.3}, []float64{1, -0.5}, nil},
		{"backwards", lotkaVolterra[float64](true, 1.5, 1, 3, 1), []float64{1, 0.7, 0}, []float64{1, 1.3}, []float64{1, -0.5}, nil},
		{"jump", lotkaVolterra[float64](true, 1.5, 1, 3, 1), []float64{0, 1}, []float64{1, 1.3}, []float64{1, -0.5}, []float64{0.3}},
		{"van der Pol", vdp, []float64{0, 1, 4}, []float64{2, 0}, []float64{1, 0.3}, nil},
		{"relaxation", relaxation(100).field, []float64{0, 2}, []float64{0}, []float64{1}, nil},
		{"linear", linear[float64](-1, 0.5, -2, -3), []float64{0, 1}, []float64{1, 1}, []float64{1, 1}, nil},
		{"batch", pairs[float64]{lotkaVolterra[float64](true, 1.5, 1, 3, 1)}, []float64{0, 1}, []float64{1, 1.3, 0.5, 2}, []float64{1, -0.5, 0.3, 1}, nil},
	} {
		tight := odeint.Options{Method: odeint.Rodas5P, RTol: 1e-12, ATol: 1e-12, Jumps: p.jumps}
		_, got, s := pull(t, p.f, tight, Interpolating{}, p.times, p.y0, constant(p.w...))
		tight.Method = odeint.Dop853
		_, want, _ := pull(t, p.f, tight, Discrete{}, p.times, p.y0, constant(p.w...))
		_, back := s.Stats()
		t.Logf("%s: back %v", p.name, back.Stats)
		gradtest.Close(t, p.name+" ∂L/∂θ", got.Theta, want.Theta, 1e-9)
		gradtest.Close(t, p.name+" ∂L/∂y0", got.Y0, want.Y0, 1e-9)
		if back.Jacobians == 0 || back.LUs == 0 {
			t.Errorf("%s: no method for stiff problems: %v", p.name, back)
		}
	}
}

// A decay towards a forced solution at rates up to 1e6: the gradient is right to 1e-5 at a
// tolerance of 1e-6, with any stiff method forwards.
func TestStiffInterpolatingRates(t *testing.T) {
	for _, rate := range []float64{1, 10, 1e2, 1e3, 1e4, 1e6} {
		f := relaxation(rate)
		opt := odeint.Options{Method: odeint.Kvaerno5, RTol: 1e-11, ATol: 1e-11}
		_, want, _ := pull[float64](t, f, opt, Discrete{}, []float64{0, 2}, []float64{0}, lastOnly(1.0))
		for _, m := range []odeint.Method{odeint.Rodas5P, odeint.Kvaerno5, odeint.KenCarp4, odeint.Auto{}} {
			opt := odeint.Options{Method: m, RTol: 1e-6, ATol: 1e-6}
			_, g, s := pull[float64](t, f, opt, Interpolating{}, []float64{0, 2}, []float64{0}, lastOnly(1.0))
			e := math.Abs(g.Theta[0]/want.Theta[0] - 1)
			_, back := s.Stats()
			t.Logf("r = %g, %v: error %.2g, back %v", rate, m, e, back.Stats)
			if limit := map[bool]float64{true: 1e-5, false: 1e-4}[m == odeint.Method(odeint.Rodas5P)]; e > limit {
				t.Errorf("r = %g, %v: %v, want %v", rate, m, g.Theta, want.Theta)
			}
		}
	}
}

// The steps do not depend on the number of parameters, and nothing is allocated.
func TestStiffInterpolatingAgain(t *testing.T) {
	opt := odeint.Options{Method: odeint.Rodas5P}
	for _, m := range []Method{Interpolating{}, Interpolating{Solve: &odeint.Options{Method: odeint.Kvaerno5, RTol: 1e-6}}} {
		f := relaxation(1e3)
		solver, err := New[float64](f, opt, m)
		if err != nil {
			t.Fatal(err)
		}
		g := &Gradient[float64]{}
		dys, times, y0 := []float64{0, 1, 1}, []float64{0, 1, 2}, []float64{0}
		run := func() {
			f.evals = f.evals[:0]
			if _, err := solver.Forward(ctx, times, y0); err != nil {
				t.Fatal(err)
			}
			if err := solver.Backward(ctx, g, dys); err != nil {
				t.Fatal(err)
			}
		}
		run()
		run()
		theta := g.Theta[0]
		// A stage that Kvaerno5 does not find makes an error.
		if n := testing.AllocsPerRun(3, run); n > 0 && m == Method(Interpolating{}) {
			t.Errorf("%v: %v allocations", m, n)
		}
		if g.Theta[0] != theta {
			t.Errorf("%v: %v, then %v", m, theta, g.Theta[0])
		}
	}
	if _, err := New[float64](relaxation(1), opt, Interpolating{Solve: &odeint.Options{Method: odeint.GaussLegendre4, H0: 0.1}}); err == nil {
		t.Error(fmt.Sprint(odeint.GaussLegendre4, " without ParamsInNorm passes"))
	}
}

// The rule with n nodes integrates x^(2n−1) exactly, and x^2n not.
func TestGaussLegendre(t *testing.T) {
	for n := 1; n <= 5; n++ {
		nodes, weights := make([]float64, n), make([]float64, n)
		gaussLegendre(nodes, weights)
		for degree := 0; degree <= 2*n; degree++ {
			sum := 0.0
			for i, x := range nodes {
				sum += weights[i] * math.Pow(x, float64(degree))
			}
			if off := math.Abs(sum*float64(degree+1) - 1); (off < 1e-14) != (degree < 2*n) {
				t.Errorf("%d nodes, x^%d: off by %.2g", n, degree, off)
			}
		}
	}
}
