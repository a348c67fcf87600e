package vec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCombine(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		t.Run("float32", func(t *testing.T) { testCombine[float32](t, 0x1p-23) })
		t.Run("float64", func(t *testing.T) { testCombine[float64](t, 0x1p-52) })
	})
}

func testCombine[T ~float32 | ~float64](t *testing.T, eps float64) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []T {
		v := make([]T, n)
		for i := range v {
			v[i] = T(r.NormFloat64())
		}
		return v
	}
	for terms := range 21 {
		for n := range 18 {
			k := random((terms + 3) * n)
			rows := r.Perm(terms + 3)[:terms]
			slices.Sort(rows)
			c, y := random(terms), random(n)
			c0, y0, k0 := slices.Clone(c), slices.Clone(y), slices.Clone(k)

			dst := make([]T, n+1)
			for i := range dst {
				dst[i] = T(math.NaN())
			}
			Combine(dst[:n], y, c, rows, k)
			if !slices.Equal(c, c0) || !slices.Equal(y, y0) || !slices.Equal(k, k0) {
				t.Fatalf("%d terms of %d: an input was modified", terms, n)
			}
			if dst[n] == dst[n] {
				t.Fatalf("%d terms of %d: wrote past the end", terms, n)
			}
			for i := range n {
				want, size := float64(y[i]), math.Abs(float64(y[i]))
				for j, row := range rows {
					v := float64(c[j]) * float64(k[row*n+i])
					want += v
					size += math.Abs(v)
				}
				// Each of the terms+1 operations rounds a partial sum below size.
				if math.Abs(float64(dst[i])-want) > float64(terms+1)*eps*size {
					t.Fatalf("%d terms of %d: %v at %d, want %v", terms, n, dst[i], i, want)
				}
			}
			Combine(y, y, c, rows, k)
			if !slices.Equal(y, dst[:n]) {
				t.Fatalf("%d terms of %d: in place differs", terms, n)
			}
		}
	}
}

// TestCombineBits: a combination has the same bits on every instruction set, wherever it lies,
// and nothing beside it is written.
func TestCombineBits(t *testing.T) {
	t.Run("float32", testCombineBits[float32])
	t.Run("float64", testCombineBits[float64])
}

func testCombineBits[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 131 {
		terms := 1 + n%13
		k, c, y := fill[T](r, (terms+2)*n+3), fill[T](r, terms), fill[T](r, n+3)
		rows := r.Perm(terms + 2)[:terms]
		var first []T
		forEachLevel(t, func(t *testing.T) {
			for shift := range 3 {
				const guard = 9
				buf := slices.Repeat([]T{T(math.NaN())}, n+2*guard)
				dst := buf[guard-shift:][:n]
				copy(y[shift:], y[:n])
				copy(k[shift:], k[:(terms+2)*n])
				Combine(dst, y[shift:], c, rows, k[shift:])
				copy(y, y[shift:][:n])
				copy(k, k[shift:][:(terms+2)*n])
				if first == nil {
					first = slices.Clone(dst)
				}
				if !slices.Equal(dst, first) {
					t.Fatalf("%d terms of %d: not the bits of the first", terms, n)
				}
				for i, v := range buf {
					if (i < guard-shift || i >= guard-shift+n) && v == v {
						t.Fatalf("%d terms of %d: %d was written", terms, n, i)
					}
				}
			}
		})
	}
}

// TestNormBits: norms have the same bits on every instruction set, and are those of
// eight partial sums.
func TestNormBits(t *testing.T) {
	t.Run("float32", testNormBits[float32])
	t.Run("float64", testNormBits[float64])
}

func testNormBits[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 131 {
		e, a, b := fill[T](r, n+1)[1:], fill[T](r, n+2)[2:], fill[T](r, n+3)[3:]
		for i := range e {
			if r.IntN(8) == 0 {
				e[i], a[i], b[i] = 0, 0, 0
			}
		}
		atol, rtol := fill[float64](r, n), fill[float64](r, n)
		for i := range atol {
			atol[i], rtol[i] = max(0, atol[i]), math.Abs(rtol[i])
		}
		var first []float64
		forEachLevel(t, func(t *testing.T) {
			out := slices.Repeat([]float64{math.NaN()}, n+3)
			Scaled(out[:n], e, a, b, atol, rtol)
			out[n] = ScaledRMS(e, a, b, 1e-3, 1e-2)
			out[n+1] = ScaledRMSEach(e, a, b, atol, rtol)
			if out[n+2] == out[n+2] {
				t.Fatalf("%d elements: wrote past the end", n)
			}
			if first == nil {
				first = slices.Clone(out)
			}
			for i := range out {
				if !same(out[i], first[i]) {
					t.Fatalf("%d elements: %v at %d, on the first level %v", n, out[i], i, first[i])
				}
			}
		})
	}
}

func TestScaledRMS(t *testing.T) {
	forEachLevel(t, testScaledRMS)
}

func testScaledRMS(t *testing.T) {
	e := []float64{0.3, -4, 0, 1e-3}
	a := []float64{1, -2, 0, 0}
	b := []float64{-3, 1, 0, 1e-2}
	atol, rtol := []float64{0.1, 0.2, 0, 0}, []float64{1, 0.5, 1, 1}
	// The third has error 0 and tolerance 0.
	want := []float64{0.3 / 3.1, -4 / 1.2, 0, 0.1}
	r := make([]float64, 4)
	Scaled(r, e, a, b, atol, rtol)
	var sum float64
	for i := range r {
		if math.Abs(r[i]-want[i]) > 1e-15*math.Abs(want[i]) {
			t.Errorf("scaled %v at %d, want %v", r[i], i, want[i])
		}
		sum += want[i] * want[i]
	}
	if got, want := ScaledRMSEach(e, a, b, atol, rtol), math.Sqrt(sum/4); math.Abs(got-want) > 1e-15*want {
		t.Errorf("root mean square %v, want %v", got, want)
	}
	same := func(v float64) []float64 { return []float64{v, v, v, v} }
	if got, want := ScaledRMS(e, a, b, 0.1, 0.5), ScaledRMSEach(e, a, b, same(0.1), same(0.5)); got != want {
		t.Errorf("with scalars %v, with slices %v", got, want)
	}
	if got := ScaledRMS([]float64{1}, []float64{0}, []float64{0}, 0, 1); !math.IsInf(got, 1) {
		t.Errorf("error without tolerance gives %v, want +Inf", got)
	}
	if got := ScaledRMS([]float64{math.NaN(), 0}, []float64{0, 0}, []float64{0, 0}, 1, 1); got == got {
		t.Errorf("error NaN gives %v", got)
	}
}

func TestFinite(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		for n := range 131 {
			testFinite[float64](t, n)
			testFinite[float32](t, n)
		}
	})
}

func testFinite[T Float](t *testing.T, n int) {
	x := make([]T, n)
	for i := range x {
		x[i] = math.MaxFloat32 // the sum overflows in float32
	}
	if !Finite(x) || NonFinite(x) != -1 {
		t.Error("finite values called not finite")
	}
	for i := range x {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			y := slices.Clone(x)
			y[i] = T(bad)
			if Finite(y) || NonFinite(y) != i {
				t.Errorf("%v at %d not found", bad, i)
			}
		}
	}
}

// BenchmarkCombine is one combination in the second cache, against a copy of as many bytes
// as it reads and writes.
func BenchmarkCombine(b *testing.B) {
	const n = 4096
	r := rand.New(rand.NewPCG(1, 2))
	for _, terms := range []int{1, 3, 6, 13} {
		k, c, y, dst := fill[float64](r, terms*n), fill[float64](r, terms), fill[float64](r, n), make([]float64, n)
		rows := r.Perm(terms)
		half := (terms + 2) * n / 2
		from, to := make([]float64, half), make([]float64, half)
		for name, f := range map[string]func(){
			"combine": func() { Combine(dst, y, c, rows, k) },
			"copy":    func() { copy(to, from) },
		} {
			b.Run(fmt.Sprint(terms, "/", name), func(b *testing.B) {
				b.SetBytes(int64(terms+2) * n * 8)
				for b.Loop() {
					f()
				}
			})
		}
	}
}
