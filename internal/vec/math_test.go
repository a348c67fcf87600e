package vec

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// The references are computed in math/big with 120 bits: the exponential by
// its series after halving the argument, the rest from it.
const bigPrec = 120

func bigFloat(x float64) *big.Float { return new(big.Float).SetPrec(bigPrec).SetFloat64(x) }

func bigOp(f func(z, x, y *big.Float) *big.Float, x, y *big.Float) *big.Float {
	return f(new(big.Float).SetPrec(bigPrec), x, y)
}

func bigExp(x *big.Float) *big.Float {
	const halvings = 16
	r := new(big.Float).SetPrec(bigPrec + 40).Set(x)
	r.SetMantExp(r, -halvings)
	sum, term := new(big.Float).SetPrec(bigPrec+40).SetInt64(1), new(big.Float).SetPrec(bigPrec+40).SetInt64(1)
	for k := int64(1); k < 30; k++ {
		term.Mul(term, r)
		term.Quo(term, new(big.Float).SetPrec(bigPrec+40).SetInt64(k))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

var bigOne = bigFloat(1)

func bigSigmoid(x *big.Float) *big.Float {
	e := bigExp(new(big.Float).Neg(x))
	return bigOp((*big.Float).Quo, bigOne, bigOp((*big.Float).Add, bigOne, e))
}

func bigTanh(x *big.Float) *big.Float {
	e := bigExp(bigOp((*big.Float).Add, x, x))
	return bigOp((*big.Float).Quo, bigOp((*big.Float).Sub, e, bigOne), bigOp((*big.Float).Add, e, bigOne))
}

// bigLog is log(y) by Newton's method on exp from a float64 start.
func bigLog(y *big.Float) *big.Float {
	f, _ := y.Float64()
	l := bigFloat(math.Log(f))
	for range 2 {
		q := bigOp((*big.Float).Quo, y, bigExp(l))
		l = bigOp((*big.Float).Add, l, bigOp((*big.Float).Sub, q, bigOne))
	}
	return l
}

func bigSoftplus(x *big.Float) *big.Float {
	if f, _ := x.Float64(); f < -30 { // log(1+e) = e - e²/2 + e³/3
		e := bigExp(x)
		e2 := bigOp((*big.Float).Mul, e, e)
		e3 := bigOp((*big.Float).Mul, e2, e)
		y := bigOp((*big.Float).Sub, e, bigOp((*big.Float).Quo, e2, bigFloat(2)))
		return bigOp((*big.Float).Add, y, bigOp((*big.Float).Quo, e3, bigFloat(3)))
	}
	return bigLog(bigOp((*big.Float).Add, bigOne, bigExp(x)))
}

// ulps is the distance between got and want in units of the last place of want.
func ulps(got float64, want *big.Float, bits32 bool) float64 {
	w, _ := want.Float64()
	var ulp float64
	if bits32 {
		f := float32(math.Abs(w))
		ulp = float64(math.Nextafter32(f, float32(math.Inf(1))) - f)
	} else {
		ulp = math.Nextafter(math.Abs(w), math.Inf(1)) - math.Abs(w)
	}
	d, _ := bigOp((*big.Float).Sub, bigFloat(got), want).Float64()
	return math.Abs(d) / ulp
}

func testMath[T Float](t *testing.T) {
	narrow := !wide[T]()
	limit := 745.0
	if narrow {
		limit = 87
	}
	cases := []struct {
		name   string
		f      func(dst, x []T)
		exact  func(x *big.Float) *big.Float
		lo, hi float64
		tol    float64
	}{
		{"tanh", Tanh[T], bigTanh, -22, 22, 2},
		{"sigmoid", Sigmoid[T], bigSigmoid, -limit + 40, 40, 2},
		{"softplus", Softplus[T], bigSoftplus, -limit + 40, 100, 2},
		{"exp", Exp[T], bigExp, -limit + 40, limit - 40, 1},
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range cases {
		worst, at := 0.0, 0.0
		for i := range 4000 {
			x := c.lo + (c.hi-c.lo)*r.Float64()
			switch i % 4 {
			case 1:
				x = 4 * (r.Float64() - 0.5)
			case 2:
				x = math.Exp(-30*r.Float64()) * (1 - 2*float64(i>>2&1))
			}
			in, out := []T{T(x)}, []T{T(math.NaN())}
			c.f(out, in)
			x = float64(in[0])
			if u := ulps(float64(out[0]), c.exact(bigFloat(x)), narrow); !(u <= worst) {
				worst, at = u, x
			}
		}
		t.Logf("%s: at most %.2f ulp", c.name, worst)
		if !(worst <= c.tol) {
			t.Errorf("%s: %.2f ulp at %v, want at most %v", c.name, worst, at, c.tol)
		}
	}
}

func TestMathAccuracy(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		t.Run("float64", testMath[float64])
		t.Run("float32", testMath[float32])
	})
}

func testMathSpecial[T Float](t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	tiny := 5e-324
	if !wide[T]() {
		tiny = 1e-45
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

func BenchmarkMath(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	x, y := fill[float64](r, 256), make([]float64, 256)
	x32, y32 := fill[float32](r, 256), make([]float32, 256)
	for _, f := range []struct {
		name string
		f64  func(dst, x []float64)
		f32  func(dst, x []float32)
		std  func(float64) float64
	}{
		{"tanh", Tanh[float64], Tanh[float32], math.Tanh},
		{"sigmoid", Sigmoid[float64], Sigmoid[float32], func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }},
		{"softplus", Softplus[float64], Softplus[float32], func(x float64) float64 { return math.Log1p(math.Exp(x)) }},
		{"exp", Exp[float64], Exp[float32], math.Exp},
	} {
		report := func(b *testing.B) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/256, "ns/element")
		}
		b.Run(fmt.Sprint(f.name, "/float64"), func(b *testing.B) {
			for b.Loop() {
				f.f64(y, x)
			}
			report(b)
		})
		b.Run(fmt.Sprint(f.name, "/float32"), func(b *testing.B) {
			for b.Loop() {
				f.f32(y32, x32)
			}
			report(b)
		})
		b.Run(fmt.Sprint(f.name, "/math"), func(b *testing.B) {
			for b.Loop() {
				for i, v := range x {
					y[i] = f.std(v)
				}
			}
			report(b)
		})
	}
}
