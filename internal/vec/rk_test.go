package vec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCombine(t *testing.T) {
	t.Run("float32", func(t *testing.T) { testCombine[float32](t, 0x1p-23) })
	t.Run("float64", func(t *testing.T) { testCombine[float64](t, 0x1p-52) })
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

func TestScaledRMS(t *testing.T) {
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
	x := make([]float32, 9)
	for i := range x {
		x[i] = math.MaxFloat32 // the sum overflows
	}
	if !Finite(x) || NonFinite(x) != -1 || !Finite([]float64{}) {
		t.Error("finite values called not finite")
	}
	for i := range x {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			y := slices.Clone(x)
			y[i] = float32(bad)
			if Finite(y) || NonFinite(y) != i {
				t.Errorf("%v at %d not found", bad, i)
			}
		}
	}
	if Finite([]float64{math.Inf(1), math.Inf(-1)}) {
		t.Error("opposite infinities not found")
	}
}
