package vec

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// Gemm stores op(A)·op(B) in C, or adds it to C when add is set. C is m×n,
// op(A) m×k and op(B) k×n, where op transposes when its flag is set. Matrices
// are row-major; ld is the distance between the starts of two stored rows. C
// must not overlap A or B.
//
// Large products are gonum's, which skips the terms whose factor in A is zero,
// even if that in B is NaN or infinite.
func Gemm[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, add bool, c []T, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	if !add && ldc == n {
		clear(c[:m*n])
	} else if !add {
		for i := range m {
			clear(c[i*ldc:][:n])
		}
	}
	if k == 0 {
		return
	}
	// gonum's inner loops are lost in calls when short.
	if long := 16; m*n*k >= 1<<12 && (!transB && n >= long || transB && !transA && k >= long) {
		gemmBLAS(transA, transB, m, n, k, a, lda, b, ldb, c, ldc)
		return
	}
	A := operand[T]{a, lda, 1}
	if transA {
		A = operand[T]{a, 1, lda}
	}
	B := operand[T]{b, 1, ldb}
	if transB {
		B = operand[T]{b, ldb, 1}
	}
	switch {
	case k <= 4 && m <= n:
		gemmShort(m, n, k, A, B, c, ldc, 1)
	case k <= 4:
		gemmShort(n, m, k, B, A, c, 1, ldc)
	case m >= n: // the tiles are four rows high and two wide
		gemmTiles(m, n, k, A, B, c, ldc, 1)
	default:
		gemmTiles(n, m, k, B, A, c, 1, ldc)
	}
}

// operand is a matrix whose element (i, l) is x[i*row+l*col]. The second
// factor of a product is held transposed, so that l is always the inner index.
type operand[T Float] struct {
	x        []T
	row, col int
}

// gemmTiles adds A·Bᵀ to C, whose element (i, j) is c[i*ci+j*cj].
func gemmTiles[T Float](m, n, k int, a, b operand[T], c []T, ci, cj int) {
	i := 0
	for ; i+4 <= m; i += 4 {
		ax := a.x[i*a.row:]
		j := 0
		for ; j+2 <= n; j += 2 {
			tile42(k, ax, a.row, a.col, b.x[j*b.row:], b.row, b.col, c[i*ci+j*cj:], ci, cj)
		}
		if j < n {
			tile41(k, ax, a.row, a.col, b.x[j*b.row:], b.col, c[i*ci+j*cj:], ci)
		}
	}
	for ; i < m; i++ {
		ax := a.x[i*a.row:]
		for j := range n {
			c[i*ci+j*cj] += dotStride(k, ax, a.col, b.x[j*b.row:], b.col)
		}
	}
}

// tile42 adds a 4×2 block of A·Bᵀ to C.
func tile42[T Float](k int, a []T, ai, al int, b []T, bj, bl int, c []T, ci, cj int) {
	var s00, s01, s10, s11, s20, s21, s30, s31 T
	a0, a1, a2, a3 := a, a[ai:], a[2*ai:], a[3*ai:]
	b0, b1 := b, b[bj:]
	p, q := 0, 0
	for range k {
		x, y := b0[q], b1[q]
		u := a0[p]
		s00 += u * x
		s01 += u * y
		u = a1[p]
		s10 += u * x
		s11 += u * y
		u = a2[p]
		s20 += u * x
		s21 += u * y
		u = a3[p]
		s30 += u * x
		s31 += u * y
		p += al
		q += bl
	}
	c[0] += s00
	c[cj] += s01
	c[ci] += s10
	c[ci+cj] += s11
	c[2*ci] += s20
	c[2*ci+cj] += s21
	c[3*ci] += s30
	c[3*ci+cj] += s31
}

// tile41 adds a 4×1 block of A·Bᵀ to C.
func tile41[T Float](k int, a []T, ai, al int, b []T, bl int, c []T, ci int) {
	var s0, s1, s2, s3 T
	a0, a1, a2, a3 := a, a[ai:], a[2*ai:], a[3*ai:]
	p, q := 0, 0
	for range k {
		x := b[q]
		s0 += a0[p] * x
		s1 += a1[p] * x
		s2 += a2[p] * x
		s3 += a3[p] * x
		p += al
		q += bl
	}
	c[0] += s0
	c[ci] += s1
	c[2*ci] += s2
	c[3*ci] += s3
}

func dotStride[T Float](k int, a []T, al int, b []T, bl int) T {
	var s0, s1, s2, s3 T
	p, q, l := 0, 0, 0
	for ; l+4 <= k; l += 4 {
		s0 += a[p] * b[q]
		s1 += a[p+al] * b[q+bl]
		s2 += a[p+2*al] * b[q+2*bl]
		s3 += a[p+3*al] * b[q+3*bl]
		p += 4 * al
		q += 4 * bl
	}
	for ; l < k; l++ {
		s0 += a[p] * b[q]
		p += al
		q += bl
	}
	return (s0 + s1) + (s2 + s3)
}

// gemmShort adds A·Bᵀ to C for k ≤ 4, along rows of C. For many rows whose
// factors in B are apart, these are first laid out side by side.
func gemmShort[T Float](m, n, k int, a, b operand[T], c []T, ci, cj int) {
	const block = 64
	if m < 8 || b.row == 1 || cj != 1 {
		gemmShortRows(m, n, k, a, b, c, ci, cj)
		return
	}
	var packed [4 * block]T
	for j := 0; j < n; j += block {
		w := min(block, n-j)
		for l := range k {
			from, to := b.x[j*b.row+l*b.col:], packed[l*block:][:w]
			for i := range to {
				to[i] = from[i*b.row]
			}
		}
		gemmShortRows(m, w, k, a, operand[T]{packed[:], 1, block}, c[j:], ci, 1)
	}
}

func gemmShortRows[T Float](m, n, k int, a, b operand[T], c []T, ci, cj int) {
	for i := range m {
		var u [4]T
		for l := range k {
			u[l] = a.x[i*a.row+l*a.col]
		}
		row := c[i*ci:]
		if cj == 1 && b.row == 1 {
			addShort(row[:n], k, u, b.x, b.col)
		} else {
			addShortStride(row, cj, n, k, u, b.x, b.row, b.col)
		}
	}
}

// addShort adds to c the k ≤ 4 rows of b, with starts ld apart, times u.
func addShort[T Float](c []T, k int, u [4]T, b []T, ld int) {
	switch u0, u1, u2, u3 := u[0], u[1], u[2], u[3]; k {
	case 1:
		b0 := b[:len(c)]
		for j := range c {
			c[j] += u0 * b0[j]
		}
	case 2:
		b0, b1 := b[:len(c)], b[ld:][:len(c)]
		for j := range c {
			c[j] += u0*b0[j] + u1*b1[j]
		}
	case 3:
		b0, b1, b2 := b[:len(c)], b[ld:][:len(c)], b[2*ld:][:len(c)]
		for j := range c {
			c[j] += u0*b0[j] + u1*b1[j] + u2*b2[j]
		}
	case 4:
		b0, b1, b2, b3 := b[:len(c)], b[ld:][:len(c)], b[2*ld:][:len(c)], b[3*ld:][:len(c)]
		for j := range c {
			c[j] += (u0*b0[j] + u1*b1[j]) + (u2*b2[j] + u3*b3[j])
		}
	}
}

// addShortStride is addShort for n elements of c, cj apart, and of rows of b,
// bj apart.
func addShortStride[T Float](c []T, cj, n, k int, u [4]T, b []T, bj, ld int) {
	p, q := 0, 0
	switch u0, u1, u2, u3 := u[0], u[1], u[2], u[3]; k {
	case 1:
		for range n {
			c[p] += u0 * b[q]
			p += cj
			q += bj
		}
	case 2:
		for range n {
			c[p] += u0*b[q] + u1*b[q+ld]
			p += cj
			q += bj
		}
	case 3:
		for range n {
			c[p] += u0*b[q] + u1*b[q+ld] + u2*b[q+2*ld]
			p += cj
			q += bj
		}
	case 4:
		for range n {
			c[p] += (u0*b[q] + u1*b[q+ld]) + (u2*b[q+2*ld] + u3*b[q+3*ld])
			p += cj
			q += bj
		}
	}
}

// gemmBLAS adds op(A)·op(B) to C by gonum's BLAS, a piece at a time: gonum
// starts goroutines for products of four blocks of 64×64 or more, which
// allocates, so a piece has at most three.
func gemmBLAS[T Float](transA, transB bool, m, n, k int, a []T, lda int, b []T, ldb int, c []T, ldc int) {
	const rows, cols = 64, 192
	tA, tB := blas.NoTrans, blas.NoTrans
	if transA {
		tA = blas.Trans
	}
	if transB {
		tB = blas.Trans
	}
	for i := 0; i < m; i += rows {
		ai := i * lda
		if transA {
			ai = i
		}
		for j := 0; j < n; j += cols {
			bj := j
			if transB {
				bj = j * ldb
			}
			mi, nj := min(rows, m-i), min(cols, n-j)
			switch cc := any(c[i*ldc+j:]).(type) {
			case []float64:
				gonum.Implementation{}.Dgemm(tA, tB, mi, nj, k, 1, any(a[ai:]).([]float64), lda, any(b[bj:]).([]float64), ldb, 1, cc, ldc)
			case []float32:
				gonum.Implementation{}.Sgemm(tA, tB, mi, nj, k, 1, any(a[ai:]).([]float32), lda, any(b[bj:]).([]float32), ldb, 1, cc, ldc)
			}
		}
	}
}
