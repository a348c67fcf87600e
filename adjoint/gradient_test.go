package adjoint

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

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
	// States is the same numbers.
	_, a, _ := pull(t, f32, odeint.Options{RTol: 1e-2, ATol: 1e-2}, Discrete{}, []float64{0, 0.3, 2}, y32, constant[float32](1))
	_, b, _ := pull(t, f32, odeint.Options{RTol: 1e-2, ATol: 1e-2}, Discrete{Memory: States{}}, []float64{0, 0.3, 2}, y32, constant[float32](1))
	gradtest.Close(t, "recomputed ∂L/∂y0", b.Y0, a.Y0, 0)
	gradtest.Close(t, "recomputed ∂L/∂θ", b.Theta, a.Theta, 0)
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
		g := Gradient[float64]{Y0: gradtest.NaNs[float64](2), Theta: gradtest.NaNs[float64](f.NumParams() + 3), Times: gradtest.NaNs[float64](1), WantTimes: true}
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
		other := Gradient[float64]{}
		if err := s.Backward(ctx, &other, []float64{9, 9, 0, 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
		gradtest.Close(t, "∂L/∂y0 of y0 alone", other.Y0, []float64{9, 9}, 0)
		gradtest.Close(t, "∂L/∂θ of y0 alone", other.Theta, make([]float64, f.NumParams()), 0)
		if other.Times != nil {
			t.Error("there are times that nobody asked for")
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
			if err := s.Backward(ctx, &Gradient[float64]{WantTimes: true}, dys); err != nil {
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
		if err := plain.Backward(ctx, &Gradient[float64]{WantTimes: true}, []float64{0, 0, 1, 0}); err != nil {
			t.Fatal(err)
		}
		_, b := plain.Stats()
		if _, resets := m.(Backsolve); !resets && late != b.VJPs+b.NFE {
			t.Errorf("%d evaluations with idle saved times, %d without", late, b.VJPs+b.NFE)
		}
	})
}

// solve is the map from y0 to the state at t1 as a field, with Backward for its VJP.
type solve[T odeint.Float] struct {
	*Solver[T]
	tb    testing.TB
	times []float64
}

func (s solve[T]) Dim() int { return s.f.Dim() }

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
	g := Gradient[T]{WantTimes: true}
	if err := s.Backward(ctx, &g, dys); err != nil {
		s.tb.Fatal(err)
	}
	copy(dy, g.Y0)
	if dtheta != nil {
		add(dtheta, g.Theta)
	}
}
