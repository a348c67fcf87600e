package vec

import "unsafe"

// Gemm stores op(A)·op(B) in C, or adds it to C when add is set. C is m×n,
// op(A) m×k and op(B) k×n, where op transposes when its flag is set. Matrices
// are row-major; ld is the distance between the starts of two stored rows. C
// must not overlap A or B. It panics when a slice is too short.
//
// What a result depends on: an element of C depends, to the last bit, on its
// row of op(A), its column of op(B), its old value if add is set, and on n, k,
// transA and transB; not on m, its place in C, the other elements, the ld, or
// the alignment. So the rows of a product can be computed in any blocks, at any
// time, on any core.
//
// When transA is set, an element is one chain: it starts
// from its old value or zero, and the k products are added one after another in
// the order of the index. So a product over many samples, with A transposed, can
// be computed for consecutive blocks of samples, the first with add unset or C
// cleared and the others with add set, and has the same bits as in one call.
//
// The assembly rounds once for a product and its addition (fused multiply-add)
// and gives the same bits with AVX2 and with AVX-512; the Go code rounds as the
// compiler pleases for the architecture.
func Gemm[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, add bool, c []T, ldc int) {
	checkGemm(transA, transB, m, n, k, len(a), lda, len(b), ldb, len(c), ldc)
	if m == 0 || n == 0 {
		return
	}
	start, lds := (*T)(unsafe.Pointer(&zeros)), 0
	if add {
		start, lds = &c[0], ldc
	}
	gemm(transA, transB, m, n, k, a, lda, b, ldb, start, lds, c, ldc)
}

// GemmBias is Gemm where each row of C starts from the row bias, of length n,
// instead of zero.
func GemmBias[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, bias []T, c []T, ldc int) {
	checkGemm(transA, transB, m, n, k, len(a), lda, len(b), ldb, len(c), ldc)
	if m == 0 || n == 0 {
		return
	}
	gemm(transA, transB, m, n, k, a, lda, b, ldb, &bias[:n][0], 0, c, ldc)
}

func checkGemm(transA, transB bool, m, n, k, a, lda, b, ldb, c, ldc int) {
	ra, ca, rb, cb := m, k, k, n
	if transA {
		ra, ca = ca, ra
	}
	if transB {
		rb, cb = cb, rb
	}
	switch {
	case m < 0 || n < 0 || k < 0:
		panic("vec: negative size of a matrix")
	case short(ra, ca, a, lda) || short(rb, cb, b, ldb) || short(m, n, c, ldc):
		panic("vec: a matrix does not fit its slice")
	}
}

// short tells whether rows of cols elements, ld apart, overlap or exceed size
// elements.
func short(rows, cols, size, ld int) bool {
	return rows > 0 && cols > 0 && (size < cols || rows > 1 && (ld < cols || (size-cols)/(rows-1) < ld))
}

// zeros is what chains start from: the widest panel's columns. Nobody writes it.
var zeros [64]float64

// gemm is Gemm for m, n ≥ 1, where row i of C starts from the n elements at
// start+i*lds.
func gemm[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, start *T, lds int, c []T, ldc int) {
	if k == 0 {
		gemmStart(m, n, start, lds, c, ldc)
		return
	}
	ars, acs := lda, 1
	if transA {
		ars, acs = 1, lda
	}
	if vectorBytes() == 0 {
		gemmStart(m, n, start, lds, c, ldc)
		gemmGo(transB, m, n, k, a, ars, acs, b, ldb, c, ldc)
		return
	}
	if !transB {
		gemmPanels(m, n, k, &a[0], ars, acs, &b[0], ldb, start, lds, &c[0], ldc)
		return
	}
	gemmTransB(m, n, k, &a[0], ars, acs, &b[0], ldb, start, lds, &c[0], ldc)
}

// gemmStart stores what the rows of C start from.
func gemmStart[T Float](m, n int, start *T, lds int, c []T, ldc int) {
	if start == &c[0] {
		return
	}
	zero := unsafe.Pointer(start) == unsafe.Pointer(&zeros)
	for i := range m {
		if row := c[i*ldc:][:n]; zero {
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
