package odeint

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// The harmonic oscillator on [0, 5] with h = 2⁻⁶ … 2⁻³: order within 10 % at the end and
// over all saved times, and the error below 100 hᵖ + 1000 ε.
func TestHarmonicConvergence(t *testing.T) {
	p := harmonic[float64]()
	times := make([]float64, 0, 51)
	for i := range 51 {
		times = append(times, float64(i)/10)
	}
	exact := func(t float64) (q, v float64) {
		sin, cos := math.Sincos(t)
		return p.z0[0]*cos + p.z0[1]*sin, -p.z0[0]*sin + p.z0[1]*cos
	}
	for _, c := range structured {
		var logh, end, all []float64
		for k := 6; k >= 3; k-- {
			h := math.Ldexp(1, -k)
			sol, err := Solve(p.field, 0, 5, p.z0, Options{Method: c.m, H0: h, SaveAt: SaveAt{Times: times}})
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			var last float64
			for i, ti := range sol.T {
				q, v := exact(ti)
				last = math.Hypot(sol.Row(i)[0]-q, sol.Row(i)[1]-v)
				sum += last * last
			}
			rms := math.Sqrt(sum / float64(len(sol.T)))
			if bound := 100*math.Pow(h, float64(c.order)) + 1000*0x1p-52; last > bound {
				t.Errorf("%v, h = %v: error %.3g, bound %.3g", c.m, h, last, bound)
			}
			if rms < 1e-13 {
				continue // rounding
			}
			logh, end, all = append(logh, math.Log2(h)), append(end, math.Log2(last)), append(all, math.Log2(rms))
		}
		for what, e := range map[string][]float64{"at the end": end, "over all times": all} {
			if slope, _ := regression(logh, e); math.Abs(slope-float64(c.order)) > 0.1*float64(c.order) {
				t.Errorf("%v: order %.3f %s, want %d", c.m, slope, what, c.order)
			}
		}
	}
}

// dq/dt = −p, dp/dt = q from (1, −1/2) with steps of 1e-5, against Tsit5.
func TestSymplecticEulerSmallSteps(t *testing.T) {
	f := NewSeparable(1, 1,
		func(dq []float64, _ float64, p []float64) { dq[0] = -p[0] },
		func(dp []float64, _ float64, q []float64) { dp[0] = q[0] })
	z0 := []float64{1, -0.5}
	want, err := Solve(f, 0, 1, z0, Options{RTol: 1e-10, ATol: 1e-12})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []Method{SymplecticEuler, SymplecticEulerDrift} {
		got, err := Solve(f, 0, 1, z0, Options{Method: m, H0: 1e-5})
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(got.Last(), want.Last()); d > 1e-5 {
			t.Errorf("%v: %.3g from Tsit5", m, d)
		}
		if got.Stats.Accepted != 100_000 {
			t.Errorf("%v: %d steps, want 100000", m, got.Stats.Accepted)
		}
	}
}

func TestStructuredFloat32(t *testing.T) {
	for _, c := range structured {
		wide, narrow := henonHeiles[float64](), henonHeiles[float32]()
		want := wide.end(t, c.m, 3, 0.05)
		for _, compensated := range []bool{false, true} {
			sol, err := Solve(narrow.field, 0, 3, narrow.z0, Options{Method: c.m, H0: 0.05, Compensated: compensated})
			if err != nil {
				t.Fatal(c.m, err)
			}
			tol := 4e-6 // sixty steps of many roundings each, of 6e-8
			if compensated {
				tol = 1e-6
			}
			for i, v := range sol.Last() {
				if d := math.Abs(float64(v) - want[i]); !(d < tol) {
					t.Errorf("%v, compensated %v: component %d is %.3g from float64", c.m, compensated, i, d)
				}
			}
		}
	}
}

// Saved times inside steps leave the steps as they are, bit for bit; one at a step's
// end is its state, bit for bit; a solve that ends inside a step ends with a
// shorter one, which is the partial step.
func TestPartialSteps(t *testing.T) {
	for _, c := range structured {
		for _, compensated := range []bool{false, true} {
			p := henonHeiles[float64]()
			opt := Options{Method: c.m, H0: 0.125, Compensated: compensated}
			plain, err := Solve(p.field, 0, 2, p.z0, opt)
			if err != nil {
				t.Fatal(err)
			}
			opt.SaveAt = SaveAt{Times: []float64{0.01, 0.02, 0.5, 0.51, 1.99, 2}, Keep: Steps}
			saved, err := Solve(p.field, 0, 2, p.z0, opt)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(plain.Last(), saved.Last()) {
				t.Errorf("%v: saved times change the end by %.3g", c.m, distance(plain.Last(), saved.Last()))
			}
			if !slices.Equal(saved.Row(2), saved.Step(3).Y1) {
				t.Errorf("%v: the row at a step's end is not its state", c.m)
			}
			opt.SaveAt = SaveAt{}
			short, err := Solve(p.field, 0, 1.99, p.z0, opt)
			if err != nil {
				t.Fatal(err)
			}
			if d := distance(short.Last(), saved.Row(4)); d > 1e-15 {
				t.Errorf("%v: a step cut short and a partial one differ by %.3g", c.m, d)
			}
			if short.Stats.Accepted != 16 || math.Abs(short.Stats.HMin-0.115) > 1e-12 || short.Stats.HMax != 0.125 {
				t.Errorf("%v: steps of %v to %v, %d of them", c.m, short.Stats.HMin, short.Stats.HMax, short.Stats.Accepted)
			}
		}
	}
}

// The dense output of these methods is the cubic Hermite interpolant: exact at the ends
// with the field's slopes there, and O(h⁴) in between.
func TestStructuredDense(t *testing.T) {
	for _, c := range structured {
		p := pendulum[float64]()
		var worst [2]float64
		for k, h := range []float64{0.1, 0.05} {
			sol, err := Solve(p.field, 0, 2, p.z0, Options{Method: c.m, H0: h, SaveAt: SaveAt{Keep: Dense}})
			if err != nil {
				t.Fatal(err)
			}
			y, dy, f := make([]float64, 2), make([]float64, 2), make([]float64, 2)
			for i := range sol.NumSteps() {
				s := sol.Step(i)
				// The middle, against two half steps of the most accurate method.
				mid := hamiltonian[float64]{field: p.field, z0: s.Y0}
				sol.At(y, s.T0+s.H/2)
				worst[k] = max(worst[k], distance(y, mid.end(t, GaussLegendre6, s.H/2, s.H/4)))
				sol.At(y, s.T1)
				sol.DerivativeAt(dy, s.T1)
				p.field.Eval(f, s.T1, s.Y1)
				if !slices.Equal(y, s.Y1) || distance(dy, f) > 1e-14 {
					t.Fatalf("%v: state or slope at the end of step %d are off", c.m, i)
				}
			}
		}
		// Methods of low order are off by their own error as well.
		if want := math.Exp2(float64(min(c.order+1, 4))); worst[0]/worst[1] < 0.85*want {
			t.Errorf("%v: halving h makes the middle %.1f times better, want %.0f", c.m, worst[0]/worst[1], want)
		}
	}
}

// The dense output of a second solve, and after a jump, has the slopes of its own start.
func TestStructuredDenseRestarts(t *testing.T) {
	for _, c := range structured {
		p := pendulum[float64]()
		opt := Options{Method: c.m, H0: 0.1, Jumps: []float64{0.5}, SaveAt: SaveAt{Keep: Dense}}
		if c.m.traits().outside {
			opt.Jumps = nil
		}
		in, err := New(p.field, opt)
		if err != nil {
			t.Fatal(err)
		}
		slope, want := make([]float64, 2), make([]float64, 2)
		for _, z0 := range [][]float64{{1, 0.2}, {-0.3, 0.7}} {
			sol := new(Solution[float64])
			if err := in.Solve(t.Context(), sol, 0, 1, z0); err != nil {
				t.Fatal(err)
			}
			sol.DerivativeAt(slope, 0)
			p.field.Eval(want, 0, z0)
			if d := distance(slope, want); d > 1e-14 {
				t.Errorf("%v: slope at the start from %v is off by %.3g", c.m, z0, d)
			}
		}
	}
}

// A batch of two is the two samples bit for bit.
func TestBatchedPairs(t *testing.T) {
	single, z := henonHeiles[float64](), [][]float64{{0.1, 0.2, 0.2, 0.3}, {-0.2, 0.1, 0.05, 0.4}}
	force := single.field.(Separable[float64])
	batch := NewSeparable(2, 2,
		func(dq []float64, t float64, p []float64) {
			force.Drift(dq[:2], t, p[:2])
			force.Drift(dq[2:], t, p[2:])
		},
		func(dp []float64, t float64, q []float64) {
			force.Kick(dp[:2], t, q[:2])
			force.Kick(dp[2:], t, q[2:])
		})
	for _, c := range structured {
		if _, implicit := c.m.(*ImplicitRK); implicit {
			continue // the samples stop the iteration together
		}
		both, err := Solve(batch, 0, 1, slices.Concat(z[0], z[1]), Options{Method: c.m, H0: 0.1})
		if err != nil {
			t.Fatal(err)
		}
		for i := range z {
			one, err := Solve(single.field, 0, 1, z[i], Options{Method: c.m, H0: 0.1})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(one.Last(), both.Last()[4*i:4*i+4]) {
				t.Errorf("%v: sample %d differs in a batch", c.m, i)
			}
		}
	}
	dz := make([]float64, 8)
	batch.Eval(dz, 0, slices.Concat(z[0], z[1]))
	for i := range z {
		one := make([]float64, 4)
		force.Eval(one, 0, z[i])
		if !slices.Equal(one, dz[4*i:4*i+4]) {
			t.Errorf("Eval of sample %d differs in a batch", i)
		}
	}
}

// No half is wasted: a symmetric splitting costs its flows less one.
func TestStructuredCosts(t *testing.T) {
	p := pendulum[float64]()
	const n = 10
	for _, c := range []struct {
		m                   Method
		drifts, kicks, nfes int
	}{
		{SymplecticEuler, n, n, 0},
		{VelocityVerlet, n, n + 1, 0},
		{PositionVerlet, n + 1, n, 0},
		{Ruth3, 3 * n, 3 * n, 0},
		{Yoshida4, 3*n + 1, 3 * n, 0},
		{KahanLi8, 17*n + 1, 17 * n, 0},
		{&Tao{Omega: 5}, 0, 0, 3*n + 1},
		{&Tao{Omega: 5, Order: 4}, 0, 0, 9*n + 1},
	} {
		sol, err := Solve(p.field, 0, 1, p.z0, Options{Method: c.m, H0: 0.1})
		if err != nil {
			t.Fatal(err)
		}
		if s := sol.Stats; s.Drifts != c.drifts || s.Kicks != c.kicks || s.NFE != c.nfes || s.Accepted != n || s.Rejected != 0 {
			t.Errorf("%v: %+v, want %d drifts, %d kicks, %d evaluations", c.m, s, c.drifts, c.kicks, c.nfes)
		}
	}
	sol, err := Solve(p.field, 0, 1, p.z0, Options{Method: GaussLegendre4, H0: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	if s := sol.Stats; s.Iterations < 5*n || s.Iterations > 15*n || s.NFE != 1+2*s.Iterations {
		t.Errorf("gauss-legendre4: %d iterations, %d evaluations", s.Iterations, s.NFE)
	}
}

func TestStructuredAllocs(t *testing.T) {
	for _, c := range structured {
		p := henonHeiles[float64]()
		in, err := New(p.field, Options{Method: c.m, H0: 0.1, Compensated: true, SaveAt: SaveAt{Times: []float64{0.33, 0.5}, Keep: Dense}})
		if err != nil {
			t.Fatal(err)
		}
		sol, ctx := new(Solution[float64]), t.Context()
		solve := func() {
			if err := in.Solve(ctx, sol, 0, 1, p.z0); err != nil {
				t.Fatal(err)
			}
		}
		solve()
		if n := testing.AllocsPerRun(5, solve); n != 0 {
			t.Errorf("%v: %v allocations a solve", c.m, n)
		}
	}
}

// A solve leaves y0 alone, and a second one on the same Integrator is the first.
func TestStructuredRepeats(t *testing.T) {
	for _, c := range structured {
		p := kepler[float64]()
		in, err := New(p.field, Options{Method: c.m, H0: 0.05, Compensated: true})
		if err != nil {
			t.Fatal(err)
		}
		var first []float64
		var stats Stats
		z0 := slices.Clone(p.z0)
		for range 2 {
			sol := new(Solution[float64])
			if err := in.Solve(t.Context(), sol, 0, 1, p.z0); err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first, stats = sol.Last(), sol.Stats
			} else if !slices.Equal(first, sol.Last()) || sol.Stats != stats {
				t.Errorf("%v: the second solve differs", c.m)
			}
		}
		if !slices.Equal(z0, p.z0) {
			t.Errorf("%v: z0 modified", c.m)
		}
	}
}

func TestStructuredRefusals(t *testing.T) {
	r, p := rods[float64](), pendulum[float64]()
	odd := NewFunc(3, func(dy []float64, _ float64, y []float64) { copy(dy, y) })
	for _, c := range []struct {
		f    VectorField[float64]
		opt  Options
		want string
	}{
		{r.field, Options{Method: VelocityVerlet}, "implements Separable"},
		{odd, Options{Method: &Tao{Omega: 1}}, "pairs (q, p)"},
		{p.field, Options{Method: &Tao{}}, "Omega is 0"},
		{p.field, Options{Method: &Tao{Omega: 1, Order: 3}}, "Order is 3"},
		{p.field, Options{Method: VelocityVerlet, Controller: PIController{}}, "no error estimate"},
		{p.field, Options{Method: RK4, Compensated: true}, "Compensated"},
		{p.field, Options{Method: &Splitting{}}, "go in pairs"},
		{p.field, Options{Method: &ImplicitRK{}}, "at least 1"},
		{p.field, Options{Method: GaussLegendre4.With(FixedPoint{Tol: -1})}, "Tol -1"},
		{quadratureOf{p.field}, Options{Method: GaussLegendre4}, "Quadrature"},
	} {
		_, err := New(c.f, c.opt)
		var bad *OptionError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.opt.Method, err, c.want)
		}
	}
}

type quadratureOf struct{ VectorField[float64] }

func (quadratureOf) EvalWeighted([]float64, float64, []float64, float64) {}
func (quadratureOf) Commit()                                             {}
func (quadratureOf) Discard()                                            {}

// A value that is not finite ends the solve at once and says where.
func TestStructuredNonFinite(t *testing.T) {
	p := NewSeparable(1, 2,
		func(dq []float64, _ float64, p []float64) { copy(dq, p) },
		func(dp []float64, t float64, q []float64) {
			dp[0], dp[1] = -q[0], -q[1]
			if t > 0.5 {
				dp[1] = math.NaN()
			}
		})
	for _, c := range structured {
		sol, err := Solve(p, 0, 1, []float64{1, 2, 3, 4}, Options{Method: c.m, H0: 0.1})
		var at *StepError
		var nf *NonFiniteError
		if !errors.Is(err, ErrNonFinite) || !errors.As(err, &at) || !errors.As(err, &nf) {
			t.Errorf("%v: %v", c.m, err)
			continue
		}
		if at.T < 0.29 || at.T > 0.61 || nf.T <= 0.5 || len(sol.Last()) != 4 || slices.ContainsFunc(sol.Last(), math.IsNaN) {
			t.Errorf("%v: stopped at %v for f at %v, last state %v", c.m, at.T, nf.T, sol.Last())
		}
		if want := 1; nf.What == "the kick" && nf.Component != want {
			t.Errorf("%v: component %d of %s, want %d", c.m, nf.Component, nf.What, want)
		}
	}
}
