package vec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSumRounding: adding halves keeps the error of 2²⁰ float32 terms at a few
// units of the last place; adding one after the other gives 105 891.8.
func TestSumRounding(t *testing.T) {
	x := make([]float32, 1<<20)
	Fill(x, 0.1)
	want := float64(float32(0.1)) * (1 << 20)
	if got := float64(Sum(x)); math.Abs(got-want) > 1e-6*want {
		t.Errorf("Sum = %v, want %v", got, want)
	}
	dst := make([]float32, 4)
	SumRows(dst, x, 1<<18, false)
	for _, got := range dst {
		if math.Abs(float64(got)-want/4) > 1e-6*want {
			t.Errorf("SumRows = %v, want %v", got, want/4)
		}
	}
}

func TestReductions(t *testing.T) {
	forEachLevel(t, testReductions)
}

// TestSumRowsBits: sums of rows have the same bits on every instruction set, and nothing beside
// them is written.
func TestSumRowsBits(t *testing.T) {
	t.Run("float64", testSumRowsBits[float64])
	t.Run("float32", testSumRowsBits[float32])
}

func testSumRowsBits[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for w := 1; w <= 130; w++ {
		n := 1 + r.IntN(150)
		x, start := fill[T](r, n*w+1)[1:], fill[T](r, w)
		var first []T
		forEachLevel(t, func(t *testing.T) {
			const guard = 9
			buf := slices.Repeat([]T{T(math.NaN())}, w+2*guard)
			dst := buf[guard:][:w]
			copy(dst, start)
			SumRows(dst, x, n, true)
			if first == nil {
				first = slices.Clone(dst)
			}
			if !slices.Equal(dst, first) {
				t.Fatalf("%d rows of %d: not the bits of the first", n, w)
			}
			for i, v := range buf {
				if (i < guard || i >= guard+w) && v == v {
					t.Fatalf("%d rows of %d: %d was written", n, w, i)
				}
			}
		})
	}
}

func testReductions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 4, 5, 63, 64, 65, 130, 500} {
		for _, w := range []int{1, 2, 63, 64, 65, 150} {
			x := fill[float64](r, n*w)
			sum, largest := make([]float64, w), slices.Repeat([]float64{math.Inf(-1)}, w)
			for i, v := range x {
				sum[i%w] += v
				largest[i%w] = math.Max(largest[i%w], v)
			}
			got := slices.Repeat([]float64{math.NaN()}, w)
			SumRows(got, x, n, false)
			for i := range got {
				if math.Abs(got[i]-sum[i]) > 1e-13*float64(n) {
					t.Fatalf("SumRows of %d×%d: %v, want %v", n, w, got[i], sum[i])
				}
			}
			SumRows(got, x, n, true)
			for i := range got {
				if math.Abs(got[i]-2*sum[i]) > 2e-13*float64(n) {
					t.Fatalf("adding SumRows of %d×%d: %v, want %v", n, w, got[i], 2*sum[i])
				}
			}
			MaxRows(got, x, n)
			if !slices.Equal(got, largest) {
				t.Fatalf("MaxRows of %d×%d: %v, want %v", n, w, got, largest)
			}
			if got, want := Largest(x), slices.Max(largest); got != want {
				t.Fatalf("Largest = %v, want %v", got, want)
			}
			total := 0.0
			for _, s := range sum {
				total += s
			}
			if got := Sum(x); math.Abs(got-total) > 1e-12*float64(n) {
				t.Fatalf("Sum of %d: %v, want %v", n*w, got, total)
			}
		}
	}
	if got := Largest([]float64{1, math.NaN(), 2}); !math.IsNaN(got) {
		t.Errorf("Largest with NaN = %v", got)
	}
}

func TestStrided(t *testing.T) {
	x := make([]float64, 200)
	for i := range x {
		x[i] = float64(i)
	}
	cases := []struct{ lens, strides []int }{
		{nil, nil},
		{[]int{7}, []int{1}},
		{[]int{7}, []int{0}},
		{[]int{7}, []int{3}},
		{[]int{4, 5}, []int{1, 4}},
		{[]int{4, 5}, []int{0, 1}},
		{[]int{4, 5}, []int{1, 0}},
		{[]int{2, 3, 4}, []int{60, 7, 2}},
		{[]int{2, 3, 2, 3}, []int{0, 1, 50, 5}},
	}
	for _, c := range cases {
		offsets := []int{0}
		for i, n := range c.lens {
			var next []int
			for _, o := range offsets {
				for k := range n {
					next = append(next, o+k*c.strides[i])
				}
			}
			offsets = next
		}
		for start := range offsets {
			for end := start; end <= len(offsets); end++ {
				dst := slices.Repeat([]float64{math.NaN()}, end-start)
				Gather(dst, x, c.lens, c.strides, start)
				for i, v := range dst {
					if v != x[offsets[start+i]] {
						t.Fatalf("%v: elements %d to %d: %v at %d, want %v", c, start, end, v, i, x[offsets[start+i]])
					}
				}
			}
		}
		sorted := slices.Clone(offsets)
		slices.Sort(sorted)
		if len(slices.Compact(sorted)) < len(offsets) {
			continue // nothing can be moved to repeated elements
		}
		dense := make([]int, len(c.lens)) // strides
		for i, n := len(c.lens)-1, 1; i >= 0; i-- {
			dense[i] = n
			n *= c.lens[i]
		}
		for _, sign := range []float64{1, -1} {
			dst := slices.Repeat([]float64{-1}, len(x))
			Move(dst, x, c.lens, c.strides, dense, sign < 0)
			for i, o := range offsets {
				if dst[o] != sign*x[i] {
					t.Fatalf("%v: moved %v to %d, want %v", c, dst[o], o, sign*x[i])
				}
				dst[o] = -1
			}
			if slices.Max(dst) != -1 {
				t.Fatalf("%v: moved outside of the view", c)
			}
			got := make([]float64, len(offsets))
			Move(got, x, c.lens, dense, c.strides, sign < 0)
			for i, o := range offsets {
				if got[i] != sign*x[o] {
					t.Fatalf("%v: moved %v from %d, want %v", c, got[i], o, sign*x[o])
				}
			}
		}
	}
}

// TestElementwise holds the kernels against scalar code, with NaN, infinities
// and zeros of both signs among the operands.
func TestElementwise(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		t.Run("float64", testElementwise[float64])
		t.Run("float32", testElementwise[float32])
	})
}

func testElementwise[T Float](t *testing.T) {
	inf, nan, zero := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	special := []float64{0, zero, 1, -1, 2.5, -2.5, inf, -inf, nan, 1e-30, 0.75}
	var a, b []T
	for _, x := range special {
		for _, y := range special {
			a, b = append(a, T(x)), append(b, T(y))
		}
	}
	is := func(ok bool) float64 {
		if ok {
			return 1
		}
		return 0
	}
	check := func(name string, got []T, want func(x, y float64) float64) {
		t.Helper()
		for i := range got {
			w := T(want(float64(a[i]), float64(b[i])))
			if g := got[i]; g == 0 && math.Signbit(float64(g)) != math.Signbit(float64(w)) {
				t.Errorf("%s(%v, %v) = %v, want %v", name, a[i], b[i], g, w)
			} else if g != w && !(g != g && w != w) && !(math.Abs(float64(g-w)) <= 2e-7*math.Abs(float64(w))) {
				t.Errorf("%s(%v, %v) = %v, want %v", name, a[i], b[i], g, w)
			}
		}
	}
	out := func() []T { return slices.Repeat([]T{T(nan)}, len(a)) }
	for _, k := range []struct {
		name string
		f    func(dst, a []T)
		want func(x float64) float64
	}{
		{"neg", Neg[T], func(x float64) float64 { return -x }},
		{"abs", Abs[T], math.Abs},
		{"sign", Sign[T], func(x float64) float64 {
			if x != x {
				return x
			}
			return math.Copysign(is(x != 0), x)
		}},
		{"square", Square[T], func(x float64) float64 { return x * x }},
		{"cube", Cube[T], func(x float64) float64 { return x * x * x }},
		{"inv", Inv[T], func(x float64) float64 { return 1 / x }},
		{"sqrt", Sqrt[T], math.Sqrt},
		{"invSqrt", InvSqrt[T], func(x float64) float64 { return 1 / math.Sqrt(x) }},
		{"floor", Floor[T], math.Floor},
		{"ceil", Ceil[T], math.Ceil},
		{"copy", Copy[T], func(x float64) float64 { return x }},
		{"map", Map[T](math.Floor), math.Floor},
	} {
		dst := out()
		k.f(dst, a)
		check(k.name, dst, func(x, _ float64) float64 { return k.want(x) })
		dst = slices.Clone(a)
		k.f(dst, dst)
		check(k.name+" in place", dst, func(x, _ float64) float64 { return k.want(x) })
	}
	for _, k := range []struct {
		name string
		f    func(dst, a, b []T)
		want func(x, y float64) float64
	}{
		{"add", Add[T], func(x, y float64) float64 { return x + y }},
		{"sub", Sub[T], func(x, y float64) float64 { return x - y }},
		{"mul", Mul[T], func(x, y float64) float64 { return x * y }},
		{"div", Div[T], func(x, y float64) float64 { return x / y }},
		{"pow", Pow[T], math.Pow},
		{"min", Min[T], func(x, y float64) float64 { return min(x, y) }},
		{"max", Max[T], func(x, y float64) float64 { return max(x, y) }},
		{"<", Less[T], func(x, y float64) float64 { return is(x < y) }},
		{"<=", LessEqual[T], func(x, y float64) float64 { return is(x <= y) }},
		{"=", Equal[T], func(x, y float64) float64 { return is(x == y) }},
		{"!=", NotEqual[T], func(x, y float64) float64 { return is(x != y) }},
		{"tanh gradient", TanhGrad[T], func(g, y float64) float64 { return g * (1 - y*y) }},
		{"sigmoid gradient", SigmoidGrad[T], func(g, y float64) float64 { return g * ((1 - y) * y) }},
	} {
		dst := out()
		k.f(dst, a, b)
		check(k.name, dst, k.want)
	}
}

// TestSums: the sums of rows have the bits of Sum, whatever their number and length.
func TestSums(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		t.Run("float64", testSums[float64])
		t.Run("float32", testSums[float32])
	})
}

func testSums[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, rows := range []int{1, 3, 4, 5, 63, 67, 130} {
		for _, n := range []int{0, 1, 2, 3, 4, 7, 36, 63, 64, 65, 72, 129, 300} {
			x, start := fill[T](r, rows*n), fill[T](r, rows)
			got, added := make([]T, rows), slices.Clone(start)
			Sums(got, x, n, false)
			Sums(added, x, n, true)
			for i := range got {
				want := Sum(x[i*n:][:n])
				if !same(got[i], want) || !same(added[i], start[i]+want) {
					t.Fatalf("%d rows of %d: sum %d is %v, want %v; added %v, want %v", rows, n, i, got[i], want, added[i], start[i]+want)
				}
			}
		}
	}
}
