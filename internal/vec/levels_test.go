package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// bitsOf is the representation of x.
func bitsOf[T Float](x T) uint64 {
	if wide[T]() {
		return math.Float64bits(float64(x))
	}
	return uint64(math.Float32bits(float32(x)))
}

// same tells whether a and b are the same bits, or both NaN.
func same[T Float](a, b T) bool { return bitsOf(a) == bitsOf(b) || a != a && b != b }

// testPlaces holds a kernel of elementwise inputs against itself on one element at
// a time: an element's result must not depend on its neighbours, its place, the
// length or the alignment. Nothing around the destination may be written, and
// the destination may be one of the inputs.
func testPlaces[T Float](t *testing.T, name string, inputs int, f func(dst []T, in [][]T)) {
	t.Helper()
	const longest, guard = 130, 16
	r := rand.New(rand.NewPCG(7, 7))
	special := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 1e-320, 1e-41, -3e-39, 1e30, -1e30, 700, -700, 88, -88}
	pool := make([][]T, inputs)
	one := make([]T, longest)
	nan := T(math.NaN())
	for i := range pool {
		pool[i] = make([]T, longest+8)
	}
	in := make([][]T, inputs)
	buf := make([]T, longest+2*guard+8)
	for shift := range 4 {
		for i := range pool {
			for j := range pool[i] {
				pool[i][j] = T(3 * r.NormFloat64())
				if r.IntN(4) == 0 {
					pool[i][j] = T(special[r.IntN(len(special))])
				}
			}
		}
		for i := range one {
			for k := range in {
				in[k] = pool[k][shift+i : shift+i+1]
			}
			one[i] = nan
			f(one[i:i+1], in)
		}
		for n := range longest + 1 {
			for k := range in {
				in[k] = pool[k][shift : shift+n]
			}
			for place := -1; place < inputs; place++ { // -1: apart, else in place of that input
				for i := range buf {
					buf[i] = nan
				}
				from := guard + (n+place+4)%4
				dst := buf[from : from+n]
				if place >= 0 {
					copy(dst, in[place])
					in[place] = dst
				}
				f(dst, in)
				for i := range dst {
					if !same(dst[i], one[i]) {
						t.Fatalf("%s: element %d of %d (in place of %d) is %v, alone %v", name, i, n, place, dst[i], one[i])
					}
				}
				for i, v := range buf {
					if (i < from || i >= from+n) && v == v {
						t.Fatalf("%s: %d elements at %d: %d was written", name, n, from, i)
					}
				}
				if place >= 0 {
					in[place] = pool[place][shift : shift+n]
				}
			}
		}
	}
}

// f1 and f2 give kernels the form that testPlaces takes.
func f1[T Float](f func(dst, a []T)) func([]T, [][]T) {
	return func(dst []T, in [][]T) { f(dst, in[0]) }
}

func f2[T Float](f func(dst, a, b []T)) func([]T, [][]T) {
	return func(dst []T, in [][]T) { f(dst, in[0], in[1]) }
}

func testPlacesAll[T Float](t *testing.T) {
	width := fmt.Sprint(8*unsafe.Sizeof(T(0)), " bits ")
	for _, k := range []struct {
		name string
		f    func(dst, x []T)
	}{
		{"tanh", Tanh[T]}, {"exp", Exp[T]}, {"expm1", Expm1[T]}, {"sigmoid", Sigmoid[T]}, {"softplus", Softplus[T]},
		{"log", Log[T]}, {"log1p", Log1p[T]}, {"sin", Sin[T]}, {"cos", Cos[T]}, {"normalCDF", NormalCDF[T]}, {"neg", Neg[T]}, {"abs", Abs[T]}, {"sign", Sign[T]}, {"square", Square[T]},
		{"cube", Cube[T]}, {"inv", Inv[T]}, {"sqrt", Sqrt[T]}, {"invSqrt", InvSqrt[T]}, {"floor", Floor[T]}, {"ceil", Ceil[T]},
	} {
		testPlaces(t, width+k.name, 1, f1(k.f))
	}
	for _, k := range []struct {
		name string
		f    func(dst, a, b []T)
	}{
		{"add", Add[T]}, {"sub", Sub[T]}, {"mul", Mul[T]}, {"div", Div[T]}, {"min", Min[T]}, {"max", Max[T]}, {"less", Less[T]},
		{"lessEqual", LessEqual[T]}, {"equal", Equal[T]}, {"notEqual", NotEqual[T]}, {"tanhGrad", TanhGrad[T]}, {"sigmoidGrad", SigmoidGrad[T]},
	} {
		testPlaces(t, width+k.name, 2, f2(k.f))
	}
	for _, k := range ternary[T]() {
		testPlaces(t, width+k.name, 3, func(dst []T, in [][]T) { k.f(dst, in[0], in[1], in[2]) })
	}
}

type ternaryKernel[T Float] struct {
	name         string
	f            func(dst, a, b, c []T)
	inner, outer func(dst, a, b []T)
}

// ternary are the functions of two steps in one pass, with the steps.
func ternary[T Float]() []ternaryKernel[T] {
	return []ternaryKernel[T]{
		{"mulAdd", MulAdd[T], Mul[T], Add[T]}, {"mulSub", MulSub[T], Mul[T], Sub[T]}, {"mulMul", MulMul[T], Mul[T], Mul[T]},
		{"addMul", AddMul[T], Add[T], Mul[T]}, {"subMul", SubMul[T], Sub[T], Mul[T]}, {"mulSigmoidGrad", MulSigmoidGrad[T], Mul[T], SigmoidGrad[T]},
	}
}

func TestPlaces(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		testPlacesAll[float64](t)
		testPlacesAll[float32](t)
	})
}

// testBits holds the results of the kernels whose every operation is rounded against
// those of the Go code, bit for bit, on random bits.
func testBits[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 1 << 12
	random := func() []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(r.NormFloat64())
			if i%2 == 0 && wide[T]() {
				x[i] = T(math.Float64frombits(r.Uint64()))
			} else if i%2 == 0 {
				x[i] = T(math.Float32frombits(r.Uint32()))
			}
		}
		return x
	}
	a, b := random(), random()
	copy(b[:n/8], a[:n/8])
	for name, f := range map[string]func(dst, a, b []T){
		"add": Add[T], "sub": Sub[T], "mul": Mul[T], "div": Div[T], "min": Min[T], "max": Max[T], "less": Less[T],
		"lessEqual": LessEqual[T], "equal": Equal[T], "notEqual": NotEqual[T], "tanhGrad": TanhGrad[T], "sigmoidGrad": SigmoidGrad[T],
		"neg": func(dst, a, _ []T) { Neg(dst, a) }, "abs": func(dst, a, _ []T) { Abs(dst, a) },
		"sign": func(dst, a, _ []T) { Sign(dst, a) }, "square": func(dst, a, _ []T) { Square(dst, a) },
		"cube": func(dst, a, _ []T) { Cube(dst, a) }, "inv": func(dst, a, _ []T) { Inv(dst, a) },
		"sqrt": func(dst, a, _ []T) { Sqrt(dst, a) }, "invSqrt": func(dst, a, _ []T) { InvSqrt(dst, a) },
		"floor": func(dst, a, _ []T) { Floor(dst, a) }, "ceil": func(dst, a, _ []T) { Ceil(dst, a) },
		"fill": func(dst, a, _ []T) { Fill(dst, a[1]) },
	} {
		var first []T
		forEachLevel(t, func(t *testing.T) {
			got := slices.Repeat([]T{T(math.NaN())}, n)
			f(got, a, b)
			if first == nil {
				first = got
			}
			for i := range got {
				if !same(got[i], first[i]) {
					t.Fatalf("%s(%v, %v) is %v, in Go %v", name, a[i], b[i], got[i], first[i])
				}
			}
		})
	}
}

// testTernary holds functions of two steps against the steps, bit for bit.
func testTernary[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var x [3][]T
	for i := range x {
		x[i] = make([]T, 1<<10)
		for j := range x[i] {
			x[i][j] = T(r.NormFloat64() * math.Exp(8*r.NormFloat64()))
		}
	}
	got, want := make([]T, len(x[0])), make([]T, len(x[0]))
	forEachLevel(t, func(t *testing.T) {
		for _, k := range ternary[T]() {
			k.f(got, x[0], x[1], x[2])
			k.inner(want, x[0], x[1])
			k.outer(want, want, x[2])
			sameAll(t, k.name, got, want)
		}
	})
}

func TestTernary(t *testing.T) {
	t.Run("float64", testTernary[float64])
	t.Run("float32", testTernary[float32])
}

func TestBits(t *testing.T) {
	t.Run("float64", testBits[float64])
	t.Run("float32", testBits[float32])
}
