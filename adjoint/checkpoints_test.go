package adjoint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/odeint"
)

// TestCheckpoints: however few states are kept, the gradient is that of Stages, bit for bit
// with explicit Runge–Kutta methods.
func TestCheckpoints(t *testing.T) {
	t.Run("float64", testCheckpoints[float64])
	t.Run("float32", testCheckpoints[float32])
}

func testCheckpoints[T odeint.Float](t *testing.T) {
	f := randomMLP[T](2, []int{2, 6, 2}, "tanh")
	y0 := normal[T](3, f.Dim())
	for _, times := range [][]float64{{0, 0.33, 0.7, 2, 2.01}, {1, 0.4, -1.5}} {
		dys := normal[T](4, f.Dim()*len(times))
		for _, m := range []*odeint.Tableau{odeint.RK4, odeint.Bosh3, odeint.Tsit5, odeint.Dop853} {
			opt := odeint.Options{Method: m, Jumps: []float64{0.5}, Controller: odeint.Fixed{}, H0: 0.04}
			want, _ := gradient(t, f, opt, Discrete{}, times, y0, dys)
			for _, states := range []int{2, 3, 5, 9, 17, 100} {
				got, _ := gradient(t, f, opt, Discrete{Memory: Checkpoints{Bytes: states * sizeOf[T](f.Dim())}}, times, y0, dys)
				if !slices.Equal(got.Y0, want.Y0) || !slices.Equal(got.Theta, want.Theta) || !slices.Equal(got.Times, want.Times) {
					t.Errorf("%v, %d states: another gradient", m, states)
				}
			}
		}
	}
	h := newCoupled[T](2)
	z0, times := normal[T](5, h.Dim()), []float64{0, 0.33, 1}
	dz := normal[T](6, h.Dim()*len(times))
	for _, m := range []odeint.Method{odeint.KahanLi6, odeint.VelocityVerlet, odeint.GaussLegendre4, odeint.GaussLegendre4.With(odeint.Newton{})} {
		opt := odeint.Options{Method: m, H0: 0.05, Compensated: true}
		want, _ := gradient(t, h, opt, Discrete{}, times, z0, dz)
		got, _ := gradient(t, h, opt, Discrete{Memory: Checkpoints{Bytes: 3 * sizeOf[T](h.Dim())}}, times, z0, dz)
		tol := 1e-12 // some roundings of states a step
		if sizeOf[T](1) == 4 {
			tol = 1e-5
		}
		gradtest.Close(t, fmt.Sprintf("%v: y0", m), got.Y0, want.Y0, tol)
		gradtest.Close(t, fmt.Sprintf("%v: θ", m), got.Theta, want.Theta, tol)
	}
}

// TestCheckpointCosts: memory stays inside what was asked for, repetitions inside what they
// are for the step count known (by measurement; the best are 43, 8, 4, 3, 2, 2 and 1), and the second pass allocates nothing and finds the same.
func TestCheckpointCosts(t *testing.T) {
	f := randomMLP[float64](1, []int{2, 3, 2}, "tanh")
	y0 := []float64{1, 1}
	dys := append(make([]float64, f.Dim()), y0...)
	const steps = 1000
	for _, c := range []struct{ states, most int }{
		{2, 30}, {4, 9}, {8, 5}, {16, 3}, {44, 3}, {64, 2}, {1000, 1},
	} {
		bytes := c.states * sizeOf[float64](f.Dim())
		s, err := New[float64](f, odeint.Options{Method: odeint.RK4, H0: 1.0 / steps}, Discrete{Memory: Checkpoints{Bytes: bytes}})
		if err != nil {
			t.Fatal(err)
		}
		var first, again Gradient[float64]
		times := []float64{0, 1}
		run := func(g *Gradient[float64]) {
			if _, err := s.Forward(ctx, times, y0); err != nil {
				t.Fatal(err)
			}
			if err := s.Backward(ctx, g, dys); err != nil {
				t.Fatal(err)
			}
		}
		run(&first)
		forward, backward := s.Stats()
		// 48 bytes a step, in slices that grow by a quarter at most, and the states on the way.
		if got := forward.Bytes - s.sol.Bytes(); got > bytes+48*steps*3/2+12*sizeOf[float64](f.Dim()) {
			t.Errorf("%d states: %d bytes kept for %d", c.states, got, bytes)
		}
		if most := 4 * steps * c.most; backward.NFE > most {
			t.Errorf("%d states: %d evaluations, at most %d", c.states, backward.NFE, most)
		}
		again = Gradient[float64]{Y0: make([]float64, f.Dim()), Theta: make([]float64, f.NumParams())}
		if n := testing.AllocsPerRun(4, func() { run(&again) }); n != 0 {
			t.Errorf("%d states: %v allocations", c.states, n)
		}
		if !slices.Equal(first.Theta, again.Theta) {
			t.Errorf("%d states: the second gradient differs", c.states)
		}
		if err := s.Backward(ctx, &again, dys); err != nil || !slices.Equal(first.Theta, again.Theta) {
			t.Errorf("%d states: a second pass after one solve: %v", c.states, err)
		}
	}
}

func TestCheckpointRefusals(t *testing.T) {
	f := newCoupled[float64](2)
	for _, c := range []struct {
		m    odeint.Method
		b    int
		want string
	}{
		{nil, 0, "two states of 8 components take 128"}, {nil, 127, "Checkpoints of 127 bytes"}, {nil, -1, "Checkpoints of -1"},
		{&odeint.Tao{Omega: 1}, 1 << 20, "no Checkpoints for tao2"},
	} {
		opt := odeint.Options{Method: c.m}
		if c.m != nil {
			opt.H0 = 0.1
		}
		if _, err := New[float64](f, opt, Discrete{Memory: Checkpoints{Bytes: c.b}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %d bytes: %v, want %q", c.m, c.b, err, c.want)
		}
	}
}

// The splitting of Griewank and Walther reverses binomial(c+r, c) steps with c states and
// none taken more than r times.
func TestSpread(t *testing.T) {
	var worst func(n, slots, depth int) int
	worst = func(n, slots, depth int) int { // how often the step taken most is taken
		if n <= 1 {
			return depth
		}
		if slots == 1 {
			return depth + n - 1
		}
		m := spread(n, slots)
		if m < 1 || m >= n {
			t.Fatalf("from %d steps with %d states go %d", n, slots, m)
		}
		return max(worst(m, slots, depth+1), worst(n-m, slots-1, depth))
	}
	for _, c := range []struct{ slots, r, n int }{{2, 3, 10}, {3, 2, 10}, {3, 4, 35}, {5, 3, 56}, {10, 2, 66}, {10, 3, 286}} {
		if got := worst(c.n, c.slots, 0); got != c.r {
			t.Errorf("%d steps with %d states: some are taken %d times, want %d", c.n, c.slots, got, c.r)
		}
	}
}
