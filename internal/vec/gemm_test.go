package vec

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

func fill[T Float](r *rand.Rand, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(r.NormFloat64())
	}
	return x
}

// fma is x·y+z rounded once.
func fma[T Float](x, y, z T) T {
	if wide[T]() {
		return T(math.FMA(float64(x), float64(y), float64(z)))
	}
	// The product is exact in float64. The sum is rounded to odd there, so that
	// the second rounding sees on which side of a tie it lies (Boldo and
	// Melquiond, IEEE Trans. Comput. 57, 2008).
	p, c := float64(x)*float64(y), float64(z)
	s := p + c
	if t := s - p; !math.IsInf(s, 0) && s == s {
		lost := (p - (s - t)) + (c - t)
		if bits := math.Float64bits(s); lost != 0 && bits&1 == 0 {
			if (lost > 0) == (s > 0) {
				bits++
			} else {
				bits--
			}
			s = math.Float64frombits(bits)
		}
	}
	return T(s)
}

// gemmCase is a product with its operands in larger slices, at odd places.
type gemmCase[T Float] struct {
	transA, transB bool
	m, n, k        int
	a, b           []T
	lda, ldb, ldc  int
	start          int // zero, what C holds, or a bias
	bias, c        []T // what C holds before
}

const (
	startZero = iota
	startAdd
	startBias
)

func newGemmCase[T Float](r *rand.Rand, transA, transB bool, m, n, k, start int) *gemmCase[T] {
	p := &gemmCase[T]{transA: transA, transB: transB, m: m, n: n, k: k, start: start}
	ra, ca, rb, cb := m, k, k, n
	if transA {
		ra, ca = ca, ra
	}
	if transB {
		rb, cb = cb, rb
	}
	p.a, p.lda = spread[T](r, ra, ca)
	p.b, p.ldb = spread[T](r, rb, cb)
	p.c, p.ldc = spread[T](r, m, n)
	p.bias, _ = spread[T](r, 1, n)
	return p
}

// spread is a random matrix with NaN between its rows and before and after it,
// where no kernel may look.
func spread[T Float](r *rand.Rand, rows, cols int) (x []T, ld int) {
	ld = cols + r.IntN(3)
	shift := 1 + r.IntN(4)
	buf := make([]T, shift+rows*ld+8)
	for i := range buf {
		buf[i] = T(math.NaN())
	}
	x = buf[shift:]
	for i := range rows {
		for j := range cols {
			x[i*ld+j] = T(r.NormFloat64())
		}
	}
	return x[:max(0, (rows-1)*ld+cols)], max(ld, 1)
}

func (p *gemmCase[T]) factors(i, j, l int) (x, y T) {
	ai, bi := i*p.lda+l, l*p.ldb+j
	if p.transA {
		ai = l*p.lda + i
	}
	if p.transB {
		bi = j*p.ldb + l
	}
	return p.a[ai], p.b[bi]
}

func (p *gemmCase[T]) from(i, j int) T {
	switch p.start {
	case startAdd:
		return p.c[i*p.ldc+j]
	case startBias:
		return p.bias[j]
	}
	return 0
}

// element is the (i, j)th of the result with fused multiply-adds in the order
// that Gemm promises, and what it may differ from by roundings in other orders.
func (p *gemmCase[T]) element(i, j int) (fused T, tol float64) {
	fused = p.from(i, j)
	abs := math.Abs(float64(fused))
	if dots[T](p.transA, p.n, p.k) {
		for l := 0; l < p.k; l += dotBlock {
			fused += p.partialSums(i, j, l, min(l+dotBlock, p.k))
		}
	}
	for l := range p.k {
		x, y := p.factors(i, j, l)
		if !dots[T](p.transA, p.n, p.k) {
			fused = fma(x, y, fused)
		}
		abs += math.Abs(float64(x) * float64(y))
	}
	eps := 0x1p-52
	if !wide[T]() {
		eps = 0x1p-23
	}
	return fused, abs * eps * float64(p.k+1)
}

// partialSums is the sum of the terms from l to end, which are added in turn to as
// many sums as 64 bytes hold; then the second half of these is added to the first
// until one is left.
func (p *gemmCase[T]) partialSums(i, j, l, end int) T {
	sums := make([]T, 64/unsafe.Sizeof(T(0)))
	for ; l < end; l++ {
		x, y := p.factors(i, j, l)
		s := &sums[l%len(sums)]
		*s = fma(x, y, *s)
	}
	for len(sums) > 1 {
		half := len(sums) / 2
		for q := range half {
			sums[q] += sums[half+q]
		}
		sums = sums[:half]
	}
	return sums[0]
}

// run computes rows from to to of the product into c.
func (p *gemmCase[T]) run(c []T, from, to int) {
	a := p.a
	switch {
	case from == to:
	case p.transA:
		a = a[min(from, len(a)):]
	default:
		a = a[min(from*p.lda, len(a)):]
	}
	if from < to {
		c = c[min(from*p.ldc, len(c)):]
	}
	if p.start == startBias {
		GemmBias(p.transA, p.transB, to-from, p.n, p.k, a, p.lda, p.b, p.ldb, p.bias, c, p.ldc)
	} else {
		Gemm(p.transA, p.transB, to-from, p.n, p.k, a, p.lda, p.b, p.ldb, p.start == startAdd, c, p.ldc)
	}
}

// destination is a copy of what C holds, NaN where that must not matter, with a
// guard around it.
func (p *gemmCase[T]) destination() (c, guarded []T) {
	const guard = 8
	guarded = make([]T, len(p.c)+2*guard)
	for i := range guarded {
		guarded[i] = T(math.NaN())
	}
	c = guarded[guard:][:len(p.c)]
	if p.start == startAdd {
		copy(c, p.c)
	}
	return c, guarded
}

func (p *gemmCase[T]) check(t *testing.T) {
	t.Helper()
	c, guarded := p.destination()
	p.run(c, 0, p.m)
	for i := range p.m {
		for j := range p.n {
			want, tol := p.element(i, j)
			got := c[i*p.ldc+j]
			if vectorBytes() > 0 && got != want || !(math.Abs(float64(got)-float64(want)) <= tol) {
				t.Fatalf("%T %v %v m=%d n=%d k=%d start %d: element %d, %d is %v, want %v", got, p.transA, p.transB, p.m, p.n, p.k, p.start, i, j, got, want)
			}
			c[i*p.ldc+j] = T(math.NaN())
		}
	}
	for i, x := range guarded {
		if x == x {
			t.Fatalf("%T %v %v m=%d n=%d k=%d: wrote %d outside of the result", x, p.transA, p.transB, p.m, p.n, p.k, i)
		}
	}
}

func testGemm[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all := func(m, n, k, start int) {
		for flags := range 4 {
			newGemmCase[T](r, flags&1 != 0, flags&2 != 0, m, n, k, start).check(t)
		}
	}
	for m := range 20 {
		for n := range 20 {
			for k := range 20 {
				all(m, n, k, (m+n+k)%3)
			}
		}
	}
	for _, s := range [][3]int{
		{1, 2, 64}, {1, 64, 2}, {1, 131, 70}, {2, 64, 300}, {2, 200, 33}, {3, 5, 300}, {5, 100, 129}, {300, 2, 64}, {300, 64, 2},
		{64, 2, 300}, {33, 70, 17}, {257, 17, 131}, {40, 257, 260}, {8, 24, 128}, {9, 48, 129}, {16, 50, 400}, {1, 4, 500}, {7, 3, 257}, {6, 1, 1100}, {150, 3, 40}, {2, 2, 1030}, {70, 520, 35}, {70, 2, 1}, {70, 4, 5},
	} {
		for start := range 3 {
			all(s[0], s[1], s[2], start)
		}
	}
}

// Products with copies of A and B, held against smaller ones of the same elements.
func testGemmLarge[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	const m, n, k = 1030, 70, 150
	for flags := range 4 {
		p := newGemmCase[T](r, flags&1 != 0, flags&2 != 0, m, n, k, startAdd)
		whole, _ := p.destination()
		p.run(whole, 0, m)
		c, _ := p.destination()
		for i := 0; i < m; i += 10 {
			p.run(c, i, i+10)
		}
		for i := range c {
			if !same(c[i], whole[i]) {
				t.Fatalf("%T %v %v: element %d is %v, want %v", c[i], p.transA, p.transB, i, whole[i], c[i])
			}
		}
	}
}

func TestGemm(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		testGemm[float64](t)
		testGemm[float32](t)
		testGemmLarge[float64](t)
		testGemmLarge[float32](t)
	})
}

// A row has the same bits in any block of rows.
func testGemmRows[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 2, 3, 4, 5, 8, 13, 64, 100} {
		for _, k := range []int{1, 2, 5, 64, 150} {
			for flags := range 4 {
				p := newGemmCase[T](r, flags&1 != 0, flags&2 != 0, 41, n, k, startBias)
				whole, _ := p.destination()
				p.run(whole, 0, p.m)
				for _, rows := range []int{1, 2, 3, 4, 7, 8, 20} {
					c, _ := p.destination()
					for i := 0; i < p.m; i += rows {
						p.run(c, i, min(i+rows, p.m))
					}
					for i := range c {
						if !same(c[i], whole[i]) {
							t.Fatalf("%T %v %v n=%d k=%d: element %d is %v in blocks of %d rows, %v in one of %d", c[i], p.transA, p.transB, n, k, i, c[i], rows, whole[i], p.m)
						}
					}
				}
			}
		}
	}
}

// The sum over samples has the same bits in any blocks of consecutive samples.
func testGemmSamples[T Float](t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const samples = 300
	for _, m := range []int{1, 2, 5, 64} {
		for _, n := range []int{1, 2, 3, 4, 5, 64, 70} {
			a, b := fill[T](r, samples*m), fill[T](r, samples*n)
			whole := fill[T](r, m*n)
			c := make([]T, m*n)
			for _, block := range []int{1, 2, 3, 4, 7, 32, 129} {
				clear(c)
				for s := 0; s < samples; s += block {
					Gemm(true, false, m, n, min(block, samples-s), a[s*m:], m, b[s*n:], n, true, c, n)
				}
				Gemm(true, false, m, n, samples, a, m, b, n, false, whole, n)
				for i := range c {
					if !same(c[i], whole[i]) {
						t.Fatalf("%T m=%d n=%d: element %d is %v in blocks of %d samples, %v at once", c[i], m, n, i, c[i], block, whole[i])
					}
				}
			}
		}
	}
}

func TestGemmBlocks(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		testGemmRows[float64](t)
		testGemmRows[float32](t)
		testGemmSamples[float64](t)
		testGemmSamples[float32](t)
	})
}

func FuzzGemm(f *testing.F) {
	f.Add(uint8(3), uint8(30), uint8(9), uint8(0), uint64(1))
	f.Add(uint8(64), uint8(2), uint8(130), uint8(6), uint64(2))
	f.Fuzz(func(t *testing.T, m, n, k, form uint8, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		start := int(form/4) % 3
		newGemmCase[float64](r, form&1 != 0, form&2 != 0, int(m), int(n), int(k), start).check(t)
		newGemmCase[float32](r, form&1 != 0, form&2 != 0, int(m), int(n), int(k), start).check(t)
	})
}

// The form in which B is held changes no bit.
func TestGemmTransB(t *testing.T) {
	forEachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 7))
		for _, s := range [][3]int{{7, 3, 40}, {7, 1, 40}, {7, 4, 8}, {5, 33, 70}, {1, 64, 64}} {
			m, n, k := s[0], s[1], s[2]
			a, b, turned := fill[float64](r, m*k), fill[float64](r, k*n), make([]float64, n*k)
			Transpose(turned, k, b, n, k, n)
			for _, transA := range []bool{false, true} {
				lda := k
				if transA {
					lda = m
				}
				c, d := make([]float64, m*n), make([]float64, m*n)
				Gemm(transA, false, m, n, k, a, lda, b, n, false, c, n)
				Gemm(transA, true, m, n, k, a, lda, turned, k, false, d, n)
				for i := range c {
					if c[i] != d[i] {
						t.Errorf("m=%d n=%d k=%d %v: element %d is %v and %v", m, n, k, transA, i, c[i], d[i])
					}
				}
			}
			if CopiesB[float64](false, false, n, k) && CopiesB[float64](false, true, n, k) {
				t.Errorf("n=%d k=%d: both forms are copied", n, k)
			}
		}
	})
}

func TestGemmNamedType(t *testing.T) {
	type metres float64
	type grams float32
	c, d := []metres{0}, []grams{0}
	Gemm(false, false, 1, 1, 20, fillOnes[metres](20), 20, fillOnes[metres](20), 1, false, c, 1)
	Gemm(false, false, 1, 1, 20, fillOnes[grams](20), 20, fillOnes[grams](20), 1, false, d, 1)
	if c[0] != 20 || d[0] != 20 {
		t.Errorf("sums of 20 ones are %v and %v", c[0], d[0])
	}
}

func fillOnes[T Float](n int) []T {
	x := make([]T, n)
	Fill(x, 1)
	return x
}

func TestGemmTooShort(t *testing.T) {
	x := make([]float64, 12)
	for name, call := range map[string]func(){
		"A":        func() { Gemm(false, false, 3, 2, 5, x, 5, x, 2, false, x, 2) },
		"B":        func() { Gemm(false, false, 3, 4, 4, x, 4, x, 4, false, x, 4) },
		"C":        func() { Gemm(false, false, 5, 3, 2, x, 2, x, 3, false, x, 3) },
		"ld":       func() { Gemm(false, false, 3, 2, 2, x, 1, x, 2, false, x, 2) },
		"negative": func() { Gemm(false, false, -1, 2, 2, x, 2, x, 2, false, x, 2) },
		"bias":     func() { GemmBias(false, false, 2, 2, 2, x, 2, x, 2, x[:1:1], x, 2) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}

func TestGemmAllocs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a, b, c := fill[float64](r, 300*300), fill[float64](r, 300*300), fill[float64](r, 300*300)
	sizes := []int{1, 2, 9, 64, 300}
	for _, m := range sizes {
		for _, n := range sizes {
			for _, k := range sizes {
				for flags := range 4 {
					tA, tB := flags&1 != 0, flags&2 != 0
					if got := testing.AllocsPerRun(1, func() { Gemm(tA, tB, m, n, k, a, 300, b, 300, false, c, 300) }); got != 0 {
						t.Errorf("m=%d n=%d k=%d %v %v: %v allocations", m, n, k, tA, tB, got)
					}
				}
			}
		}
	}
}
