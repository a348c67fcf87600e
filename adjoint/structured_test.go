package adjoint

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/neuralode/neuralode/internal/gradtest"
	"github.com/neuralode/neuralode/internal/vec"
	"github.com/neuralode/neuralode/odeint"
)

// coupled is a driven, separable field of two pairs a sample with θ = (m1, m2, α, k1, k2, k3):
//
//	T = (p1²/2m1 + α p1⁴/4)(1 + cos(t)/5) + p2²/2m2
//	V = (k1 (1 − cos q1) + k2 (q1−q2)²/2 + k3 q2⁴/4)(1 + 3 sin(t)/10)
type coupled[T odeint.Float] struct {
	batch         int
	theta         []T
	z, slope, lam []T
	out           []T
}

func newCoupled[T odeint.Float](batch int) *coupled[T] {
	buffer := func() []T { return make([]T, 4*batch) }
	return &coupled[T]{batch, []T{1.2, 0.8, 0.3, 2, 1.1, 0.6}, buffer(), buffer(), buffer(), buffer()}
}

func (f *coupled[T]) Dim() int       { return 4 * f.batch }
func (f *coupled[T]) SampleDim() int { return 4 }
func (f *coupled[T]) NumParams() int { return len(f.theta) }

func (f *coupled[T]) Drift(dq []T, t float64, p []T) {
	c, m1, m2, a := T(1+math.Cos(t)/5), f.theta[0], f.theta[1], f.theta[2]
	for i := 0; i < len(p); i += 2 {
		dq[i], dq[i+1] = c*(p[i]/m1+a*p[i]*p[i]*p[i]), p[i+1]/m2
	}
}

func (f *coupled[T]) DriftVJP(dq, dp, dtheta []T, t float64, p, lambda []T) {
	f.Drift(dq, t, p)
	c, m1, m2, a := T(1+math.Cos(t)/5), f.theta[0], f.theta[1], f.theta[2]
	for i := 0; i < len(p); i += 2 {
		l1, l2, p1, p2 := lambda[i], lambda[i+1], p[i], p[i+1]
		dp[i], dp[i+1] = l1*c*(1/m1+3*a*p1*p1), l2/m2
		if dtheta != nil {
			dtheta[0] -= l1 * c * p1 / (m1 * m1)
			dtheta[1] -= l2 * p2 / (m2 * m2)
			dtheta[2] += l1 * c * p1 * p1 * p1
		}
	}
}

func (f *coupled[T]) Kick(dp []T, t float64, q []T) {
	s, k1, k2, k3 := T(1+0.3*math.Sin(t)), f.theta[3], f.theta[4], f.theta[5]
	for i := 0; i < len(q); i += 2 {
		x, y := q[i], q[i+1]
		dp[i], dp[i+1] = -s*(k1*T(math.Sin(float64(x)))+k2*(x-y)), -s*(k2*(y-x)+k3*y*y*y)
	}
}

func (f *coupled[T]) KickVJP(dp, dq, dtheta []T, t float64, q, lambda []T) {
	f.Kick(dp, t, q)
	s, k1, k2, k3 := T(1+0.3*math.Sin(t)), f.theta[3], f.theta[4], f.theta[5]
	for i := 0; i < len(q); i += 2 {
		l1, l2, x, y := lambda[i], lambda[i+1], q[i], q[i+1]
		dq[i] = -s * (l1*(k1*T(math.Cos(float64(x)))+k2) - l2*k2)
		dq[i+1] = -s * (l2*(k2+3*k3*y*y) - l1*k2)
		if dtheta != nil {
			dtheta[3] -= s * l1 * T(math.Sin(float64(x)))
			dtheta[4] -= s * (l1 - l2) * (x - y)
			dtheta[5] -= s * l2 * y * y * y
		}
	}
}

func (f *coupled[T]) Eval(dydt []T, t float64, y []T) {
	half := len(y) / 2
	vec.Unpair(f.z, y, 2)
	f.Drift(f.slope[:half], t, f.z[half:])
	f.Kick(f.slope[half:], t, f.z[:half])
	vec.Pair(dydt, f.slope, 2)
}

func (f *coupled[T]) VJP(dydt, dy, dtheta []T, t float64, y, lambda []T) {
	half := len(y) / 2
	vec.Unpair(f.z, y, 2)
	vec.Unpair(f.lam, lambda, 2)
	f.DriftVJP(f.slope[:half], f.out[half:], dtheta, t, f.z[half:], f.lam[:half])
	f.KickVJP(f.slope[half:], f.out[:half], dtheta, t, f.z[:half], f.lam[half:])
	if dydt != nil {
		vec.Pair(dydt, f.slope, 2)
	}
	vec.Pair(dy, f.out, 2)
}

var structured = []odeint.Method{
	odeint.SymplecticEuler, odeint.SymplecticEulerDrift, odeint.VelocityVerlet, odeint.PositionVerlet,
	odeint.Ruth3, odeint.McLachlanAtela4, odeint.BlanesMoan4, odeint.Yoshida4, odeint.KahanLi6,
	odeint.ImplicitMidpoint, odeint.GaussLegendre4, odeint.GaussLegendre6,
	odeint.GaussLegendre4.With(odeint.Newton{}), odeint.GaussLegendre6.With(odeint.Newton{}),
	&odeint.Tao{Omega: 3}, &odeint.Tao{Omega: 3, Order: 4},
}

// crosses reports whether m can be solved across a jump.
func crosses(m odeint.Method) bool {
	switch m := m.(type) {
	case *odeint.Splitting:
		return !slices.ContainsFunc(m.Flows(), func(f odeint.Flow) bool { return f.At < 0 || f.At > 1 })
	case *odeint.Tao:
		return m.Order <= 2
	}
	return true
}

// reconstructs reports whether Inverse works with m.
func reconstructs(m odeint.Method) bool {
	_, tao := m.(*odeint.Tao)
	return !tao
}

func normal[T odeint.Float](seed uint64, n int) []T {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.NormFloat64())
	}
	return x
}

// gradient runs both passes.
func gradient[T odeint.Float](t *testing.T, f odeint.Differentiable[T], opt odeint.Options, m Method, times []float64, y0, dys []T) (*Gradient[T], *Solver[T]) {
	t.Helper()
	s, err := New(f, opt, m)
	if err != nil {
		t.Fatal(opt.Method, err)
	}
	if _, err := s.Forward(t.Context(), times, y0); err != nil {
		t.Fatal(opt.Method, err)
	}
	g := &Gradient[T]{WantTimes: true}
	if err := s.Backward(t.Context(), g, dys); err != nil {
		t.Fatal(opt.Method, err)
	}
	return g, s
}

// The cases that differ in how steps and saved times meet.
var grids = []struct {
	name  string
	opt   odeint.Options
	times []float64
}{
	{"on steps", odeint.Options{H0: 0.125}, []float64{0, 0.5, 1}},
	{"inside steps", odeint.Options{H0: 0.15}, []float64{0.2, 0.21, 0.5, 0.51, 1.13}},
	{"backwards", odeint.Options{H0: 0.1}, []float64{1, 0.55, 0.5, 0.04}},
	{"jumps and stops", odeint.Options{H0: 0.13, Jumps: []float64{0.4}, Stops: []float64{0.7}}, []float64{0.1, 0.3, 0.7, 0.9}},
	{"saved times are the steps", odeint.Options{Steps: 1}, []float64{0, 0.1, 0.3, 0.45}},
	{"compensated", odeint.Options{H0: 0.1, Compensated: true}, []float64{0, 0.33, 1}},
}

// Discrete is the derivative of the numbers that Forward computes: against central
// differences of the same steps.
func TestStructuredExact(t *testing.T) {
	f := newCoupled[float64](2)
	for _, grid := range grids {
		for _, m := range structured {
			opt := grid.opt
			opt.Method = m
			if !crosses(m) {
				opt.Jumps = nil
			}
			y0 := normal[float64](1, f.Dim())
			dys := normal[float64](2, f.Dim()*len(grid.times))
			g, _ := gradient(t, f, opt, Discrete{}, grid.times, y0, dys)

			in, err := odeint.New[float64](f, opt)
			if err != nil {
				t.Fatal(err)
			}
			loss := func() float64 {
				var sol odeint.Solution[float64]
				if err := in.SolveAt(t.Context(), &sol, grid.times, y0); err != nil {
					t.Fatal(err)
				}
				sum := 0.0
				for i, y := range sol.Y {
					sum += y * dys[i]
				}
				return sum
			}
			name := grid.name + ", " + m.String()
			gradtest.Close(t, name+": y0", g.Y0, gradtest.Gradient(loss, y0, 1e-3), 1e-9)
			gradtest.Close(t, name+": θ", g.Theta, gradtest.Gradient(loss, f.theta, 1e-3), 1e-9)
		}
	}
}

// The same for a field that is a network: any even dimension is pairs for Tao.
func TestStructuredExactNetwork(t *testing.T) {
	f := randomMLP[float64](3, []int{4, 7, 4}, "tanh")
	times := []float64{0, 0.25, 0.4, 1}
	y0, dys := normal[float64](3, f.Dim()), normal[float64](4, f.Dim()*len(times))
	for _, m := range structured {
		if _, ok := m.(*odeint.Splitting); ok {
			continue
		}
		opt := odeint.Options{Method: m, H0: 0.1}
		g, _ := gradient(t, f, opt, Discrete{}, times, y0, dys)
		loss := func() float64 {
			in, err := odeint.New[float64](f, opt)
			if err != nil {
				t.Fatal(err)
			}
			var sol odeint.Solution[float64]
			if err := in.SolveAt(t.Context(), &sol, times, y0); err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for i, y := range sol.Y {
				sum += y * dys[i]
			}
			return sum
		}
		gradtest.Close(t, m.String()+": y0", g.Y0, gradtest.Gradient(loss, y0, 1e-3), 1e-8)
		gradtest.Close(t, m.String()+": θ", g.Theta, gradtest.Gradient(loss, f.theta, 1e-3), 1e-8)
	}
}

// ⟨λ, M v⟩ = ⟨Mᵀλ, v⟩ with M v, the derivative of the flow map along v, by differences.
func TestStructuredDotProduct(t *testing.T) {
	f := newCoupled[float64](3)
	times := []float64{0, 2}
	y0 := normal[float64](5, f.Dim())
	v, lambda := normal[float64](6, f.Dim()), normal[float64](7, f.Dim())
	for _, m := range structured {
		opt := odeint.Options{Method: m, H0: 0.07}
		dys := append(make([]float64, f.Dim()), lambda...)
		g, _ := gradient(t, f, opt, Discrete{}, times, y0, dys)
		mv := gradtest.Directional(func(dst []float64, s float64) {
			z := make([]float64, len(y0))
			for i := range z {
				z[i] = y0[i] + s*v[i]
			}
			sol, err := odeint.Solve[float64](f, times[0], times[1], z, opt)
			if err != nil {
				t.Fatal(err)
			}
			copy(dst, sol.Last())
		}, f.Dim(), 1e-3)
		var left, right float64
		for i := range v {
			left += lambda[i] * mv[i]
			right += g.Y0[i] * v[i]
		}
		if math.Abs(left-right) > 1e-8*math.Abs(left) {
			t.Errorf("%v: ⟨λ, Mv⟩ = %.15g, ⟨Mᵀλ, v⟩ = %.15g", m, left, right)
		}
	}
}

// Storing, recomputing and reconstructing give the same gradient.
func TestStructuredMemory(t *testing.T) {
	f := newCoupled[float64](2)
	y0 := normal[float64](8, f.Dim())
	for _, grid := range grids {
		dys := normal[float64](9, f.Dim()*len(grid.times))
		clear(dys[len(dys)-f.Dim():]) // reconstruction has to begin later than the cotangents
		for _, m := range structured {
			opt := grid.opt
			opt.Method = m
			if !crosses(m) {
				opt.Jumps = nil
			}
			stored, _ := gradient(t, f, opt, Discrete{}, grid.times, y0, dys)
			others := []Discrete{{Memory: States{}}}
			if reconstructs(m) {
				others = append(others, Discrete{Memory: Inverse{}})
			}
			for _, d := range others {
				g, s := gradient(t, f, opt, d, grid.times, y0, dys)
				name := grid.name + ", " + m.String()
				if (d.Memory == Inverse{}) {
					name += " reconstructed"
				}
				gradtest.Close(t, name+": y0", g.Y0, stored.Y0, 1e-11)
				gradtest.Close(t, name+": θ", g.Theta, stored.Theta, 1e-11)
				gradtest.Close(t, name+": times", g.Times, stored.Times, 1e-11)
				_, back := s.Stats()
				if r := back.Reconstruction; r > 1e-13 || r != 0 && !(d.Memory == Inverse{}) {
					t.Errorf("%s: reconstruction error %.3g", name, r)
				}
			}
		}
	}
}

// Over many steps: reconstruction stays within 1e-9, takes no memory for steps, and
// says how far off it was.
func TestReconstructLong(t *testing.T) {
	f := newCoupled[float64](1)
	y0 := []float64{0.5, -0.3, 0.2, 0.4}
	times := []float64{0, 20}
	dys := append(make([]float64, 4), 1, -2, 0.5, 3)
	for _, m := range []odeint.Method{odeint.VelocityVerlet, odeint.Yoshida4, odeint.Ruth3, odeint.GaussLegendre4} {
		var bytes []int
		for _, h := range []float64{0.02, 0.01} {
			opt := odeint.Options{Method: m, H0: h}
			stored, s := gradient(t, f, opt, Discrete{}, times, y0, dys)
			rebuilt, r := gradient(t, f, opt, Discrete{Memory: Inverse{}}, times, y0, dys)
			gradtest.Close(t, m.String()+": y0", rebuilt.Y0, stored.Y0, 1e-9)
			gradtest.Close(t, m.String()+": θ", rebuilt.Theta, stored.Theta, 1e-9)
			storedForward, _ := s.Stats()
			forward, back := r.Stats()
			if off := back.Reconstruction; off == 0 || off > 1e-11 {
				t.Errorf("%v: reconstruction error %.3g", m, off)
			}
			if storedForward.Bytes < 30*forward.Bytes {
				t.Errorf("%v: %d bytes stored, %d with Reconstruct", m, storedForward.Bytes, forward.Bytes)
			}
			bytes = append(bytes, forward.Bytes+back.Bytes)
		}
		if bytes[0] != bytes[1] {
			t.Errorf("%v: %d bytes for 1000 steps, %d for 2000", m, bytes[0], bytes[1])
		}
	}
}

func TestStructuredFloat32(t *testing.T) {
	wide, narrow := newCoupled[float64](2), newCoupled[float32](2)
	times := []float64{0, 0.33, 1}
	y0, dys := normal[float64](10, 8), normal[float64](11, 24)
	y32, d32 := normal[float32](10, 8), normal[float32](11, 24)
	for _, m := range structured {
		for _, d := range []Discrete{{}, {Memory: Inverse{}}} {
			if (d.Memory == Inverse{}) && !reconstructs(m) {
				continue
			}
			opt := odeint.Options{Method: m, H0: 0.1}
			want, _ := gradient(t, wide, opt, d, times, y0, dys)
			got, _ := gradient(t, narrow, opt, d, times, y32, d32)
			gradtest.Close(t, m.String()+": y0", got.Y0, want.Y0, 5e-6)
			gradtest.Close(t, m.String()+": θ", got.Theta, want.Theta, 5e-6)
		}
	}
}

func TestStructuredAllocs(t *testing.T) {
	f := newCoupled[float64](2)
	times := []float64{0, 0.33, 1}
	y0, dys := normal[float64](12, 8), normal[float64](13, 24)
	for _, m := range structured {
		for _, d := range []Discrete{{}, {Memory: States{}}, {Memory: Inverse{}}} {
			if (d.Memory == Inverse{}) && !reconstructs(m) {
				continue
			}
			g, s := gradient(t, f, odeint.Options{Method: m, H0: 0.1}, d, times, y0, dys)
			ctx := t.Context()
			if n := testing.AllocsPerRun(3, func() {
				if _, err := s.Forward(ctx, times, y0); err != nil {
					t.Fatal(err)
				}
				if err := s.Backward(ctx, g, dys); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%v, %+v: %v allocations", m, d, n)
			}
		}
	}
}

// halvesOnly has no vector-Jacobian products of its halves.
type halvesOnly struct {
	odeint.Separable[float64]
	full *coupled[float64]
}

func (h halvesOnly) NumParams() int { return h.full.NumParams() }
func (h halvesOnly) VJP(dydt, dy, dtheta []float64, t float64, y, lambda []float64) {
	h.full.VJP(dydt, dy, dtheta, t, y, lambda)
}

func TestStructuredRefusals(t *testing.T) {
	f := newCoupled[float64](1)
	network := randomMLP[float64](1, []int{4, 3, 4}, "tanh")
	radau := &odeint.ImplicitRK{
		Name: "radau3", Order: 3, C: []float64{1.0 / 3, 1}, B: []float64{3.0 / 4, 1.0 / 4},
		A: [][]float64{{5.0 / 12, -1.0 / 12}, {3.0 / 4, 1.0 / 4}},
	}
	for _, c := range []struct {
		f    odeint.Differentiable[float64]
		m    odeint.Method
		d    Discrete
		want string
	}{
		{network, odeint.VelocityVerlet, Discrete{}, "implements Separable"},
		{halvesOnly{f, f}, odeint.VelocityVerlet, Discrete{}, "implement Separable"},
		{f, odeint.Tsit5, Discrete{Memory: Inverse{}}, "by Inverse{}"},
		{f, nil, Discrete{Memory: Inverse{}}, "by Inverse{}"},
		{f, &odeint.Tao{Omega: 1}, Discrete{Memory: Inverse{}}, "by Inverse{}"},
		{f, radau, Discrete{Memory: Inverse{}}, "by Inverse{}"},
		{f, odeint.Tsit5, Discrete{Memory: &States{}}, "by value"},
	} {
		_, err := New(c.f, odeint.Options{Method: c.m, H0: 0.1}, c.d)
		var bad *odeint.OptionError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %+v: got %v, want %q", c.m, c.d, err, c.want)
		}
	}
	// Radau's stages have unequal weights and a node at the end.
	times, y0 := []float64{0, 0.33, 1}, normal[float64](14, 4)
	dys := normal[float64](15, 12)
	opt := odeint.Options{Method: radau, H0: 0.1}
	g, _ := gradient(t, f, opt, Discrete{}, times, y0, dys)
	direct, _ := gradient(t, f, odeint.Options{Method: radau.With(odeint.Newton{}), H0: 0.1}, Discrete{Memory: States{}}, times, y0, dys)
	gradtest.Close(t, "radau3: y0", g.Y0, direct.Y0, 1e-12)
	gradtest.Close(t, "radau3: θ", g.Theta, direct.Theta, 1e-12)
	loss := func() float64 {
		in, _ := odeint.New[float64](f, opt)
		var sol odeint.Solution[float64]
		if err := in.SolveAt(t.Context(), &sol, times, y0); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, y := range sol.Y {
			sum += y * dys[i]
		}
		return sum
	}
	gradtest.Close(t, "radau3: y0", g.Y0, gradtest.Gradient(loss, y0, 1e-3), 1e-9)
}

// A linear system without a solution by iteration is an error, not a wrong gradient.
func TestReverseNoConvergence(t *testing.T) {
	f := linear[float64](-8, 0, 0, -8)
	opt := odeint.Options{Method: odeint.GaussLegendre4.With(odeint.Newton{}), H0: 1}
	g, s := gradient[float64](t, f, opt, Discrete{}, []float64{0, 3}, []float64{1, 2}, []float64{0, 0, 1, 1})
	// (R(z))³ with the Padé approximation R(−8) = (1 − 4 + 64/12)/(1 + 4 + 64/12).
	r := (1 - 4 + 64.0/12) / (1 + 4 + 64.0/12)
	gradtest.Close(t, "stiff", g.Y0, []float64{r * r * r, r * r * r}, 1e-13)
	if _, back := s.Stats(); back.Iterations != 3 {
		t.Errorf("%d linear solves for 3 steps", back.Iterations)
	}

	rev := newImplicitReverser[float64](f, odeint.GaussLegendre4, false)
	step := s.sol.Step(2)
	s.p.lambda = []float64{1, 1}
	err := rev.back(&s.p, &step, nil)
	var c *odeint.ConvergenceError
	if !errors.Is(err, odeint.ErrNoConvergence) || !errors.As(err, &c) || !strings.Contains(c.Method, "reverse") {
		t.Errorf("iteration with a Lipschitz constant of 8: %v", err)
	}
}
