package vec

import "unsafe"

// Gemm stores op(A)·op(B) in C, or adds it to C when add is set. C is m×n,
// op(A) m×k and op(B) k×n, where op transposes when its flag is set. Matrices
// are row-major; ld is the distance between the starts of two stored rows. C
// must not overlap A or B. Gemm panics when a slice is too short.
//
// An element of C depends, to the last bit, only on its row of op(A), its column
// of op(B), its old value if add is set, and n, k and transA. It does not depend
// on m, on its place in C, on transB, on ld or on alignment. So the rows of a
// product can be computed in any blocks, in any order, on any core, and B held in
// either form.
//
// When transA is set, or n > 4 (float64) or 8 (float32), or k < 16, or k < 4n, an
// element is one chain: it starts from zero or its old value, and the k products
// are added in the order of their index. So a sum over samples, where A is
// transposed and k counts samples, has the same bits in one call as in one call
// for each block of consecutive samples, all but the first with add set. The other
// products, with few columns, are the start plus sums of at most 512 terms; each of
// these is added up in 8 parts (float64) or 16 (float32).
//
// The assembly rounds a product and its addition once (fused multiply-add) and
// gives the same bits with AVX2 and AVX-512. The Go code forms all elements as
// chains and rounds as the compiler does for the architecture.
//
// Gemm copies a B in the wrong form to the stack, see [CopiesB].
func Gemm[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, add bool, c []T, ldc int) {
	var start *T
	lds := 0
	if add {
		start, lds = unsafe.SliceData(c), ldc
	}
	gemm(transA, transB, m, n, k, a, lda, b, ldb, start, lds, c, ldc)
}

// GemmBias is Gemm where each row of C starts from the row bias, of length n,
// instead of zero.
func GemmBias[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, bias []T, c []T, ldc int) {
	gemm(transA, transB, m, n, k, a, lda, b, ldb, unsafe.SliceData(bias[:n]), 0, c, ldc)
}

// CopiesB tells whether Gemm reads a B of that form from a copy, which it makes in
// every call. A caller that uses the same B in many calls, with few rows each,
// then does better to hold its transpose and to change transB; the result has the
// same bits.
func CopiesB[T Float](transA, transB bool, n, k int) bool {
	if dots[T](transA, n, k) {
		return !transB && n > 1
	}
	return transB && k > 1
}

// dots tells whether the columns of a product are so few that its elements are sums
// in parts.
func dots[T Float](transA bool, n, k int) bool {
	return !transA && n <= few[T]() && k >= max(dotTerms, 4*n)
}

// few is the number of columns that fill half of an AVX-512 register.
func few[T Float]() int { return 32 / int(unsafe.Sizeof(T(0))) }

// short tells whether rows of cols elements, ld apart, overlap or exceed size
// elements.
func short(rows, cols, size, ld int) bool {
	if rows <= 1 || cols == 0 {
		return rows == 1 && cols > size
	}
	return ld < cols || rows > size || ld > size || (rows-1)*ld+cols > size
}

// gemm is Gemm where row i of C starts from the n elements at start+i*lds, or from
// zero where start is nil.
func gemm[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, start *T, lds int, c []T, ldc int) {
	if m <= 0 || n <= 0 || k <= 0 {
		gemmEmpty(m, n, k, start, lds, c, ldc)
		return
	}
	ra, ca, rb, cb := m, k, k, n
	ars, acs := lda, 1
	if transA {
		ra, ca = k, m
		ars, acs = 1, lda
	}
	if transB {
		rb, cb = n, k
	}
	if short(ra, ca, len(a), lda) || short(rb, cb, len(b), ldb) || short(m, n, len(c), ldc) {
		panic("vec: a matrix does not fit its slice")
	}
	if vectorBytes() == 0 {
		gemmStart(m, n, start, lds, c, ldc)
		gemmGo(transB, m, n, k, a, ars, acs, b, ldb, c, ldc)
		return
	}
	turned := transB && (k > 1 || ldb > 1) // one row without gaps is the same in both forms
	switch {
	case dots[T](transA, n, k) && (turned || n == 1 && ldb == 1):
		gemmDots(m, n, k, &a[0], lda, &b[0], ldb, start, lds, &c[0], ldc)
	case dots[T](transA, n, k):
		gemmCopied(copyColumns, m, n, k, &a[0], lda, 1, &b[0], ldb, start, lds, &c[0], ldc)
	case n <= few[T]() && m > n && ars == 1 && !turned:
		gemmThinC(m, n, k, &a[0], acs, &b[0], ldb, start, lds, &c[0], ldc)
	case turned:
		gemmCopied(copyTurned, m, n, k, &a[0], ars, acs, &b[0], ldb, start, lds, &c[0], ldc)
	case m >= 64 && k >= 32 && ldb*int(unsafe.Sizeof(b[0])) >= farRows:
		gemmCopied(copyRows, m, n, k, &a[0], ars, acs, &b[0], ldb, start, lds, &c[0], ldc)
	default:
		gemmPanels(m, n, k, &a[0], ars, acs, &b[0], ldb, start, lds, &c[0], ldc)
	}
}

// gemmEmpty is gemm for a size of zero.
func gemmEmpty[T Float](m, n, k int, start *T, lds int, c []T, ldc int) {
	switch {
	case m < 0 || n < 0 || k < 0:
		panic("vec: negative size of a matrix")
	case short(m, n, len(c), ldc):
		panic("vec: a matrix does not fit its slice")
	case m > 0 && n > 0:
		gemmStart(m, n, start, lds, c, ldc)
	}
}

// gemmStart stores what the rows of C start from.
func gemmStart[T Float](m, n int, start *T, lds int, c []T, ldc int) {
	if start == &c[0] {
		return
	}
	for i := range m {
		if row := c[i*ldc:][:n]; start == nil {
			clear(row)
		} else {
			copy(row, unsafe.Slice(at(start, i*lds), n))
		}
	}
}

// at is the address of the element i places after p.
func at[T Float](p *T, i int) *T {
	return (*T)(unsafe.Add(unsafe.Pointer(p), i*int(unsafe.Sizeof(*p))))
}
