package vec

import "unsafe"

// The room for copies is on the stack, and Go clears it first, so there are three
// sizes.
const (
	smallPiece  = 256      // elements
	middlePiece = 24 << 10 // bytes, half a first cache
	largePiece  = 96 << 10 // bytes
	largeWork   = 1 << 22  // terms of a product for which that is worthwhile
	farRows     = 2 << 10  // bytes between rows, from where on they share places in a cache
)

// gemmCopied is gemmPanels by copies of pieces of B, which may be transposed, or so
// that its rows fall on few places in the first cache.
func gemmCopied[T Float](transB bool, m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	switch {
	case n*k <= smallPiece && transB:
		var small [smallPiece]T
		transpose(&small[0], n, b, ldb, n, k)
		gemmPanels(m, n, k, a, ars, acs, &small[0], n, start, lds, c, ldc)
	case m*n*k < largeWork:
		gemmMiddle(transB, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
	default:
		gemmLarge(transB, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
	}
}

func gemmMiddle[T Float](transB bool, m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	var room [middlePiece/8 + 8]float64
	copyB := aligned[T](unsafe.Pointer(&room))
	gemmPieces(copyB, middlePiece, nil, transB, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
}

func gemmLarge[T Float](transB bool, m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	var room [(largePiece+middlePiece)/8 + 8]float64
	copyB := aligned[T](unsafe.Pointer(&room))
	var copyA *T
	if vectorBytes() == 32 && acs*int(unsafe.Sizeof(*a)) >= 2*farRows { // a tile needs half of a line or less
		copyA = (*T)(unsafe.Add(unsafe.Pointer(copyB), largePiece))
	}
	gemmPieces(copyB, largePiece, copyA, transB, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
}

// aligned is the first cache line after p.
func aligned[T Float](p unsafe.Pointer) *T { return (*T)(unsafe.Add(p, -int(uintptr(p))&63)) }

// gemmPieces copies to copyB, of size bytes, a piece of B after the other, and to
// copyA, if it is not nil, pieces of A, which is transposed.
func gemmPieces[T Float](copyB *T, size int, copyA *T, transB bool, m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	lanes := lanesOf[T]()
	width := int(unsafe.Sizeof(*a))
	blocks := (k + panelTerms - 1) / panelTerms
	for q := range blocks {
		l, end := k*q/blocks, k*(q+1)/blocks
		terms := end - l
		most := size / width / terms / lanes * lanes
		for j := 0; j < n; j += most {
			cols := min(most, n-j)
			wide := (cols + lanes - 1) / lanes * lanes
			if transB {
				transpose(copyB, wide, at(b, j*ldb+l), ldb, cols, terms)
			} else {
				copyRows(copyB, wide, at(b, l*ldb+j), ldb, terms, cols)
			}
			s, ls := at(c, j), ldc
			if q == 0 {
				s, ls = startAt(start, j), lds
			}
			if copyA == nil {
				gemmPanels(m, cols, terms, at(a, l*acs), ars, acs, copyB, wide, s, ls, at(c, j), ldc)
				continue
			}
			tall := middlePiece / width / terms / 8 * 8
			for i := 0; i < m; i += tall {
				rows := min(tall, m-i)
				copyRows(copyA, tall, at(a, i+l*acs), acs, terms, rows)
				gemmPanels(rows, cols, terms, copyA, 1, tall, copyB, wide, startAt(s, i*ls), ls, at(c, i*ldc+j), ldc)
			}
		}
	}
}

func copyRows[T Float](dst *T, ldd int, src *T, lds int, rows, cols int) {
	for i := range rows {
		copy(unsafe.Slice(at(dst, i*ldd), cols), unsafe.Slice(at(src, i*lds), cols))
	}
}
