package vec

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// mathKernels are the functions of one argument, their references and where to scan them.
func mathKernels[T Float]() []mathKernel[T] {
	most := 709.0 // of exp
	if !wide[T]() {
		most = 88.7
	}
	return []mathKernel[T]{
		{"exp", Exp[T], ddExp, -1.06 * most, most},
		{"expm1", Expm1[T], ddExpm1, -45, most},
		{"tanh", Tanh[T], ddTanh, -22, 22},
		{"sigmoid", Sigmoid[T], ddSigmoid, -1.06 * most, 45},
		{"softplus", Softplus[T], ddSoftplus, -1.06 * most, 100},
		{"log", Log[T], ddLog, 1e-300, 1e30},
		{"log1p", Log1p[T], func(x dd) dd { return ddLog1p(x) }, -1 + 1e-3, 1e6},
		{"sin", Sin[T], ddSin, -1e4, 1e4},
		{"cos", Cos[T], ddCos, -1e4, 1e4},
		{"normalCDF", NormalCDF[T], ddNormalCDF, -8.6 - most/30, 9},
	}
}

// ulpLimit is the bound for the level in use.
func ulpLimit(name string) float64 {
	switch vectors := vectorBytes() > 0; {
	case name == "normalCDF" && !vectors:
		return 5
	case name == "normalCDF" || !vectors:
		return 3
	}
	return 2
}

type mathKernel[T Float] struct {
	name   string
	f      func(dst, x []T)
	exact  func(x dd) dd
	lo, hi float64
}

// ulps is the distance between got and want in units of the last place of want.
func ulps[T Float](got T, want dd) float64 {
	w := math.Abs(float64(T(want.hi)))
	ulp := math.Nextafter(w, math.Inf(1)) - w
	if !wide[T]() {
		ulp = float64(math.Nextafter32(float32(w), float32(math.Inf(1)))) - w
	}
	d := dd{float64(got), 0}.sub(want)
	return math.Abs(d.hi+d.lo) / ulp
}

// scanPoints are arguments between lo and hi: evenly spread, dense around 0 or 1 where most happens,
// and of all orders of magnitude.
func scanPoints[T Float](lo, hi float64, n int) []T {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]T, 0, n)
	for len(x) < n {
		u := r.Float64()
		v := lo + (hi-lo)*u
		switch len(x) % 4 {
		case 1:
			v = 4 * (u - 0.5)
		case 2:
			v = 1 + 0.8*(u-0.5)
		case 3:
			v = math.Exp(-30*u) * math.Copysign(1, r.Float64()-0.5)
		}
		if v = float64(T(v)); lo <= v && v <= hi && v != 0 {
			x = append(x, T(v))
		}
	}
	return x
}

// TestMathAccuracy finds the largest error of a scan; -v prints it. docs/numerics.md has the results of longer scans.
func TestMathAccuracy(t *testing.T) {
	t.Run("float64", testMathAccuracy[float64])
	t.Run("float32", testMathAccuracy[float32])
}

func testMathAccuracy[T Float](t *testing.T) {
	points := 60_000
	if testing.Short() {
		points = 5_000
	}
	for _, k := range mathKernels[T]() {
		x := scanPoints[T](k.lo, k.hi, points)
		want := make([]dd, len(x))
		for i, v := range x {
			want[i] = k.exact(dd{float64(v), 0})
		}
		y := make([]T, len(x))
		forEachLevel(t, func(t *testing.T) {
			k.f(y, x)
			worst, at := 0.0, T(0)
			for i := range y {
				if u := ulps(y[i], want[i]); !(u <= worst) {
					worst, at = u, x[i]
				}
			}
			t.Logf("%s: at most %.2f ulp, at %v", k.name, worst, at)
			limit := ulpLimit(k.name)
			if !(worst <= limit) {
				t.Errorf("%s: %.2f ulp at %v, want at most %v", k.name, worst, at, limit)
			}
		})
	}
}

func testMathSpecial[T Float](t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	tiny, logTiny := 5e-324, -744.4400719213812
	if !wide[T]() {
		tiny, logTiny = 1e-45, -103.27892990343185
	}
	cases := []struct {
		name    string
		f       func(dst, x []T)
		x, want float64
	}{
		{"tanh", Tanh[T], inf, 1}, {"tanh", Tanh[T], -inf, -1}, {"tanh", Tanh[T], nan, nan},
		{"tanh", Tanh[T], 0, 0}, {"tanh", Tanh[T], math.Copysign(0, -1), math.Copysign(0, -1)},
		{"tanh", Tanh[T], tiny, tiny}, {"tanh", Tanh[T], 1e30, 1}, {"tanh", Tanh[T], -1e30, -1},
		{"sigmoid", Sigmoid[T], inf, 1}, {"sigmoid", Sigmoid[T], -inf, 0}, {"sigmoid", Sigmoid[T], nan, nan},
		{"sigmoid", Sigmoid[T], 0, 0.5}, {"sigmoid", Sigmoid[T], -1e30, 0}, {"sigmoid", Sigmoid[T], 1e30, 1},
		{"softplus", Softplus[T], inf, inf}, {"softplus", Softplus[T], -inf, 0}, {"softplus", Softplus[T], nan, nan},
		{"softplus", Softplus[T], 1e30, 1e30}, {"softplus", Softplus[T], -1e30, 0}, {"softplus", Softplus[T], 0, math.Ln2},
		{"exp", Exp[T], inf, inf}, {"exp", Exp[T], -inf, 0}, {"exp", Exp[T], nan, nan}, {"exp", Exp[T], 0, 1},
		{"exp", Exp[T], 1e30, inf}, {"exp", Exp[T], -1e30, 0},
		{"expm1", Expm1[T], inf, inf}, {"expm1", Expm1[T], -inf, -1}, {"expm1", Expm1[T], nan, nan}, {"expm1", Expm1[T], tiny, tiny},
		{"expm1", Expm1[T], 0, 0}, {"expm1", Expm1[T], math.Copysign(0, -1), math.Copysign(0, -1)},
		{"log", Log[T], inf, inf}, {"log", Log[T], -inf, nan}, {"log", Log[T], nan, nan}, {"log", Log[T], 0, -inf},
		{"log", Log[T], math.Copysign(0, -1), -inf}, {"log", Log[T], -1, nan}, {"log", Log[T], 1, 0}, {"log", Log[T], -tiny, nan},
		{"log", Log[T], tiny, logTiny},
		{"log1p", Log1p[T], inf, inf}, {"log1p", Log1p[T], -inf, nan}, {"log1p", Log1p[T], nan, nan}, {"log1p", Log1p[T], -1, -inf},
		{"log1p", Log1p[T], -2, nan}, {"log1p", Log1p[T], 0, 0}, {"log1p", Log1p[T], math.Copysign(0, -1), math.Copysign(0, -1)},
		{"log1p", Log1p[T], tiny, tiny}, {"log1p", Log1p[T], -tiny, -tiny},
		{"sin", Sin[T], inf, nan}, {"sin", Sin[T], nan, nan}, {"sin", Sin[T], 0, 0}, {"sin", Sin[T], tiny, tiny},
		{"cos", Cos[T], -inf, nan}, {"cos", Cos[T], nan, nan}, {"cos", Cos[T], 0, 1}, {"cos", Cos[T], tiny, 1},
		{"sin", Sin[T], 1 << 40, math.Sin(1 << 40)}, {"cos", Cos[T], 1 << 40, math.Cos(1 << 40)},
		{"normalCDF", NormalCDF[T], inf, 1}, {"normalCDF", NormalCDF[T], -inf, 0}, {"normalCDF", NormalCDF[T], nan, nan},
		{"normalCDF", NormalCDF[T], 0, 0.5}, {"normalCDF", NormalCDF[T], tiny, 0.5}, {"normalCDF", NormalCDF[T], 1e30, 1},
		{"normalCDF", NormalCDF[T], -1e30, 0},
	}
	for _, c := range cases {
		out := []T{T(math.NaN())}
		c.f(out, []T{T(c.x)})
		got, want := float64(out[0]), float64(T(c.want))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != math.Signbit(want) && !math.IsNaN(want) {
			t.Errorf("%s(%v) = %v, want %v", c.name, c.x, got, want)
		}
	}
}

func TestMathSpecial(t *testing.T) {
	forEachLevel(t, testMathSpecials)
}

func testMathSpecials(t *testing.T) {
	t.Run("float64", testMathSpecial[float64])
	t.Run("float32", testMathSpecial[float32])
	// The ends of exp's range, where the power of two is split.
	for _, x := range []float64{709.78, 709.782712893384, 709.7827128933841, -708.4, -740, -744.4, -745.2} {
		out := []float64{0}
		Exp(out, []float64{x})
		if want := math.Exp(x); math.Abs(out[0]-want) > 4e-16*want+5e-324 {
			t.Errorf("exp(%v) = %v, want %v", x, out[0], want)
		}
	}
}

// BenchmarkMath reports the least time for an element of many repetitions, on every
// instruction set, as _gen/libmvec/libmvec.c does for glibc's vector functions.
func BenchmarkMath(b *testing.B) {
	b.Run("float64", benchmarkMath[float64])
	b.Run("float32", benchmarkMath[float32])
}

func benchmarkMath[T Float](b *testing.B) {
	const n, repeat = 256, 20
	x, y := fill[T](rand.New(rand.NewPCG(1, 2)), n), make([]T, n)
	positive := make([]T, n)
	Abs(positive, x)
	benchEachLevel(b, func(b *testing.B) {
		for _, k := range mathKernels[T]() {
			in := x
			if k.lo > 0 || k.name == "log1p" {
				in = positive
			}
			b.Run(k.name, func(b *testing.B) {
				best := math.Inf(1)
				for b.Loop() {
					start := time.Now()
					for range repeat {
						k.f(y, in)
					}
					best = min(best, float64(time.Since(start).Nanoseconds())/(repeat*n))
				}
				b.ReportMetric(best, "ns/element")
				b.ReportMetric(0, "ns/op")
			})
		}
	})
}
