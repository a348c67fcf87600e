package vec

import "unsafe"

const (
	dotTerms = 16  // products of fewer terms are not computed by gemmDots
	dotBlock = 512 // terms of which partial sums are added at once

	flatTerms = 16 // products of as many terms are not computed by gemmFlat2 and 4
)

// gemmDots computes a product whose few columns are contiguous, each element from
// the start of a row of A, of which the elements are contiguous too.
func gemmDots[T Float](m, n, k int, a *T, lda int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	for l := 0; l < k; l += dotBlock {
		part := min(dotBlock, k-l)
		if l > 0 {
			start, lds = c, ldc
		}
		for j := 0; j < n; j += 4 {
			s := startAt(start, j)
			switch al, bl, cj := at(a, l), at(b, j*ldb+l), at(c, j); n - j {
			case 1:
				gemmDot1Asm(m, part, al, lda, bl, ldb, s, lds, cj, ldc)
			case 2:
				gemmDot2Asm(m, part, al, lda, bl, ldb, s, lds, cj, ldc)
			case 3:
				gemmDot3Asm(m, part, al, lda, bl, ldb, s, lds, cj, ldc)
			default:
				gemmDot4Asm(m, part, al, lda, bl, ldb, s, lds, cj, ldc)
			}
		}
	}
}

// gemmThinC computes a product of few columns where the columns of A, lda apart, are
// contiguous: the rows of the transposed product are long.
func gemmThinC[T Float](m, n, k int, a *T, lda int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	if ldc == n && (start == nil || lds == n) {
		if n == 1 {
			gemmPanels(1, m, k, b, 1, ldb, a, lda, start, 0, c, m)
			return
		}
		if k < flatTerms && (n == 2 || n == 4) {
			rows := m / (4 * lanesOf[T]() / n) * (4 * lanesOf[T]() / n)
			if n == 2 {
				gemmFlat2Asm(rows, k, a, lda, b, ldb, start, c)
			} else {
				gemmFlat4Asm(rows, k, a, lda, b, ldb, start, c)
			}
			if rows == m {
				return
			}
			m -= rows
			a, start, c = at(a, rows), startAt(start, rows*n), at(c, rows*n)
		}
	}
	gemmTurned(m, n, k, a, lda, b, ldb, start, lds, c, ldc)
}

// gemmTurned is gemmThinC by way of the transposed product.
func gemmTurned[T Float](m, n, k int, a *T, lda int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	const width = 64
	var room [width*32 + cacheLine]byte // for few columns of either type
	rows := aligned[T](unsafe.Pointer(&room))
	for i := 0; i < m; i += width {
		cols := min(width, m-i)
		s, ls := start, 0
		switch {
		case start == nil:
		case lds == 0: // the same row for all
			for j := range n {
				Fill(unsafe.Slice(at(rows, j*width), cols), *at(start, j))
			}
			s, ls = rows, width
		default:
			transpose(rows, width, at(start, i*lds), lds, cols, n)
			s, ls = rows, width
		}
		gemmPanels(n, cols, k, b, 1, ldb, at(a, i), lda, s, ls, rows, width)
		transpose(at(c, i*ldc), ldc, rows, width, n, cols)
	}
}

// lanesOf is the number of elements in a vector register.
func lanesOf[T Float]() int { return vectorBytes() / int(unsafe.Sizeof(T(0))) }

// startAt is where column j starts from.
func startAt[T Float](start *T, j int) *T {
	if start == nil {
		return start
	}
	return at(start, j)
}
