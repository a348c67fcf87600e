package adjoint

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/graph"
	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/layers"
	"github.com/neuralode/neuralode/odeint"
)

// twice is a field with the derivatives of λᵀJv.
type twice[T odeint.Float] struct {
	*field[T]
	second func(dy, dtheta []T, t float64, y, theta, v, lambda []T)
}

func (f twice[T]) TangentVJP(dy, dtheta []T, t float64, y, v, lambda []T) {
	clear(dy)
	if dtheta == nil {
		dtheta = make([]T, len(f.theta))
	}
	f.second(dy, dtheta, t, y, f.theta, v, lambda)
}

func lotkaVolterraTwice[T odeint.Float](p ...T) twice[T] {
	return twice[T]{lotkaVolterra(true, p...), func(dy, dp []T, t float64, y, p, v, l []T) {
		s, mixed := T(t), v[0]*y[1]+y[0]*v[1]
		a := (p[3]*l[1] - p[1]*l[0]) * s
		dy[0], dy[1] = a*v[1], a*v[0]
		dp[0] += l[0] * v[0]
		dp[1] -= s * l[0] * mixed
		dp[2] -= l[1] * v[1]
		dp[3] += s * l[1] * mixed
	}}
}

func robertsonTwice() twice[float64] {
	k := [3]float64{0.04, 3e7, 1e4}
	return twice[float64]{robertson(), func(dy, dtheta []float64, _ float64, y, th, v, l []float64) {
		a, b, c := l[1]-l[0], l[2]-l[1], l[0]-l[1]
		dy[1] = 2*k[1]*th[1]*v[1]*b + k[2]*th[2]*v[2]*c
		dy[2] = k[2] * th[2] * v[1] * c
		dtheta[0] += k[0] * v[0] * a
		dtheta[1] += 2 * k[1] * y[1] * v[1] * b
		dtheta[2] += k[2] * (v[1]*y[2] + y[1]*v[2]) * c
	}}
}

// relaxation is y' = −r(1 + y²)(y − θ cos t).
func relaxation(rate float64) twice[float64] {
	f := &field[float64]{
		dim: 1, theta: []float64{1},
		eval: func(d []float64, t float64, y, th []float64) {
			d[0] = -rate * (1 + y[0]*y[0]) * (y[0] - th[0]*math.Cos(t))
		},
		vjp: func(dy, dth []float64, t float64, y, th, l []float64) {
			dy[0] = -rate * l[0] * (2*y[0]*(y[0]-th[0]*math.Cos(t)) + 1 + y[0]*y[0])
			dth[0] += rate * l[0] * (1 + y[0]*y[0]) * math.Cos(t)
		},
	}
	return twice[float64]{f, func(dy, dth []float64, t float64, y, th, v, l []float64) {
		dy[0] = -rate * l[0] * v[0] * (6*y[0] - 2*th[0]*math.Cos(t))
		dth[0] += 2 * rate * l[0] * v[0] * y[0] * math.Cos(t)
	}}
}

// The gradient is that of the steps, with any memory, in both directions, with saved times
// inside the steps and at their ends, on a field that depends on time.
func TestRosenbrockExact(t *testing.T) {
	w := []float64{1, -0.5}
	for _, m := range odeint.Rosenbrocks() {
		for _, times := range [][]float64{{0, 0.13, 0.5, 0.99, 1.2}, {2, 1.85, 1.5, 1}} {
			f := lotkaVolterraTwice(1.5, 1, 3, 1)
			opt := odeint.Options{Method: m, Controller: odeint.Fixed{}, H0: 0.1}
			wantY0, wantTheta := central(t, f.field, opt, times, []float64{1, 1.3}, w)
			for _, memory := range []Memory{Stages{}, States{}, Checkpoints{Bytes: 100}} {
				sol, g, s := pull[float64](t, f, opt, Discrete{Memory: memory}, times, []float64{1, 1.3}, constant(w...))
				name := fmt.Sprint(m, " ", memory, " ", times[0])
				gradtest.Close(t, name+" ∂L/∂y0", g.Y0, wantY0, 1e-9)
				gradtest.Close(t, name+" ∂L/∂θ", g.Theta, wantTheta, 1e-9)
				d := make([]float64, 2)
				f.Eval(d, times[1], sol.Row(1))
				gradtest.Close(t, name+" ∂L/∂t", g.Times[1:2], []float64{w[0]*d[0] + w[1]*d[1]}, 1e-12)
				_, backward := s.Stats()
				if backward.Jacobians == 0 || backward.LUs != backward.Jacobians {
					t.Errorf("%s: %v", name, backward)
				}
			}
			narrow := lotkaVolterraTwice[float32](1.5, 1, 3, 1)
			_, g, _ := pull[float32](t, narrow, opt, Discrete{}, times, []float32{1, 1.3}, constant[float32](1, -0.5))
			// The stages have rounding of 6e-8, which the couplings of up to 165 make 1e-5 of.
			gradtest.Close(t, fmt.Sprint(m, " float32 ∂L/∂θ"), widened(g.Theta), wantTheta, 3e-5)
			gradtest.Close(t, fmt.Sprint(m, " float32 ∂L/∂y0"), widened(g.Y0), wantY0, 3e-5)
		}
		_, err := New[float64](lotkaVolterra[float64](true, 1.5, 1, 3, 1), odeint.Options{Method: m}, Discrete{})
		if err == nil || !strings.Contains(err.Error(), "TwiceDifferentiable") {
			t.Errorf("%v, a field without second derivatives: %v", m, err)
		}
		if _, err := New[float64](lotkaVolterraTwice(1.5, 1, 3, 1), odeint.Options{Method: m}, Discrete{Memory: Inverse{}}); err == nil {
			t.Error("Inverse passes")
		}
	}
}

func widened(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// The derivatives of Robertson's y(100) by the three rates are those of the steps.
func TestRosenbrockRobertson(t *testing.T) {
	for _, m := range odeint.Rosenbrocks() {
		f := robertsonTwice()
		y0 := []float64{1, 0, 0}
		opt := odeint.Options{Method: m, RTol: 1e-6, ATols: []float64{1e-6, 1e-10, 1e-6}}
		times, w := []float64{0, 100}, []float64{1, 3e4, -0.5}
		sol, g, s := pull[float64](t, f, opt, Discrete{}, times, y0, lastOnly(w...))
		opt.SaveAt.Every = 1
		steps, err := odeint.Solve[float64](f, 0, 100, y0, opt)
		if err != nil {
			t.Fatal(err)
		}
		same := odeint.Options{Method: m, Controller: odeint.Fixed{}, Steps: 1, Stops: steps.T}
		_, want := central(t, f.field, same, times, y0, w)
		gradtest.Close(t, fmt.Sprint(m), g.Theta, want, 1e-8) // the differences are right to 1e-9
		_, backward := s.Stats()
		t.Logf("%v: %v; back %v", m, sol.Stats, backward.Stats)
	}
}

// At rates of contraction up to 1e6 the gradient is right to 2e-5 at a tolerance of 1e-6.
func TestRosenbrockStiffGradient(t *testing.T) {
	for _, rate := range []float64{1, 1e3, 1e6} {
		gradient := func(m odeint.Method, tol float64) (float64, Stats) {
			_, g, s := pull[float64](t, relaxation(rate), odeint.Options{Method: m, RTol: tol, ATol: tol}, Discrete{}, []float64{0, 2}, []float64{0}, lastOnly(1.0))
			forward, _ := s.Stats()
			return g.Theta[0], forward
		}
		want, _ := gradient(odeint.Kvaerno5, 1e-11)
		for _, m := range []odeint.Method{odeint.Rosenbrock23, odeint.Rodas5P, odeint.Auto{Stiff: odeint.Rodas5P}} {
			got, st := gradient(m, 1e-6)
			t.Logf("r = %g, %v: error %.2g, %v", rate, m, math.Abs(got/want-1), st.Stats)
			if d := math.Abs(got/want - 1); d > 2e-5 && m != odeint.Method(odeint.Rosenbrock23) || d > 2e-4 {
				t.Errorf("r = %g, %v: %v, want %v", rate, m, got, want)
			}
		}
	}
}

// A compiled network has what the reverse needs: the gradient of a batch is that of the steps.
func TestRosenbrockNetwork(t *testing.T) {
	f, err := graph.NewField[float64](layers.AppendTime{Of: layers.MLP{In: 3, Hidden: []int{5}, Out: 2}}, 2, graph.FieldConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range odeint.Rosenbrocks() {
		opt := odeint.Options{Method: m, Controller: odeint.Fixed{}, H0: 0.25}
		times, y0, w := []float64{0, 0.4, 1}, []float64{1, -0.5, 0.3, 0.8}, []float64{1, -0.5, 0.3, 2}
		solver, err := New[float64](f, opt, Discrete{})
		if err != nil {
			t.Fatal(err)
		}
		g := &Gradient[float64]{}
		dys := make([]float64, 12)
		for i := range dys {
			dys[i] = w[i%4]
		}
		run := func() {
			if _, err := solver.Forward(ctx, times, y0); err != nil {
				t.Fatal(err)
			}
			if err := solver.Backward(ctx, g, dys); err != nil {
				t.Fatal(err)
			}
		}
		run()
		run()
		if n := testing.AllocsPerRun(5, run); n > 0 {
			t.Errorf("%v: %v allocations", m, n)
		}
		loss := func() float64 {
			sol, err := odeint.SolveAt[float64](f, times, y0, opt)
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for i, y := range sol.Y {
				sum += w[i%4] * y
			}
			return sum
		}
		check := func(name string, x, got []float64) {
			gradtest.Close(t, fmt.Sprint(m, name), got, gradtest.Gradient(loss, x, 1e-3), 1e-9)
		}
		check(" ∂L/∂θ", f.Params(), g.Theta)
		check(" ∂L/∂y0", y0, g.Y0)
	}
}

// At a tolerance of 1e-9 the derivatives of Robertson's y(100) by the rates are those of the
// forward sensitivities at 1e-12 to 1e-6.
func TestRobertsonSensitivities(t *testing.T) {
	f := robertsonTwice()
	n, p := 3, 3
	sensitivities := odeint.NewFunc(n*(1+p), func(d []float64, at float64, z []float64) {
		y := z[:n]
		f.Eval(d[:n], at, y)
		row, by, unit := make([]float64, n), make([]float64, p), make([]float64, n)
		for i := range n { // d/dt ∂y_i/∂θ = ∂f_i/∂y ∂y/∂θ + ∂f_i/∂θ
			clear(by)
			clear(unit)
			unit[i] = 1
			f.VJP(nil, row, by, at, y, unit)
			for k := range p {
				d[n+i*p+k] = by[k]
				for j := range n {
					d[n+i*p+k] += row[j] * z[n+j*p+k]
				}
			}
		}
	})
	z0 := make([]float64, n*(1+p))
	z0[0] = 1
	atol := make([]float64, len(z0))
	for i := range atol {
		atol[i] = 1e-14
	}
	sol, err := odeint.Solve(sensitivities, 0, 100, z0, odeint.Options{Method: odeint.Rodas5P, RTol: 1e-12, ATols: atol, MaxSteps: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	w := []float64{1, 3e4, -0.5}
	want := make([]float64, p)
	for i, x := range w {
		for k := range p {
			want[k] += x * sol.Last()[n+i*p+k]
		}
	}
	for _, m := range []odeint.Method{odeint.Kvaerno5, odeint.Rodas5P} {
		opt := odeint.Options{Method: m, RTol: 1e-9, ATols: []float64{1e-9, 1e-14, 1e-9}}
		_, g, _ := pull[float64](t, f, opt, Discrete{}, []float64{0, 100}, []float64{1, 0, 0}, lastOnly(w...))
		gradtest.Close(t, m.String(), g.Theta, want, 1e-6)
	}
}
