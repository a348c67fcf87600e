package collocation

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/interp"
	"gonum.org/v1/gonum/mat"
)

// uniform returns n equidistant times on [a, b].
func uniform(a, b float64, n int) []float64 {
	t := make([]float64, n)
	for i := range t {
		t[i] = a + (b-a)*float64(i)/float64(n-1)
	}
	return t
}

// ragged returns n increasing times on [0, 1] of uneven distance.
func ragged(n int, r *rand.Rand) []float64 {
	t := uniform(0, 1, n)
	for i := 1; i < n-1; i++ {
		t[i] += 0.4 / float64(n-1) * (2*r.Float64() - 1)
	}
	return t
}

func TestKernels(t *testing.T) {
	// Values at 0 and the moments that define a kernel: ∫K = 1, ∫uK = 0.
	zero := map[*Kernel]float64{
		Epanechnikov: .75, Uniform: .5, Triangular: 1, Quartic: 15. / 16, Triweight: 35. / 32,
		Tricube: 70. / 81, Gaussian: 1 / math.Sqrt(2*math.Pi), Cosine: math.Pi / 4, Logistic: .25,
		Sigmoid: 1 / math.Pi, Silverman: 1 / (2 * math.Sqrt2),
	}
	bounded := 0
	for _, k := range Kernels() {
		if got, want := k.At(0), zero[k]; math.Abs(got-want) > 1e-16 {
			t.Errorf("%v(0) = %v, want %v", k, got, want)
		}
		delete(zero, k)
		if !math.IsInf(k.Support, 1) {
			bounded++
			for _, u := range []float64{1 + 1e-12, -1 - 1e-12, 7, math.Inf(-1), math.NaN()} {
				if k.At(u) != 0 {
					t.Errorf("%v(%v) = %v, want 0", k, u, k.At(u))
				}
			}
		}
		r := math.Min(k.Support, 60)
		half := quad.Fixed(k.At, 0, r, 400, nil, 0)
		if math.Abs(2*half-1) > 1e-12 {
			t.Errorf("∫%v = %v, want 1", k, 2*half)
		}
		for _, u := range []float64{.1, .5, .99, 1.7} {
			if k.At(u) != k.At(-u) {
				t.Errorf("%v is not even at %v", k, u)
			}
		}
	}
	if len(zero) != 0 || bounded != 7 {
		t.Errorf("%d kernels untested, %d bounded, want 0 and 7", len(zero), bounded)
	}
}

// TestDecay smooths y' = −0.001 y with 1000 samples.
func TestDecay(t *testing.T) {
	times := uniform(0, 1, 1000)
	y := make([]float64, len(times))
	for i, s := range times {
		y[i] = 4.4 * math.Exp(-0.001*s)
	}
	for _, k := range Kernels() {
		c, err := Local(times, y, LocalOptions{Kernel: k, Width: Fixed(0.003)})
		if err != nil {
			t.Fatal(k, err)
		}
		u, du, err := c.Sample(times)
		if err != nil {
			t.Fatal(k, err)
		}
		sum := 0.0
		for i := range u {
			sum += (u[i] - y[i]) * (u[i] - y[i])
			// Rounding of y, 4e-16, is divided by the width, and grows by
			// cancellation under Silverman's weights of both signs.
			tol := 1e-10
			if k == Silverman {
				tol = 1e-6
			}
			if math.Abs(du[i]+0.001*y[i]) > tol {
				t.Fatalf("%v: du(%v) = %v, want %v", k, times[i], du[i], -0.001*y[i])
			}
		}
		if !(sum < 1e-8) {
			t.Errorf("%v: Σerr² = %v", k, sum)
		}
	}
}

// TestPolynomials checks that a local fit reproduces polynomials of its degree,
// and their derivatives, whatever kernel, width and times.
func TestPolynomials(t *testing.T) {
	t.Run("float64", func(t *testing.T) { polynomials[float64](t, 1e-11) })
	t.Run("float32", func(t *testing.T) { polynomials[float32](t, 3e-4) }) // 6e-8 over width², times 2
}

func polynomials[T Float](t *testing.T, tol float64) {
	r := rand.New(rand.NewPCG(1, 2))
	times := ragged(40, r)
	coef := []float64{1, -2, .5, 3, -1}
	value := func(deg, order int, x float64) (v float64) {
		for k := order; k <= deg; k++ {
			c := coef[k]
			for j := range order {
				c *= float64(k - j)
			}
			v += c * math.Pow(x, float64(k-order))
		}
		return v
	}
	for _, k := range Kernels() {
		for extra := 1; extra <= 2; extra++ {
			for order := 0; order <= 2; order++ {
				deg := order + extra
				y := make([]T, len(times))
				for i, x := range times {
					y[i] = T(value(deg, 0, x))
				}
				c, err := Local(times, y, LocalOptions{Kernel: k, Width: Fixed(0.25), MaxOrder: 2, Extra: extra})
				if err != nil {
					t.Fatal(k, err)
				}
				for _, x := range []float64{0, .013, .4, .77, 1} {
					got := []T{T(math.NaN())}
					if err := c.Derivative(got, order, x); err != nil {
						t.Fatal(k, err)
					}
					if want := value(deg, order, x); math.Abs(float64(got[0])-want) > tol*float64(1+100*order) {
						t.Errorf("%v: derivative %d of degree %d at %v: %v, want %v", k, order, deg, x, got[0], want)
					}
				}
			}
		}
	}
}

// TestNormalEquations compares a local fit with the weighted least squares
// solution of gonum.
func TestNormalEquations(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	times := ragged(30, r)
	y := make([]float64, len(times))
	for i := range y {
		y[i] = r.NormFloat64()
	}
	const h, at, deg = 0.3, 0.41, 3
	for _, k := range Kernels() {
		c, err := Local(times, y, LocalOptions{Kernel: k, Width: Fixed(h), MaxOrder: 2})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float64, 1)
		if err := c.Derivative(got, 2, at); err != nil {
			t.Fatal(err)
		}
		var m, rhs, beta mat.Dense
		m.ReuseAs(deg+1, deg+1)
		rhs.ReuseAs(deg+1, 1)
		for i, x := range times {
			w := k.At((x - at) / h)
			for a := range deg + 1 {
				for b := range deg + 1 {
					m.Set(a, b, m.At(a, b)+w*math.Pow(x-at, float64(a+b)))
				}
				rhs.Set(a, 0, rhs.At(a, 0)+w*y[i]*math.Pow(x-at, float64(a)))
			}
		}
		if err := beta.Solve(&m, &rhs); err != nil {
			t.Fatal(err)
		}
		if want := 2 * beta.At(2, 0); math.Abs(got[0]-want) > 1e-9*math.Abs(want) {
			t.Errorf("%v: %v, normal equations %v", k, got[0], want)
		}
	}
}

// TestLeaveOneOut checks the leverage formula against leaving samples out.
func TestLeaveOneOut(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	times := ragged(25, r)
	y := make([]float64, len(times))
	each := make([]int, len(times))
	for i := range y {
		y[i] = math.Sin(6*times[i]) + 0.1*r.NormFloat64()
		each[i] = i
	}
	for _, k := range Kernels() {
		for deg := 1; deg <= 3; deg++ {
			l := &local{series: series{times, y}, kernel: k}
			fast, ok1 := l.predictionError(0.35, deg, nil, 0)
			slow, ok2 := l.predictionError(0.35, deg, each, len(each))
			if !ok1 || !ok2 || math.Abs(fast-slow) > 1e-10*slow {
				t.Errorf("%v, degree %d: leverage formula %v %v, refitting %v %v", k, deg, fast, ok1, slow, ok2)
			}
		}
	}
}

func TestRule(t *testing.T) {
	times := uniform(2, 12, 101)
	y := make([]float64, 101)
	for i := range y {
		y[i] = times[i]
	}
	want := math.Pow(101, -.2) * math.Pow(101, -3./35) * math.Pow(math.Log(101), -1./16)
	for scale, h := range map[float64]float64{0: 10 * want, 1: want, 3: 3 * want} {
		c, err := Local(times, y, LocalOptions{Width: Rule{Scale: scale}})
		if err != nil {
			t.Fatal(err)
		}
		for order, got := range c.Smoothing()[0].Widths {
			if math.Abs(got-h) > 1e-15*h {
				t.Errorf("scale %v, order %d: width %v, want %v", scale, order, got, h)
			}
		}
	}
}

// lotkaVolterra returns the paper's system at n equidistant times on [0, 10]:
// states and derivatives, by classical Runge–Kutta with steps of 1/1000 or less.
func lotkaVolterra(n int) (times, u, du []float64) {
	f := func(x [2]float64) [2]float64 {
		return [2]float64{2./3*x[0] - 4./3*x[0]*x[1], -x[1] + x[0]*x[1]}
	}
	step := func(x, k [2]float64, h float64) [2]float64 { return [2]float64{x[0] + h*k[0], x[1] + h*k[1]} }
	times = uniform(0, 10, n)
	x := [2]float64{1, 1}
	for i := range times {
		k := f(x)
		u = append(u, x[0], x[1])
		du = append(du, k[0], k[1])
		if i == n-1 {
			break
		}
		const m = 400
		h := (times[i+1] - times[i]) / m
		for range m {
			k1 := f(x)
			k2 := f(step(x, k1, h/2))
			k3 := f(step(x, k2, h/2))
			k4 := f(step(x, k3, h))
			for j := range x {
				x[j] += h / 6 * (k1[j] + 2*k2[j] + 2*k3[j] + k4[j])
			}
		}
	}
	return times, u, du
}

func rms(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(s / float64(len(a)))
}

// TestLotkaVolterra bounds the errors of states and derivatives estimated from
// noisy samples. RMS of the derivative itself is 0.32; differences of
// neighbouring samples, which collocation replaces, are printed beside.
func TestLotkaVolterra(t *testing.T) {
	const sigma = 0.05
	times, u, du := lotkaVolterra(101)
	r := rand.New(rand.NewPCG(7, 8))
	noisy := make([]float64, len(u))
	for i := range u {
		noisy[i] = u[i] + sigma*r.NormFloat64()
	}
	diff := make([]float64, len(u))
	for i := range u {
		a, b := max(i-2, i%2), min(i+2, len(u)-2+i%2)
		diff[i] = (noisy[b] - noisy[a]) / (times[b/2] - times[a/2])
	}
	differences := rms(diff, du)
	t.Logf("RMS of du %.3f, error of differences %.3f", rms(du, make([]float64, len(du))), differences)

	fits := []struct {
		name       string
		fit        func() (*Curve[float64], error)
		state, der float64 // bounds: the measured errors and a quarter
	}{
		{"leave one out", func() (*Curve[float64], error) { return Local(times, noisy, LocalOptions{}) }, .030, .094},
		{"5 folds, Gaussian", func() (*Curve[float64], error) {
			return Local(times, noisy, LocalOptions{Kernel: Gaussian, Width: CrossValidation{Folds: 5, Shuffle: rand.New(rand.NewPCG(9, 9))}})
		}, .030, .089},
		{"cubic and quartic", func() (*Curve[float64], error) { return Local(times, noisy, LocalOptions{Extra: 3}) }, .028, .10},
		{"spline", func() (*Curve[float64], error) { return Spline(times, noisy, SplineOptions{}) }, .025, .065},
	}
	for _, f := range fits {
		c, err := f.fit()
		if err != nil {
			t.Fatal(f.name, err)
		}
		gu, gdu, err := c.Sample(times)
		if err != nil {
			t.Fatal(f.name, err)
		}
		eu, edu := rms(gu, u), rms(gdu, du)
		t.Logf("%-20s state %.4f derivative %.4f %+v", f.name, eu, edu, c.Smoothing())
		if eu > f.state || edu > f.der {
			t.Errorf("%s: errors %v, %v above %v, %v", f.name, eu, edu, f.state, f.der)
		}
		if eu > sigma || edu > differences/2 {
			t.Errorf("%s: no better than the samples and their differences", f.name)
		}
	}
}

// TestMissing leaves out a third of the values and checks that each component
// is estimated from what is left of it, and other times than the samples'.
func TestMissing(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 11))
	times := ragged(60, r)
	values := make([]float64, 2*len(times))
	for i, x := range times {
		values[2*i], values[2*i+1] = 1+x-3*x*x, math.NaN()
		if i%3 != 1 {
			values[2*i+1] = 2 - 5*x
		}
	}
	values[2*30] = math.NaN()
	before := append([]float64(nil), values...)
	fits := map[string]func() (*Curve[float64], error){
		"local":  func() (*Curve[float64], error) { return Local(times, values, LocalOptions{Width: Fixed(.2), Extra: 2}) },
		"spline": func() (*Curve[float64], error) { return Spline(times, values, SplineOptions{Lambda: 1e-14}) },
		"interp": func() (*Curve[float64], error) {
			return Interpolate(times, values, func() Interpolant { return new(interp.NotAKnotCubic) })
		},
	}
	for name, fit := range fits {
		c, err := fit()
		if err != nil {
			t.Fatal(name, err)
		}
		if s := c.Smoothing(); s[0].Samples != 59 || s[1].Samples != 40 {
			t.Errorf("%s: samples %d and %d, want 59 and 40", name, s[0].Samples, s[1].Samples)
		}
		for _, x := range []float64{.2, .333, .5, .71} {
			u, du := make([]float64, 2), make([]float64, 2)
			if err := c.At(u, du, x); err != nil {
				t.Fatal(name, err)
			}
			want := []float64{1 + x - 3*x*x, 2 - 5*x, 1 - 6*x, -5}
			for j, got := range append(u, du...) {
				// The natural spline is not exact on a parabola, most at its ends.
				if tol := map[string]float64{"local": 1e-11, "spline": 1e-4, "interp": 1e-11}[name]; math.Abs(got-want[j]) > tol {
					t.Errorf("%s: at %v entry %d: %v, want %v", name, x, j, got, want[j])
				}
			}
		}
	}
	for i := range values {
		if math.Float64bits(values[i]) != math.Float64bits(before[i]) {
			t.Fatal("values modified")
		}
	}
}

// TestSpline checks the spline's values, trace and score against dense algebra:
// A = (I + λ Q R⁻¹ Qᵀ)⁻¹.
func TestSpline(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 13))
	times := ragged(14, r)
	n := len(times)
	y := make([]float64, n)
	for i := range y {
		y[i] = math.Cos(5*times[i]) + .2*r.NormFloat64()
	}
	for _, lambda := range []float64{1e-9, 1e-4, 1e-2, 10} {
		c, err := Spline(times, y, SplineOptions{Lambda: lambda})
		if err != nil {
			t.Fatal(err)
		}
		q, rr := mat.NewDense(n, n-2, nil), mat.NewDense(n-2, n-2, nil)
		for j := range n - 2 {
			a, b := times[j+1]-times[j], times[j+2]-times[j+1]
			q.Set(j, j, 1/a)
			q.Set(j+1, j, -1/a-1/b)
			q.Set(j+2, j, 1/b)
			rr.Set(j, j, (a+b)/3)
			if j+1 < n-2 {
				rr.Set(j, j+1, b/6)
				rr.Set(j+1, j, b/6)
			}
		}
		var x, k, inv mat.Dense
		if err := x.Solve(rr, q.T()); err != nil {
			t.Fatal(err)
		}
		k.Mul(q, &x)
		k.Scale(lambda, &k)
		for i := range n {
			k.Set(i, i, k.At(i, i)+1)
		}
		if err := inv.Inverse(&k); err != nil {
			t.Fatal(err)
		}
		if got, want := c.Smoothing()[0].DoF, mat.Trace(&inv); math.Abs(got-want) > 1e-8 {
			t.Errorf("λ = %v: trace %v, want %v", lambda, got, want)
		}
		var g mat.VecDense
		g.MulVec(&inv, mat.NewVecDense(n, y))
		u, du, err := c.Sample(times)
		if err != nil {
			t.Fatal(err)
		}
		for i := range u {
			if math.Abs(u[i]-g.AtVec(i)) > 1e-9 {
				t.Errorf("λ = %v: g(%v) = %v, want %v", lambda, times[i], u[i], g.AtVec(i))
			}
		}
		// Values, first and second derivatives belong together.
		for i := 1; i < n-1; i++ {
			const h = 1e-5
			var lo, hi, dlo, dhi, dd [1]float64
			for _, e := range []error{c.At(lo[:], dlo[:], times[i]-h), c.At(hi[:], dhi[:], times[i]+h), c.Derivative(dd[:], 2, times[i])} {
				if e != nil {
					t.Fatal(e)
				}
			}
			if fd := (hi[0] - lo[0]) / (2 * h); math.Abs(fd-du[i]) > 1e-5 {
				t.Errorf("λ = %v: first derivative %v, difference %v", lambda, du[i], fd)
			}
			if fd := (dhi[0] - dlo[0]) / (2 * h); math.Abs(fd-dd[0]) > 1e-2*(1+math.Abs(fd)) {
				t.Errorf("λ = %v: second derivative %v, difference %v", lambda, dd[0], fd)
			}
		}
	}

	c, err := Spline(times, y, SplineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	best := c.Smoothing()[0]
	for _, f := range []float64{.5, .9, 1.1, 2} {
		p := newPenalty(times)
		if sp := p.smooth(series{times, y}, f*best.Lambda); sp.score < best.Score {
			t.Errorf("λ = %v·%v has a lower GCV score, %v < %v", f, best.Lambda, sp.score, best.Score)
		}
	}
}

func TestErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	ok := []float64{1, 2, 3, 4, 5}
	times := []float64{0, 1, 2, 3, 4}

	var data *DataError
	for _, bad := range []struct{ t, v []float64 }{
		{[]float64{0, 1, 1, 3, 4}, ok}, {[]float64{0, 2, 1, 3, 4}, ok}, {[]float64{0, nan, 2, 3, 4}, ok},
		{[]float64{0, 1, 2, 3, inf}, ok}, {times, []float64{1, 2, -inf, 4, 5}},
	} {
		if _, err := Local(bad.t, bad.v, LocalOptions{}); !errors.As(err, &data) {
			t.Errorf("%v: %v, want a DataError", bad, err)
		}
	}

	var sparse *SparseError
	for name, f := range map[string]func() error{
		"two samples": func() error { _, e := Local(times[:2], ok[:2], LocalOptions{}); return e },
		"all missing": func() error {
			_, e := Spline(times, []float64{1, nan, 2, nan, 3, nan, 4, nan, 5, nan}, SplineOptions{})
			return e
		},
		"no width": func() error {
			_, e := Local(times, ok, LocalOptions{Width: CrossValidation{Widths: []float64{.5}}})
			return e
		},
		"narrow": func() error {
			c, e := Local(times, ok, LocalOptions{Width: Fixed(.5)})
			if e != nil {
				t.Fatal(e)
			}
			return c.At(make([]float64, 1), nil, 1.5)
		},
		"spline":      func() error { _, e := Spline(times[:2], ok[:2], SplineOptions{}); return e },
		"interpolant": func() error { _, e := Interpolate(times[:3], ok[:3], nil); return e },
	} {
		err := f()
		if !errors.As(err, &sparse) || !errors.Is(err, ErrSparse) {
			t.Errorf("%s: %v, want a SparseError", name, err)
		}
		if name == "all missing" && sparse.Component != 1 {
			t.Errorf("component %d, want 1", sparse.Component)
		}
	}

	for i, o := range []LocalOptions{
		{Width: Fixed(0)}, {Width: Fixed(nan)}, {Width: Rule{Scale: -1}}, {Width: CrossValidation{Folds: 1}},
		{Width: CrossValidation{Widths: []float64{1, 0}}}, {MaxOrder: -1}, {Extra: -1}, {MaxOrder: 9}, {Kernel: &Kernel{}},
	} {
		if _, err := Local(times, ok, o); err == nil {
			t.Errorf("options %d: no error", i)
		}
	}
	if _, err := Spline(times, ok, SplineOptions{Lambda: nan}); err == nil {
		t.Error("Lambda NaN: no error")
	}

	c, err := Spline(times, []float64{nan, 2, 3, 4, nan}, SplineOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := c.Interval(); a != 1 || b != 3 {
		t.Errorf("interval [%v, %v], want [1, 3]", a, b)
	}
	for _, x := range []float64{0.99, 3.01, nan} {
		if err := c.At(make([]float64, 1), nil, x); !errors.Is(err, ErrOutside) {
			t.Errorf("t = %v: %v, want ErrOutside", x, err)
		}
	}
	if err := c.Derivative(make([]float64, 1), 3, 2); !errors.Is(err, ErrOrder) {
		t.Errorf("order 3: %v, want ErrOrder", err)
	}
}

// TestInterpolants gives gonum's interpolants the fewest samples allowed.
func TestInterpolants(t *testing.T) {
	times := []float64{0, 1, 2, 3}
	y := []float32{0, 1, 4, 9}
	for _, fresh := range []func() Interpolant{
		func() Interpolant { return new(interp.NotAKnotCubic) }, func() Interpolant { return new(interp.NaturalCubic) },
		func() Interpolant { return new(interp.ClampedCubic) }, func() Interpolant { return new(interp.AkimaSpline) },
		func() Interpolant { return new(interp.FritschButland) },
	} {
		c, err := Interpolate(times, y, fresh)
		if err != nil {
			t.Fatal(err)
		}
		u, _, err := c.Sample(times)
		if err != nil {
			t.Fatal(err)
		}
		for i := range u {
			if math.Abs(float64(u[i]-y[i])) > 1e-6 {
				t.Errorf("%T: %v at %v, want %v", fresh(), u[i], times[i], y[i])
			}
		}
	}
}
