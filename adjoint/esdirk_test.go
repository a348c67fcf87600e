package adjoint

import (
	"fmt"
	"math"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/internal/odetest"
	"github.com/neuralode/neuralode/odeint"
)

// robertson is the field of problem ROBER with rates relative to those of the problem.
func robertson() *field[float64] {
	k := [3]float64{0.04, 3e7, 1e4}
	return &field[float64]{
		dim: 3, theta: []float64{1, 1, 1},
		eval: func(d []float64, t float64, y, th []float64) {
			odetest.Robertson(k[0]*th[0], k[1]*th[1], k[2]*th[2])(d, t, y)
		},
		vjp: func(dy, dtheta []float64, _ float64, y, th, l []float64) {
			a, b, c := l[1]-l[0], l[2]-l[1], l[0]-l[1] // of the three reactions
			dy[0] = k[0] * th[0] * a
			dy[1] = 2*k[1]*th[1]*y[1]*b + k[2]*th[2]*y[2]*c
			dy[2] = k[2] * th[2] * y[1] * c
			dtheta[0] += k[0] * y[0] * a
			dtheta[1] += k[1] * y[1] * y[1] * b
			dtheta[2] += k[2] * y[1] * y[2] * c
		},
	}
}

// central are the derivatives of the loss Σ w·y of a solve by y0 and θ, by central differences
// of two sizes, extrapolated.
func central(t *testing.T, f *field[float64], opt odeint.Options, times, y0, w []float64) (dy0, dtheta []float64) {
	t.Helper()
	loss := func() float64 {
		sol, err := odeint.SolveAt[float64](f, times, y0, opt)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, y := range sol.Y {
			sum += w[i%len(w)] * y
		}
		return sum
	}
	differentiate := func(x []float64) []float64 {
		d := make([]float64, len(x))
		for i, at := range x {
			h := 2e-4 * max(math.Abs(at), 1e-2)
			slope := func(h float64) float64 {
				x[i] = at + h
				up := loss()
				x[i] = at - h
				down := loss()
				x[i] = at
				return (up - down) / (2 * h)
			}
			d[i] = (4*slope(h) - slope(2*h)) / 3
		}
		return d
	}
	return differentiate(y0), differentiate(f.theta)
}

// The gradient is that of the steps, with any memory, in both directions, with saved times
// inside the steps and at their ends.
func TestESDIRKExact(t *testing.T) {
	w := []float64{1, -0.5}
	for _, m := range odeint.ESDIRKs() {
		for _, times := range [][]float64{{0, 0.13, 0.5, 0.99, 1.2}, {2, 1.85, 1.5, 1}} {
			f := lotkaVolterra[float64](true, 1.5, 1, 3, 1)
			opt := odeint.Options{Method: m, Controller: odeint.Fixed{}, H0: 0.1}
			wantY0, wantTheta := central(t, f, opt, times, []float64{1, 1.3}, w)
			for _, memory := range []Memory{Stages{}, States{}, Checkpoints{Bytes: 100}} {
				sol, g, s := pull(t, f, opt, Discrete{Memory: memory}, times, []float64{1, 1.3}, constant(w...))
				name := fmt.Sprint(m, " ", memory, " ", times[0])
				gradtest.Close(t, name+" ∂L/∂y0", g.Y0, wantY0, 1e-9)
				gradtest.Close(t, name+" ∂L/∂θ", g.Theta, wantTheta, 1e-9)
				d := make([]float64, 2)
				f.Eval(d, times[1], sol.Row(1))
				gradtest.Close(t, name+" ∂L/∂t", g.Times[1:2], []float64{w[0]*d[0] + w[1]*d[1]}, 1e-12)
				_, backward := s.Stats()
				if backward.Jacobians == 0 || backward.LUs == 0 {
					t.Errorf("%s: %v", name, backward)
				}
			}
		}
	}
	opt := odeint.Options{Method: odeint.Kvaerno5}
	if _, err := New[float64](lotkaVolterra[float64](true, 1.5, 1, 3, 1), opt, Discrete{Memory: Inverse{}}); err == nil {
		t.Error("Inverse passes")
	}
}

// The derivatives of Robertson's y(100) by the three rates are those of the steps, on steps
// from 1e-4 to 20.
func TestRobertsonGradient(t *testing.T) {
	for _, m := range odeint.ESDIRKs() {
		f := robertson()
		y0 := []float64{1, 0, 0}
		adaptive := odeint.Options{Method: m, RTol: 1e-6, ATols: []float64{1e-6, 1e-10, 1e-6}}
		adaptive.SaveAt.Every = 1
		sol, err := odeint.Solve[float64](f, 0, 100, y0, adaptive)
		if err != nil {
			t.Fatal(err)
		}
		same := odeint.Options{Method: m, Controller: odeint.Fixed{}, Steps: 1, Stops: sol.T}
		times, w := []float64{0, 100}, []float64{1, 3e4, -0.5}
		_, want := central(t, f, same, times, y0, w)
		_, g, _ := pull(t, f, same, Discrete{}, times, y0, lastOnly(w...))
		gradtest.Close(t, fmt.Sprint(m, " on given steps"), g.Theta, want, 1e-9)

		adaptive.SaveAt.Every = 0
		_, g, s := pull(t, f, adaptive, Discrete{}, times, y0, lastOnly(w...))
		gradtest.Close(t, fmt.Sprint(m, " with tolerances"), g.Theta, want, 1e-8) // Newton's error
		forward, backward := s.Stats()
		t.Logf("%v: %v; back %v", m, forward.Stats, backward.Stats)
		if backward.VJPs > 3*forward.NFE {
			t.Errorf("%v: %d VJPs back for %d evaluations", m, backward.VJPs, forward.NFE)
		}
	}
}

// pairs is two samples of a field, as a batch.
type pairs[T odeint.Float] struct{ *field[T] }

func (p pairs[T]) Dim() int       { return 2 * p.dim }
func (p pairs[T]) SampleDim() int { return p.dim }

func (p pairs[T]) Eval(d []T, t float64, y []T) {
	p.field.Eval(d[:p.dim], t, y[:p.dim])
	p.field.Eval(d[p.dim:], t, y[p.dim:])
}

func (p pairs[T]) VJP(dydt, dy, dtheta []T, t float64, y, l []T) {
	if dydt != nil {
		p.Eval(dydt, t, y)
	}
	p.field.VJP(nil, dy[:p.dim], dtheta, t, y[:p.dim], l[:p.dim])
	p.field.VJP(nil, dy[p.dim:], dtheta, t, y[p.dim:], l[p.dim:])
}

// The gradient of a batch is that of its samples, in both widths.
func testESDIRKBatch[T odeint.Float](t *testing.T, tol float64) {
	for _, m := range odeint.ESDIRKs() {
		f := lotkaVolterra[T](true, 1.5, 1, 3, 1)
		opt := odeint.Options{Method: m, Controller: odeint.Fixed{}, H0: 0.1}
		times := []float64{0, 0.33, 1}
		_, both, s := pull[T](t, pairs[T]{f}, opt, Discrete{}, times, []T{1, 1.3, 0.5, 2}, constant[T](1, -0.5))
		_, one, _ := pull[T](t, f, opt, Discrete{}, times, []T{1, 1.3}, constant[T](1, -0.5))
		_, two, _ := pull[T](t, f, opt, Discrete{}, times, []T{0.5, 2}, constant[T](1, -0.5))
		sum := make([]T, 4)
		for i := range sum {
			sum[i] = one.Theta[i] + two.Theta[i]
		}
		gradtest.Close(t, fmt.Sprint(m, " ∂L/∂y0"), both.Y0, append(one.Y0[:2:2], two.Y0...), tol)
		gradtest.Close(t, fmt.Sprint(m, " ∂L/∂θ"), both.Theta, sum, tol)
		if _, back := s.Stats(); back.Jacobians > back.Accepted {
			t.Errorf("%v: %v", m, back)
		}
	}
}

func TestESDIRKBatch(t *testing.T) {
	t.Run("float64", func(t *testing.T) { testESDIRKBatch[float64](t, 1e-12) })
	t.Run("float32", func(t *testing.T) { testESDIRKBatch[float32](t, 2e-5) })
}

// A decay towards a forced solution at rates up to 1e6: the gradient by the rate of what it
// follows is right at every rate.
func TestStiffGradient(t *testing.T) {
	for _, rate := range []float64{1, 1e3, 1e6} {
		f := &field[float64]{ // y' = −r(1 + y²)(y − θ cos t)
			dim: 1, theta: []float64{1},
			eval: func(d []float64, t float64, y, th []float64) {
				d[0] = -rate * (1 + y[0]*y[0]) * (y[0] - th[0]*math.Cos(t))
			},
			vjp: func(dy, dth []float64, t float64, y, th, l []float64) {
				dy[0] = -rate * l[0] * (2*y[0]*(y[0]-th[0]*math.Cos(t)) + 1 + y[0]*y[0])
				dth[0] += rate * l[0] * (1 + y[0]*y[0]) * math.Cos(t)
			},
		}
		gradient := func(m odeint.Method, tol float64) (float64, Stats) {
			_, g, s := pull(t, f, odeint.Options{Method: m, RTol: tol, ATol: tol}, Discrete{}, []float64{0, 2}, []float64{0}, lastOnly(1.0))
			forward, _ := s.Stats()
			return g.Theta[0], forward
		}
		want, _ := gradient(odeint.Kvaerno5, 1e-11)
		for _, m := range odeint.ESDIRKs() {
			got, st := gradient(m, 1e-6)
			t.Logf("r = %g, %v: error %.2g, %v", rate, m, math.Abs(got/want-1), st.Stats)
			if d := math.Abs(got/want - 1); d > 1e-5 && m == odeint.Kvaerno5 || d > 2e-4 {
				t.Errorf("r = %g, %v: %v, want %v", rate, m, got, want)
			}
		}
	}
}

// The gradient through steps of both methods of Auto is that of the solution, with every
// memory.
func TestAutoGradient(t *testing.T) {
	f := &field[float64]{ // van der Pol's oscillator
		dim: 2, theta: []float64{100},
		eval: func(d []float64, _ float64, y, th []float64) {
			d[0], d[1] = y[1], th[0]*(1-y[0]*y[0])*y[1]-y[0]
		},
		vjp: func(dy, dth []float64, _ float64, y, th, l []float64) {
			dy[0] = -(1 + 2*th[0]*y[0]*y[1]) * l[1]
			dy[1] = l[0] + th[0]*(1-y[0]*y[0])*l[1]
			dth[0] += (1 - y[0]*y[0]) * y[1] * l[1]
		},
	}
	times, y0 := []float64{0, 60, 150}, []float64{2, 0}
	opt := odeint.Options{RTol: 1e-11, ATol: 1e-11, Method: odeint.Kvaerno5}
	_, want, _ := pull(t, f, opt, Discrete{}, times, y0, constant(1.0, 0.0))
	opt = odeint.Options{RTol: 1e-8, ATol: 1e-8, Method: odeint.Auto{}}
	var first *Gradient[float64]
	for _, memory := range []Memory{Stages{}, States{}, Checkpoints{Bytes: 1000}} {
		_, g, s := pull(t, f, opt, Discrete{Memory: memory}, times, y0, constant(1.0, 0.0))
		forward, backward := s.Stats()
		if forward.Switches < 2 {
			t.Errorf("%v", forward)
		}
		t.Logf("%v: %v; back %v", memory, forward.Stats, backward.Stats)
		gradtest.Close(t, memory.String()+" ∂L/∂θ", g.Theta, want.Theta, 1e-3)
		gradtest.Close(t, memory.String()+" ∂L/∂y0", g.Y0, want.Y0, 1e-3)
		if first == nil {
			first = g
		}
		gradtest.Close(t, memory.String()+" beside stages", g.Theta, first.Theta, 1e-7) // Newton's error
	}
}
