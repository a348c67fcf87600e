package adjoint

import (
	"fmt"
	"math"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// methods are all methods with their options.
var methods = []Method{
	Discrete{}, Discrete{Memory: States{}}, Interpolating{}, Interpolating{ParamsInNorm: true},
	Backsolve{}, Backsolve{ParamsInNorm: true},
}

// eachMethod runs a subtest for every method.
func eachMethod(t *testing.T, fn func(t *testing.T, m Method)) {
	for _, m := range methods {
		t.Run(fmt.Sprintf("%#v", m), func(t *testing.T) { fn(t, m) })
	}
}

// pull solves and returns the solution and the gradient of the loss whose
// cotangents dys returns.
func pull[T odeint.Float](t *testing.T, f odeint.Differentiable[T], opt odeint.Options, m Method, times []float64, y0 []T, dys func(y []T) []T) (*odeint.Solution[T], *Gradient[T], *Solver[T]) {
	t.Helper()
	s, err := New(f, opt, m)
	if err != nil {
		t.Fatal(err)
	}
	sol, err := s.Forward(ctx, times, y0)
	if err != nil {
		t.Fatal(err)
	}
	g := &Gradient[T]{WantTimes: true}
	if err := s.Backward(ctx, g, dys(sol.Y)); err != nil {
		t.Fatal(err)
	}
	return sol, g, s
}

// constant returns cotangents for the loss Σ w_i y_i, repeated from row to row.
func constant[T odeint.Float](w ...T) func(y []T) []T {
	return func(y []T) []T {
		dys := make([]T, len(y))
		for i := range dys {
			dys[i] = w[i%len(w)]
		}
		return dys
	}
}

// lastOnly is constant for the last saved time alone.
func lastOnly[T odeint.Float](w ...T) func(y []T) []T {
	return func(y []T) []T {
		dys := make([]T, len(y))
		copy(dys[len(y)-len(w):], w)
		return dys
	}
}

// grid returns n+1 equidistant times.
func grid(t0, t1 float64, n int) []float64 {
	times := make([]float64, n+1)
	for i := range times {
		times[i] = t0 + (t1-t0)*float64(i)/float64(n)
	}
	return times
}

// variational solves y and its derivatives by y0 and θ forwards (forward mode) and
// returns ∂y(t_i)/∂(y0, θ): a matrix (dim, dim+params) for every time.
func variational(t *testing.T, f odeint.Differentiable[float64], times, y0 []float64, jumps ...float64) [][]float64 {
	t.Helper()
	n, p := f.Dim(), f.NumParams()
	cols := n + p
	jy, jp, unit := make([]float64, n*n), make([]float64, n*p), make([]float64, n)
	all := odeint.NewFunc(n+n*cols, func(d []float64, t float64, z []float64) {
		clear(jp)
		for i := range n {
			unit[i] = 1
			f.VJP(d[:n], jy[i*n:][:n], jp[i*p:][:p], t, z[:n], unit)
			unit[i] = 0
		}
		s, ds := z[n:], d[n:]
		for i := range n {
			for c := range cols {
				sum := 0.0
				if c >= n {
					sum = jp[i*p+c-n]
				}
				for j := range n {
					sum += jy[i*n+j] * s[j*cols+c]
				}
				ds[i*cols+c] = sum
			}
		}
	})
	z0 := make([]float64, n+n*cols)
	copy(z0, y0)
	for i := range n {
		z0[n+i*cols+i] = 1
	}
	sol, err := odeint.Solve(all, times[0], times[len(times)-1], z0, odeint.Options{
		Method: odeint.Dop853, RTol: 1e-13, ATol: 1e-13, Jumps: jumps, Stops: times, SaveAt: odeint.SaveAt{Times: times},
	})
	if err != nil {
		t.Fatal(err)
	}
	var s [][]float64
	for i := range times {
		s = append(s, sol.Row(i)[n:])
	}
	return s
}

// forwardGradient contracts variational's matrices with cotangents.
func forwardGradient(s [][]float64, dys []float64, n int) (dy0, dtheta []float64) {
	cols := len(s[0]) / n
	g := make([]float64, cols)
	for i, m := range s {
		for j := range n {
			for c := range cols {
				g[c] += dys[i*n+j] * m[j*cols+c]
			}
		}
	}
	return g[:n], g[n:]
}

// Lotka–Volterra with time in the interaction, p = (1.5, 1, 3, 1), u0 = (1, 1), L =
// ½Σ(2−u)² over t = 0, 0.5, …, 10 (SciMLSensitivity's adjoint tests). The values were
// computed independently, to 1e-10 absolute.
func TestLotkaVolterraSums(t *testing.T) {
	wantTheta := []float64{13.1567195268, -16.8105140435, 7.7027081314, -25.6394758597}
	wantY0 := []float64{0.2119656698, -17.1910050707}
	eachMethod(t, func(t *testing.T, m Method) {
		f := lotkaVolterra[float64](true, 1.5, 1, 3, 1)
		opt := odeint.Options{Method: odeint.Dop853, RTol: 1e-13, ATol: 1e-13}
		sol, g, _ := pull(t, f, opt, m, grid(0, 10, 20), []float64{1, 1}, distanceTo2)
		loss := 0.0
		for _, u := range sol.Y {
			loss += (2 - u) * (2 - u) / 2
		}
		gradtest.Close(t, "loss", []float64{loss}, []float64{64.9120895046}, 1e-11)
		gradtest.Close(t, "∂L/∂p", g.Theta, wantTheta, tolOf(m, 1e-10, 1e-9, 1e-9))
		gradtest.Close(t, "∂L/∂u0", g.Y0, wantY0, tolOf(m, 1e-10, 1e-9, 1e-9))
	})
}

// distanceTo2 is the gradient of ½Σ(2−u)².
func distanceTo2(y []float64) []float64 {
	dys := make([]float64, len(y))
	for i, u := range y {
		dys[i] = u - 2
	}
	return dys
}

// tolOf returns the tolerance for the kind of method.
func tolOf(m Method, discrete, interpolating, backsolve float64) float64 {
	switch m.(type) {
	case Discrete:
		return discrete
	case Interpolating:
		return interpolating
	}
	return backsolve
}

// The same with subsets of the times, against forward mode.
func TestLotkaVolterraSubsets(t *testing.T) {
	f := lotkaVolterra[float64](true, 1.5, 1, 3, 1)
	y0 := []float64{1, 1}
	for _, keep := range [][]float64{{0.5, 1}, {0, 0.5, 1}, {0.5, 1, 10}, {0}, {10}} {
		times := grid(0, 10, 20)
		dys := func(y []float64) []float64 {
			d := distanceTo2(y)
			for i, s := range times {
				kept := false
				for _, k := range keep {
					kept = kept || k == s
				}
				if !kept {
					d[2*i], d[2*i+1] = 0, 0
				}
			}
			return d
		}
		eachMethod(t, func(t *testing.T, m Method) {
			opt := odeint.Options{Method: odeint.Dop853, RTol: 1e-13, ATol: 1e-13}
			sol, g, _ := pull(t, f, opt, m, times, y0, dys)
			wantY0, wantTheta := forwardGradient(variational(t, f, times, y0), dys(sol.Y), 2)
			gradtest.Close(t, fmt.Sprint(keep, " ∂L/∂u0"), g.Y0, wantY0, tolOf(m, 1e-10, 1e-9, 1e-9))
			gradtest.Close(t, fmt.Sprint(keep, " ∂L/∂p"), g.Theta, wantTheta, tolOf(m, 1e-10, 1e-9, 1e-9))
		})
	}
}

// halfSquare is the running cost ½(Σu)² + θ_0 u_0, which depends on θ too.
type halfSquare struct{ theta []float64 }

func (c halfSquare) Eval(_ float64, y []float64) float64 {
	sum := 0.0
	for _, u := range y {
		sum += u
	}
	return sum*sum/2 + c.theta[0]*y[0]
}

func (c halfSquare) VJP(dy, dtheta []float64, _ float64, y []float64, w float64) {
	sum := 0.0
	for _, u := range y {
		sum += u
	}
	for i := range dy {
		dy[i] = w * sum
	}
	dy[0] += w * c.theta[0]
	if dtheta != nil {
		dtheta[0] += w * y[0]
	}
}

// Ten Euler steps of y' = y from 1 (torchdiffeq): 1.1¹⁰, and so is the gradient. The
// continuous adjoint of the autonomous equation takes the same steps.
func TestEulerGrowth(t *testing.T) {
	want := []float64{math.Pow(1.1, 10)}
	eachMethod(t, func(t *testing.T, m Method) {
		opt := odeint.Options{Method: odeint.Euler, H0: 0.1}
		sol, g, s := pull(t, linear[float64](1), opt, m, []float64{0, 1}, []float64{1}, lastOnly(1.0))
		gradtest.Close(t, "y(1)", sol.Row(1), want, 1e-15)
		gradtest.Close(t, "∂y(1)/∂y0", g.Y0, want, 1e-15)
		forward, backward := s.Stats()
		if forward.Accepted != 10 || backward.Accepted != 10 {
			t.Errorf("%d steps forwards, %d backwards, want 10", forward.Accepted, backward.Accepted)
		}
	})
}

// y' = [[.1, −1], [1, −.1]] y from (.9, 5.4), t = .3 … 9.5, L = Σ y(t1) (diffrax),
// with the closed form's values.
func TestRotation(t *testing.T) {
	f := linear[float64](0.1, -1, 1, -0.1)
	eachMethod(t, func(t *testing.T, m Method) {
		opt := odeint.Options{RTol: 1e-11, ATol: 1e-11}
		sol, g, _ := pull(t, f, opt, m, []float64{0.3, 9.5}, []float64{0.9, 5.4}, lastOnly(1.0, 1.0))
		gradtest.Close(t, "y(t1)", sol.Last(), []float64{-2.2952534330, -5.1062551453}, 1e-9)
		gradtest.Close(t, "∂L/∂y0", g.Y0, []float64{-0.6676975398, -1.2593668134}, 1e-9)
	})
}

// All saved states of the same problem, in both directions of time, against forward
// mode.
func TestRotationSaves(t *testing.T) {
	f := linear[float64](0.1, -1, 1, -0.1)
	y0 := []float64{0.9, 5.4}
	for name, times := range map[string][]float64{
		"start, end": {0.3, 9.5}, "grid": grid(0.3, 9.5, 17), "uneven": {0.3, 0.31, 5, 9.4999, 9.5},
		"backwards": grid(9.5, 0.3, 11), "through zero": grid(1, -2, 7), "one step": {0.3, 0.3000001},
	} {
		eachMethod(t, func(t *testing.T, m Method) {
			opt := odeint.Options{RTol: 1e-11, ATol: 1e-11}
			sol, g, _ := pull(t, f, opt, m, times, y0, constant(1.0, 1.0))
			wantY0, wantTheta := forwardGradient(variational(t, f, times, y0), constant(1.0, 1.0)(sol.Y), 2)
			gradtest.Close(t, name+" ∂L/∂y0", g.Y0, wantY0, 1e-8)
			gradtest.Close(t, name+" ∂L/∂A", g.Theta, wantTheta, 1e-8)
		})
	}
}

// integral is the cost ∫y_0.
type integral struct{}

func (integral) Eval(_ float64, y []float64) float64 { return y[0] }

func (integral) VJP(dy, _ []float64, _ float64, _ []float64, w float64) {
	clear(dy)
	dy[0] = w
}

// A field that is zero, with 50 states and 3 parameters (SciMLSensitivity): nothing
// happens, gradients included.
func TestZeroField(t *testing.T) {
	f := &field[float64]{
		dim: 50, theta: make([]float64, 3),
		eval: func(d []float64, _ float64, _, _ []float64) { clear(d) },
		vjp:  func(dy, _ []float64, _ float64, _, _, _ []float64) {},
	}
	ones := make([]float64, 50)
	for i := range ones {
		ones[i] = 1
	}
	eachMethod(t, func(t *testing.T, m Method) {
		_, g, _ := pull(t, f, odeint.Options{}, m, []float64{0, 0.5, 1}, ones, lastOnly(ones...))
		gradtest.Close(t, "∂L/∂y0", g.Y0, ones, 0)
		gradtest.Close(t, "∂L/∂θ", g.Theta, make([]float64, 3), 0)
		gradtest.Close(t, "∂L/∂t", g.Times, make([]float64, 3), 0)
	})
}

// Gradients of torchdiffeq's analytic problems with respect to y0, θ and times,
// against the closed forms.
func TestAnalyticProblems(t *testing.T) {
	const a, b = 0.2, 3.0
	line := &field[float64]{ // y' = a + (y − (at+b))⁵, y = at + b; a perturbation of y0 stays
		dim: 1, theta: []float64{a, b},
		eval: func(d []float64, t float64, y, p []float64) { d[0] = p[0] + math.Pow(y[0]-(p[0]*t+p[1]), 5) },
		vjp: func(dy, dp []float64, t float64, y, p, l []float64) {
			q := 5 * math.Pow(y[0]-(p[0]*t+p[1]), 4) * l[0]
			dy[0] = q
			dp[0] += l[0] - q*t
			dp[1] -= q
		},
	}
	decay := &field[float64]{ // y' = −θ e^{−θt}, y = e^{−θt}; θ enters f alone
		dim: 1, theta: []float64{0.1},
		eval: func(d []float64, t float64, _, p []float64) { d[0] = -p[0] * math.Exp(-p[0]*t) },
		vjp: func(_, dp []float64, t float64, _, p, l []float64) {
			dp[0] += (p[0]*t - 1) * math.Exp(-p[0]*t) * l[0]
		},
	}
	sine := &field[float64]{ // y' = 2y/t + g(t): ∂y(t1)/∂y0 = (t1/t0)²; no θ at all
		dim: 1,
		eval: func(d []float64, t float64, y, _ []float64) {
			d[0] = 2*y[0]/t + t*t*t*t*math.Sin(2*t) - t*t + 4*t*t*t
		},
		vjp: func(dy, _ []float64, t float64, _, _, l []float64) { dy[0] = 2 / t * l[0] },
	}
	sineAt := func(t float64) float64 {
		s, c := math.Sincos(2 * t)
		return -t*t*t*t*c/2 + t*t*t*s/2 + t*t*c/4 - t*t*t + 2*t*t*t*t + (math.Pi-0.25)*t*t
	}
	e := func(t float64) float64 { return math.Exp(-0.1 * t) }
	slope := func(f *field[float64], t, y float64) float64 {
		d := []float64{0}
		f.Eval(d, t, []float64{y})
		return d[0]
	}
	for _, c := range []struct {
		name      string
		f         *field[float64]
		y         func(t float64) float64
		jacobian  func(t0, t1 float64) float64 // ∂y(t1)/∂y0
		gradTheta func(t0, t1 float64) []float64
	}{
		{"line", line, func(t float64) float64 { return a*t + b }, func(_, _ float64) float64 { return 1 },
			func(t0, t1 float64) []float64 { return []float64{t1 - t0, 0} }},
		{"decay", decay, e, func(_, _ float64) float64 { return 1 },
			func(t0, t1 float64) []float64 { return []float64{t0*e(t0) - t1*e(t1)} }},
		{"sine", sine, sineAt, func(t0, t1 float64) float64 { return t1 * t1 / t0 / t0 },
			func(_, _ float64) []float64 { return nil }},
	} {
		for _, times := range [][]float64{grid(1, 8, 9), grid(8, 1, 9)} {
			t0, t1 := times[0], times[9]
			eachMethod(t, func(t *testing.T, m Method) {
				opt := odeint.Options{RTol: 1e-9, ATol: 1e-12}
				sol, g, _ := pull(t, c.f, opt, m, times, []float64{c.y(t0)}, lastOnly(1.0))
				gradtest.Close(t, c.name+" y", sol.Last(), []float64{c.y(t1)}, 1e-8)
				gradtest.Close(t, c.name+" ∂y/∂y0", g.Y0, []float64{c.jacobian(t0, t1)}, 1e-8)
				tol := 1e-8
				if c.f == decay && m == (Interpolating{}) {
					tol = 1e-5 // λ is constant, so its steps are long, and μ is not in the norm
				}
				gradtest.Close(t, c.name+" ∂y/∂θ", g.Theta, c.gradTheta(t0, t1), tol)
				want := make([]float64, 10)
				want[0] = -c.jacobian(t0, t1) * slope(c.f, t0, c.y(t0))
				want[9] = slope(c.f, t1, c.y(t1))
				gradtest.Close(t, c.name+" ∂y/∂t", g.Times, want, 1e-8)
			})
		}
	}
}
