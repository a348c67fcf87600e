package adjoint

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// solve is the map from y0 to the state at t1 as a field, with Backward for its VJP.
type solve[T odeint.Float] struct {
	*Solver[T]
	tb    testing.TB
	times []float64
}

func (s solve[T]) Dim() int       { return s.f.Dim() }
func (s solve[T]) NumParams() int { return s.f.NumParams() }

func (s solve[T]) Eval(dst []T, _ float64, y0 []T) {
	sol, err := s.Forward(ctx, s.times, y0)
	if err != nil {
		s.tb.Fatal(err)
	}
	copy(dst, sol.Last())
}

func (s solve[T]) VJP(dst, dy, dtheta []T, t float64, y0, lambda []T) {
	end := make([]T, len(y0))
	s.Eval(end, t, y0)
	if dst != nil {
		copy(dst, end)
	}
	dys := make([]T, len(s.times)*len(y0))
	copy(dys[len(dys)-len(y0):], lambda)
	var g Gradient[T]
	if err := s.Backward(ctx, &g, dys); err != nil {
		s.tb.Fatal(err)
	}
	copy(dy, g.Y0)
	if dtheta != nil {
		add(dtheta, g.Theta)
	}
}

// TestDotProduct is the test ⟨λ, Jv⟩ = ⟨Jᵀλ, v⟩ on the flow map and on the fields that
// the tests themselves use.
func TestDotProduct(t *testing.T) {
	f := randomMLP[float64](2, []int{3, 7, 3}, "tanh")
	y := []float64{0.3, -0.8, 1.1, 0.2, 0.7, -0.4}
	rnd := rand.New(rand.NewPCG(3, 4))
	gradtest.VJP(t, f, f.theta, 0, y, rnd, 1e-3, 1e-10)
	lv := lotkaVolterra[float64](true, 1.5, 1, 3, 1)
	gradtest.VJP(t, lv, lv.theta, 0.7, y[:2], rnd, 1e-3, 1e-10)
	a := linear[float64](0.1, -1, 1, -0.1)
	gradtest.VJP(t, a, a.theta, 0, y[:2], rnd, 1e-3, 1e-10)
	d := driven()
	gradtest.VJP(t, d, d.theta, 0.7, y[:2], rnd, 1e-3, 1e-10)
	z := WithCost[float64](lv, halfSquare{lv.theta})
	gradtest.VJP(t, z, lv.theta, 0.7, y[:3], rnd, 1e-3, 1e-10)

	eachMethod(t, func(t *testing.T, m Method) {
		// Steps of fixed size: differences of an adaptive solve see the steps change.
		s, err := New[float64](f, odeint.Options{Method: odeint.Dop853, Controller: odeint.Fixed{}, H0: 0.05}, m)
		if err != nil {
			t.Fatal(err)
		}
		gradtest.VJP(t, solve[float64]{s, t, []float64{0, 0.33, 1}}, f.theta, 0, y, rnd, 1e-3, 1e-9)
	})
}

// TestFloat32 holds every method in float32 against itself in float64.
func TestFloat32(t *testing.T) {
	f64, f32 := randomMLP[float64](3, []int{2, 16, 2}, "tanh"), randomMLP[float32](3, []int{2, 16, 2}, "tanh")
	y0, y32 := make([]float64, 6), make([]float32, 6)
	for i := range y0 {
		y0[i] = math.Sin(float64(3 * i))
		y32[i] = float32(y0[i])
	}
	for _, times := range [][]float64{{0, 0.4, 1.1, 2}, {1, 0.2, -0.9}} {
		_, want, _ := pull(t, f64, odeint.Options{RTol: 1e-10, ATol: 1e-10}, Discrete{}, times, y0, constant(1.0, -0.5))
		eachMethod(t, func(t *testing.T, m Method) {
			opt := odeint.Options{RTol: 1e-5, ATol: 1e-5}
			_, g, _ := pull(t, f32, opt, m, times, y32, constant[float32](1, -0.5))
			gradtest.Close(t, "∂L/∂y0", g.Y0, want.Y0, 2e-5)
			gradtest.Close(t, "∂L/∂θ", g.Theta, want.Theta, 2e-5)
			gradtest.Close(t, "∂L/∂t", g.Times, want.Times, 2e-5)
		})
	}
	// The discrete reverse is exact at loose tolerance too, to float32's round-off:
	// Recompute is the same numbers.
	_, a, _ := pull(t, f32, odeint.Options{RTol: 1e-2, ATol: 1e-2}, Discrete{}, []float64{0, 0.3, 2}, y32, constant[float32](1))
	_, b, _ := pull(t, f32, odeint.Options{RTol: 1e-2, ATol: 1e-2}, Discrete{Recompute: true}, []float64{0, 0.3, 2}, y32, constant[float32](1))
	gradtest.Close(t, "recomputed ∂L/∂y0", b.Y0, a.Y0, 0)
	gradtest.Close(t, "recomputed ∂L/∂θ", b.Theta, a.Theta, 0)
}

// TestNoAllocations also changes the number of times on the way.
func TestNoAllocations(t *testing.T) {
	f := randomMLP[float64](2, []int{3, 8, 3}, "tanh")
	y0 := []float64{0.3, -0.8, 1.1, 0.2, 0.7, -0.4}
	for _, method := range []odeint.Options{{}, {Method: odeint.RK4, H0: 0.1}, {Method: odeint.Dop853}} {
		eachMethod(t, func(t *testing.T, m Method) {
			s, err := New[float64](f, method, m)
			if err != nil {
				t.Fatal(err)
			}
			long, short := grid(0, 2, 9), grid(1, 0, 3)
			dys := make([]float64, len(long)*len(y0))
			for i := range dys {
				dys[i] = float64(i%5) - 2
			}
			var g Gradient[float64]
			both := func() {
				for _, times := range [][]float64{long, short} {
					if _, err := s.Forward(ctx, times, y0); err != nil {
						t.Fatal(err)
					}
					if err := s.Backward(ctx, &g, dys[:len(times)*len(y0)]); err != nil {
						t.Fatal(err)
					}
				}
			}
			both()
			if n := testing.AllocsPerRun(5, both); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// TestInputsAndGradient checks that nothing passed in is modified, that a Gradient
// full of NaN is overwritten, and that Backward can be repeated.
func TestInputsAndGradient(t *testing.T) {
	f := randomMLP[float64](1, []int{2, 8, 2}, "softplus")
	times, y0 := []float64{0, 0.4, 0.9}, []float64{0.5, -0.2}
	eachMethod(t, func(t *testing.T, m Method) {
		s, err := New[float64](f, odeint.Options{}, m)
		if err != nil {
			t.Fatal(err)
		}
		dys := []float64{1, 2, 3, 4, 5, 6}
		sameDys, sameY0 := gradtest.Unchanged(t, "dys", dys), gradtest.Unchanged(t, "y0", y0)
		sameTimes, sameTheta := gradtest.Unchanged(t, "times", times), gradtest.Unchanged(t, "θ", f.theta)
		sol, err := s.Forward(ctx, times, y0)
		if err != nil {
			t.Fatal(err)
		}
		sameY := gradtest.Unchanged(t, "the solution", sol.Y)
		g := Gradient[float64]{gradtest.NaNs[float64](2), gradtest.NaNs[float64](f.NumParams() + 3), gradtest.NaNs[float64](1), false}
		theta := &g.Theta[0]
		if err := s.Backward(ctx, &g, dys); err != nil {
			t.Fatal(err)
		}
		for _, same := range []func(){sameDys, sameY0, sameTimes, sameTheta, sameY} {
			same()
		}
		if len(g.Y0) != 2 || len(g.Theta) != f.NumParams() || len(g.Times) != 3 || theta != &g.Theta[0] {
			t.Fatalf("gradient of lengths %d, %d, %d", len(g.Y0), len(g.Theta), len(g.Times))
		}

		// Linear in dys, also when other cotangents were pulled back in between.
		other := Gradient[float64]{NoTimes: true}
		if err := s.Backward(ctx, &other, []float64{9, 9, 0, 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
		gradtest.Close(t, "∂L/∂y0 of y0 alone", other.Y0, []float64{9, 9}, 0)
		gradtest.Close(t, "∂L/∂θ of y0 alone", other.Theta, make([]float64, f.NumParams()), 0)
		if other.Times != nil {
			t.Error("NoTimes: there are times")
		}
		if err := s.Backward(ctx, &other, dys); err != nil {
			t.Fatal(err)
		}
		gradtest.Close(t, "∂L/∂y0 again", other.Y0, g.Y0, 0)
		gradtest.Close(t, "∂L/∂θ again", other.Theta, g.Theta, 0)

		// One saved time: the identity.
		if sol, err = s.Forward(ctx, times[:1], y0); err != nil {
			t.Fatal(err)
		}
		gradtest.Close(t, "y(t0)", sol.Y, y0, 0)
		if err := s.Backward(ctx, &g, []float64{3, 4}); err != nil {
			t.Fatal(err)
		}
		gradtest.Close(t, "identity", g.Y0, []float64{3, 4}, 0)
		gradtest.Close(t, "∂L/∂t0 of the identity", g.Times, []float64{0}, 0)
	})
}

// TestZeroRows checks that rows without a cotangent cost nothing.
func TestZeroRows(t *testing.T) {
	f := randomMLP[float64](1, []int{2, 8, 2}, "tanh")
	y0 := []float64{0.5, -0.2}
	eachMethod(t, func(t *testing.T, m Method) {
		s, err := New[float64](f, odeint.Options{RTol: 1e-8, ATol: 1e-8}, m)
		if err != nil {
			t.Fatal(err)
		}
		work := func(dys []float64) int {
			if _, err := s.Forward(ctx, grid(0, 8, 8), y0); err != nil {
				t.Fatal(err)
			}
			if err := s.Backward(ctx, new(Gradient[float64]), dys); err != nil {
				t.Fatal(err)
			}
			_, b := s.Stats()
			return b.VJPs + b.NFE
		}
		dys := make([]float64, 18)
		if n := work(dys); n != 0 {
			t.Errorf("%d evaluations for zero cotangents", n)
		}
		dys[2*2] = 1
		early := work(dys)
		dys[2*2], dys[2*8] = 0, 1
		late := work(dys)
		if early == 0 || 2*early > late {
			t.Errorf("%d evaluations for a cotangent at t = 2, %d at t = 8", early, late)
		}
		if again := work(dys); again != late {
			t.Errorf("%d evaluations, %d the second time", late, again)
		}
		// Saved times inside the steps take no part in the reverse either.
		plain, err := New[float64](f, odeint.Options{RTol: 1e-8, ATol: 1e-8}, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plain.Forward(ctx, []float64{0, 8}, y0); err != nil {
			t.Fatal(err)
		}
		if err := plain.Backward(ctx, new(Gradient[float64]), []float64{0, 0, 1, 0}); err != nil {
			t.Fatal(err)
		}
		_, b := plain.Stats()
		if _, resets := m.(Backsolve); !resets && late != b.VJPs+b.NFE {
			t.Errorf("%d evaluations with idle saved times, %d without", late, b.VJPs+b.NFE)
		}
	})
}

// TestStats checks what the passes report.
func TestStats(t *testing.T) {
	f := randomMLP[float64](4, []int{2, 8, 2}, "tanh")
	y0 := []float64{0.5, -0.2, 1, 2, 0, 0.3, -1, 0.4}
	run := func(m Method, times []float64) (Stats, Stats) {
		_, _, s := pull(t, f, odeint.Options{Method: odeint.Tsit5, Controller: odeint.Fixed{}, H0: 0.125}, m, times, y0, lastOnly(1.0))
		return s.Stats()
	}
	for _, n := range []int{1, 20} {
		times := []float64{0, float64(n)}
		steps := 8 * n
		for _, c := range []struct {
			m         Method
			vjps, nfe int
		}{
			{Discrete{}, 6 * steps, 2},                          // the seventh stage has no weight
			{Discrete{Recompute: true}, 6 * steps, 5*steps + 2}, // nothing depends on the value of the sixth
			{Interpolating{}, 7 * steps, 2},                     // a quadrature carries no stage over
			{Interpolating{ParamsInNorm: true}, 6*steps + 1, 2}, // FSAL
			{Backsolve{}, 7 * steps, 2},
		} {
			forward, backward := run(c.m, times)
			if forward.NFE != 6*steps+1 || forward.VJPs != 0 || forward.Accepted != steps {
				t.Errorf("%#v forwards: %+v", c.m, forward)
			}
			if backward.VJPs != c.vjps || backward.NFE != c.nfe || backward.Accepted != steps || backward.HMin != 0.125 || backward.HMax != 0.125 {
				t.Errorf("%#v backwards: %+v, want %d VJPs, %d evaluations", c.m, backward, c.vjps, c.nfe)
			}
		}
	}
	// What grows with the number of steps, and how it compares.
	bytes := func(m Method, n float64) int {
		forward, backward := run(m, []float64{0, n})
		if backward.Bytes <= 0 {
			t.Errorf("%#v: %d bytes backwards", m, backward.Bytes)
		}
		return forward.Bytes
	}
	if a, b := bytes(Discrete{}, 200), bytes(Discrete{Recompute: true}, 200); 3*b > a {
		t.Errorf("Discrete keeps %d bytes, %d when it recomputes", a, b)
	}
	if a, b := bytes(Backsolve{}, 20), bytes(Backsolve{}, 200); a != b {
		t.Errorf("Backsolve keeps %d bytes after 160 steps and %d after 1600", a, b)
	}
	_, semi := run(Interpolating{}, []float64{0, 1})
	_, full := run(Interpolating{ParamsInNorm: true}, []float64{0, 1})
	if p := 8 * f.NumParams(); full.Bytes-semi.Bytes < 7*p {
		t.Errorf("ParamsInNorm keeps %d bytes, the seminorm %d; stages of θ's length should show", full.Bytes, semi.Bytes)
	}
}

// TestBackwardOptions checks that each option of the backward solve has its effect.
func TestBackwardOptions(t *testing.T) {
	f := randomMLP[float64](1, []int{2, 8, 2}, "tanh")
	times, y0 := []float64{0, 1, 3}, []float64{0.5, -0.2}
	opt := odeint.Options{RTol: 1e-6, ATol: 1e-6}
	_, exact, _ := pull(t, f, odeint.Options{RTol: 1e-12, ATol: 1e-12}, Discrete{}, times, y0, constant(1.0))
	with := func(m Method, forward odeint.Options) (Stats, float64) {
		_, g, s := pull(t, f, forward, m, times, y0, constant(1.0))
		_, b := s.Stats()
		return b, gradtest.RelErr(g.Theta, exact.Theta)
	}
	for _, c := range []struct {
		name string
		make func(own *odeint.Options, inNorm bool) Method
	}{
		{"interpolating", func(o *odeint.Options, p bool) Method { return Interpolating{o, p} }},
		{"backsolve", func(o *odeint.Options, p bool) Method { return Backsolve{o, p} }},
	} {
		same, err := with(c.make(nil, false), opt)
		tight, errTight := with(c.make(&odeint.Options{RTol: 1e-10, ATol: 1e-10}, false), odeint.Options{RTol: 1e-10, ATol: 1e-10})
		loose, errLoose := with(c.make(&odeint.Options{RTol: 1e-2, ATol: 1e-2}, false), opt)
		if !(tight.Accepted > same.Accepted && same.Accepted > loose.Accepted) {
			t.Errorf("%s: %d, %d, %d steps at tolerances 1e-10, 1e-6, 1e-2", c.name, tight.Accepted, same.Accepted, loose.Accepted)
		}
		if !(errTight < 1e-9 && err < 1e-5 && errLoose < 0.1 && errTight < err && err < errLoose) {
			t.Errorf("%s: errors %.2g, %.2g, %.2g at tolerances 1e-10, 1e-6, 1e-2", c.name, errTight, err, errLoose)
		}
		rk4, _ := with(c.make(&odeint.Options{Method: odeint.RK4, H0: 0.01}, false), opt)
		if rk4.Accepted != 300 || rk4.VJPs != 1200 {
			t.Errorf("%s: %d steps, %d VJPs of RK4 with h = 0.01", c.name, rk4.Accepted, rk4.VJPs)
		}
		norm, errNorm := with(c.make(nil, true), opt)
		if norm.Accepted == same.Accepted && norm.Rejected == same.Rejected && norm.HMin == same.HMin || errNorm > 1e-5 {
			t.Errorf("%s: ParamsInNorm changed nothing, or the error is %.2g", c.name, errNorm)
		}
		// Tolerances by component: the least of them counts backwards.
		each, _ := with(c.make(nil, false), odeint.Options{RTols: []float64{1e-3, 1e-10}, ATols: []float64{1e-10, 1e-3}, ErrDim: 1})
		if each.Accepted < tight.Accepted*9/10 {
			t.Errorf("%s: %d steps at tolerances by component, %d at the least of them", c.name, each.Accepted, tight.Accepted)
		}
		// Fixed steps without a size go from time to time, with a cotangent or not.
		fixed := odeint.Options{Method: odeint.RK4}
		_, g, s := pull(t, f, fixed, c.make(nil, false), grid(0, 3, 30), y0, lastOnly(1.0))
		if _, b := s.Stats(); b.Accepted != 30 || g.Y0[0] == 0 {
			t.Errorf("%s: %d steps of 30 times", c.name, b.Accepted)
		}
		// The size of the first step, and the one that is carried over.
		// A first step that is far too long is rejected, and counted.
		if long, _ := with(c.make(&odeint.Options{RTol: 1e-10, ATol: 1e-10, H0: 1}, false), opt); long.Rejected == 0 || tight.VJPs <= 6*tight.Accepted {
			t.Errorf("%s: %d rejected steps, %d VJPs in %d steps", c.name, long.Rejected, tight.VJPs, tight.Accepted)
		}
		h0, _ := with(c.make(&odeint.Options{RTol: 1e-6, ATol: 1e-6, H0: 1e-5}, false), opt)
		if h0.HMin > 1.001e-5 || h0.Accepted > same.Accepted+12 {
			t.Errorf("%s: with H0 = 1e-5 the least step is %g, %d steps instead of %d", c.name, h0.HMin, h0.Accepted, same.Accepted)
		}
	}
}

// TestOtherMethods has forward and backward solves by methods that are not tableaus.
func TestOtherMethods(t *testing.T) {
	f := randomMLP[float64](1, []int{2, 8, 2}, "tanh")
	times, y0 := []float64{0, 1.05, 2}, []float64{0.5, -0.2}
	_, want, _ := pull(t, f, odeint.Options{RTol: 1e-11, ATol: 1e-11}, Discrete{}, times, y0, constant(1.0))
	gauss := odeint.Options{Method: odeint.GaussLegendre6, H0: 0.1, RTol: 1e-9, ATol: 1e-9}
	for _, m := range []Method{
		Interpolating{}, Backsolve{}, Interpolating{Solve: &gauss, ParamsInNorm: true}, Backsolve{Solve: &gauss, ParamsInNorm: true},
	} {
		_, g, s := pull(t, f, gauss, m, times, y0, constant(1.0))
		gradtest.Close(t, fmt.Sprintf("%#v ∂L/∂y0", m), g.Y0, want.Y0, 1e-6)
		gradtest.Close(t, fmt.Sprintf("%#v ∂L/∂θ", m), g.Theta, want.Theta, 1e-6)
		_, b := s.Stats()
		if implicit := m != Method(Interpolating{}) && m != Method(Backsolve{}); (b.Iterations > 0) != implicit {
			t.Errorf("%#v: %d iterations", m, b.Iterations)
		}
	}
	if _, err := New[float64](f, gauss, Interpolating{Solve: &gauss}); err == nil || !strings.Contains(err.Error(), "backward") {
		t.Errorf("a Gauss method with ∂L/∂θ apart: %v", err)
	}
}

// TestForwardOptionsBackwards checks which of the forward options the backward solve
// gets: stops and jumps always, what speaks of single components of y never.
func TestForwardOptionsBackwards(t *testing.T) {
	norms := 0
	opt := odeint.Options{
		Stops: []float64{0.25}, Jumps: []float64{0.75}, ErrDim: 1,
		Norm: func(r []float64) float64 { norms++; return math.Abs(r[0]) },
	}
	own := &odeint.Options{RTol: 1e-3, ATol: 1e-3, Stops: []float64{0.6}}
	for _, m := range []Method{Interpolating{}, Backsolve{}, Interpolating{Solve: own}, Backsolve{Solve: own}} {
		f := lotkaVolterra[float64](false, 1.5, 1, 3, 1)
		s, err := New[float64](f, opt, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Forward(ctx, []float64{0, 1}, []float64{1, 1}); err != nil {
			t.Fatal(err)
		}
		forwards := norms
		f.evals = nil
		if err := s.Backward(ctx, new(Gradient[float64]), []float64{0, 0, 1, 1}); err != nil {
			t.Fatal(err)
		}
		if norms != forwards {
			t.Errorf("%#v: the forward norm measured backwards", m)
		}
		seen := make(map[float64]bool)
		for _, at := range f.evals {
			seen[at] = true
		}
		before, after := math.Nextafter(0.75, 0), math.Nextafter(0.75, 1)
		if !seen[0.25] || seen[0.75] || !seen[before] || !seen[after] {
			t.Errorf("%#v: the stop at 0.25 or the jump at 0.75 was not passed on", m)
		}
		if m == (Interpolating{Solve: own}) && !seen[0.6] {
			t.Errorf("%#v: its own stop was lost", m)
		}
	}
	if len(own.Stops) != 1 || len(own.Jumps) != 0 {
		t.Error("the caller's options were modified")
	}
}

// TestStepsCarriedOver checks that cotangents at many times do not make every piece
// of the backward solve begin with a small step.
func TestStepsCarriedOver(t *testing.T) {
	f := linear[float64](0.1, -1, 1, -0.1)
	_, _, s := pull(t, f, odeint.Options{RTol: 1e-4, ATol: 1e-4}, Interpolating{}, grid(0, 10, 200), []float64{1, 0}, constant(1.0, 2.0))
	if _, b := s.Stats(); b.Accepted > 206 {
		t.Errorf("%d steps for 200 intervals shorter than a step", b.Accepted)
	}
	// Only times with a cotangent end a piece.
	_, _, s = pull(t, f, odeint.Options{RTol: 1e-4, ATol: 1e-4}, Interpolating{}, grid(0, 10, 200), []float64{1, 0}, lastOnly(1.0, 2.0))
	if _, b := s.Stats(); b.Accepted > 40 {
		t.Errorf("%d steps for one interval", b.Accepted)
	}
}

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
	var one Gradient[float64]
	dys := []float64{0, 0, 0, 1, 1, 1}
	if err = s.Backward(ctx, &one, dys); err == nil {
		_, want, _ := pull(t, f, opt, Interpolating{}, []float64{0, 10}, y0, lastOnly(1.0, 1, 1))
		if gradtest.RelErr(one.Theta, want.Theta) < 1e-5 {
			t.Error("one interval of Lorenz' system can be solved backwards: the documentation is too gloomy")
		}
	}
}

func TestErrors(t *testing.T) {
	f := randomMLP[float64](1, []int{2, 4, 2}, "tanh")
	y0, times := []float64{0.5, -0.2}, []float64{0, 1}
	eachMethod(t, func(t *testing.T, m Method) {
		for _, save := range []odeint.SaveAt{{Times: []float64{1}}, {Every: 1}, {Start: true}, {End: true}, {Dense: true}, {Stages: true}, {Steps: true}} {
			_, err := New[float64](f, odeint.Options{SaveAt: save}, m)
			var bad *odeint.OptionError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), "SaveAt") {
				t.Errorf("SaveAt %+v: %v", save, err)
			}
		}
		_, err := New[float64](f, odeint.Options{RTol: -1, HMin: -1}, m)
		if err == nil || !strings.Contains(err.Error(), "RTol") || !strings.Contains(err.Error(), "HMin") {
			t.Errorf("negative tolerance and step: %v", err)
		}
		s, err := New[float64](f, odeint.Options{}, m)
		if err != nil {
			t.Fatal(err)
		}
		var g Gradient[float64]
		dys := []float64{1, 0, 0, 1}
		if err := s.Backward(ctx, &g, dys); !errors.Is(err, ErrNoForward) {
			t.Errorf("Backward first: %v", err)
		}
		if a, b := s.Stats(); a.NFE != 0 || b.VJPs != 0 {
			t.Errorf("statistics before the first pass: %+v, %+v", a, b)
		}
		var bad *odeint.OptionError
		for _, times := range [][]float64{nil, {0, 0}, {0, 1, 0.5}, {0, math.NaN()}} {
			if _, err := s.Forward(ctx, times, y0); !errors.As(err, &bad) {
				t.Errorf("times %v: %v", times, err)
			}
		}
		if _, err := s.Forward(ctx, times, y0); err != nil {
			t.Fatal(err)
		}
		for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			var bad *CotangentError
			if err := s.Backward(ctx, &g, []float64{1, 0, 0, x}); !errors.As(err, &bad) || bad.Row != 1 || bad.Component != 1 {
				t.Errorf("cotangent %v: %v", x, err)
			}
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if err := s.Backward(cancelled, &g, dys); !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "adjoint: ") {
			t.Errorf("cancelled: %v", err)
		}
		if err := s.Backward(ctx, &g, dys); err != nil {
			t.Errorf("after a cancelled pass: %v", err)
		}
		if _, err := s.Forward(cancelled, times, y0); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled forwards: %v", err)
		}
		if err := s.Backward(ctx, &g, dys); !errors.Is(err, ErrNoForward) {
			t.Errorf("Backward after a failed Forward: %v", err)
		}
		mustPanic(t, "adjoint: length of y0 is not the field's Dim", func() { _, _ = s.Forward(ctx, times, y0[:1]) })
		if _, err := s.Forward(ctx, times, y0); err != nil {
			t.Fatal(err)
		}
		mustPanic(t, "adjoint: Backward into a nil Gradient", func() { _ = s.Backward(ctx, nil, dys) })
		mustPanic(t, "adjoint: length of dys is not the number of times by the field's Dim", func() { _ = s.Backward(ctx, &g, dys[:2]) })
	})
	for _, m := range []Method{Interpolating{Solve: &odeint.Options{SaveAt: odeint.SaveAt{Dense: true}}}, Backsolve{Solve: &odeint.Options{RTol: -1}}} {
		var bad *odeint.OptionError
		if _, err := New[float64](f, odeint.Options{}, m); !errors.As(err, &bad) || !strings.Contains(err.Error(), "backward") {
			t.Errorf("%#v: %v", m, err)
		}
	}
	for _, m := range methods {
		broken := *odeint.RK4
		broken.A = broken.A[:2]
		for _, tableau := range []*odeint.Tableau{nil, &broken} {
			var bad *odeint.OptionError
			if _, err := New[float64](f, odeint.Options{Method: tableau, H0: 1}, m); !errors.As(err, &bad) {
				t.Errorf("%#v with a broken tableau: %v", m, err)
			}
		}
	}
	if _, err := New[float64](f, odeint.Options{}, &Discrete{}); err == nil || !strings.Contains(err.Error(), "by value") {
		t.Errorf("a pointer to a method: %v", err)
	}
	mustPanic(t, "adjoint: New of a nil field", func() { _, _ = New[float64](nil, odeint.Options{}, nil) })
	mustPanic(t, "adjoint: WithCost of a nil field or cost", func() { WithCost[float64](f, nil) })
}

func mustPanic(t *testing.T, want string, fn func()) {
	t.Helper()
	defer func() {
		if got := recover(); got != want {
			t.Errorf("panic %v, want %q", got, want)
		}
	}()
	fn()
}

// TestFieldFails has a VJP that becomes NaN in the middle, and one that grows beyond
// all numbers: both end the backward pass with the place and the field's own error.
func TestFieldFails(t *testing.T) {
	cause := errors.New("out of order")
	eachMethod(t, func(t *testing.T, m Method) {
		f := linear[float64](-1)
		vjp := f.vjp
		f.vjp = func(dy, da []float64, at float64, y, a, l []float64) {
			vjp(dy, da, at, y, a, l)
			if at < 0.5 {
				dy[0] = math.NaN()
				f.err = cause
			}
		}
		s, err := New[float64](f, odeint.Options{}, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Forward(ctx, []float64{0, 1}, []float64{1}); err != nil {
			t.Fatal(err)
		}
		err = s.Backward(ctx, new(Gradient[float64]), []float64{0, 1})
		var at *odeint.StepError
		if !errors.Is(err, cause) || !errors.Is(err, odeint.ErrNonFinite) || !errors.As(err, &at) || at.T < 0.4 || at.T > 1 {
			t.Errorf("NaN at t < 0.5: %v", err)
		}

		f = linear[float64](-1)
		f.vjp = func(dy, _ []float64, _ float64, _, _, l []float64) { dy[0] = 1e200 * l[0] }
		if s, err = New[float64](f, odeint.Options{}, m); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Forward(ctx, []float64{0, 1}, []float64{1}); err != nil {
			t.Fatal(err)
		}
		if err = s.Backward(ctx, new(Gradient[float64]), []float64{0, 1}); !errors.As(err, &at) {
			t.Errorf("an explosion: %v", err)
		}
	})
	// A gradient with respect to θ alone can fail too.
	f := linear[float64](-1)
	f.vjp = func(dy, da []float64, _ float64, _, a, l []float64) { dy[0], da[0] = a[0]*l[0], math.Inf(1) }
	s, err := New[float64](f, odeint.Options{}, Discrete{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Forward(ctx, []float64{0, 1}, []float64{1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Backward(ctx, new(Gradient[float64]), []float64{0, 1}); !errors.Is(err, odeint.ErrNonFinite) {
		t.Errorf("an infinite ∂f/∂θ: %v", err)
	}
}

// TestCostFails has the error of the field come through WithCost.
func TestCostFails(t *testing.T) {
	cause := errors.New("out of order")
	f := linear[float64](-1)
	f.eval = func(d []float64, _ float64, _, _ []float64) { d[0], f.err = math.NaN(), cause }
	s, err := New(WithCost[float64](f, integral{}), odeint.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Forward(ctx, []float64{0, 1}, []float64{1, 0}); !errors.Is(err, cause) {
		t.Error(err)
	}
}

// TestCancelMidway cancels the backward pass from inside a VJP.
func TestCancelMidway(t *testing.T) {
	eachMethod(t, func(t *testing.T, m Method) {
		f := lotkaVolterra[float64](false, 1.5, 1, 3, 1)
		vjp, calls := f.vjp, 0
		cancelled, cancel := context.WithCancel(ctx)
		f.vjp = func(dy, dp []float64, at float64, y, p, l []float64) {
			if calls++; calls == 100 {
				cancel()
			}
			vjp(dy, dp, at, y, p, l)
		}
		s, err := New[float64](f, odeint.Options{RTol: 1e-10, ATol: 1e-10}, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Forward(ctx, []float64{0, 10}, []float64{1, 1}); err != nil {
			t.Fatal(err)
		}
		err = s.Backward(cancelled, new(Gradient[float64]), []float64{0, 0, 1, 1})
		var at *odeint.StepError
		if !errors.Is(err, context.Canceled) || !errors.As(err, &at) || !(at.T > 0 && at.T < 10) || calls > 110 {
			t.Errorf("after %d calls: %v", calls, err)
		}
	})
}

// TestStrings keeps the names that commands and logs show.
func TestStrings(t *testing.T) {
	if got := fmt.Sprint(Discrete{}, Interpolating{}, Backsolve{}); got != "discrete interpolating backsolve" {
		t.Error(got)
	}
}
