package vec

import "unsafe"

// copying is how B is copied.
type copying int

const (
	copyRows    copying = iota // B is not transposed, and its copy is not
	copyTurned                 // B is transposed, and its copy is not
	copyColumns                // B is not transposed, and its copy for gemmDots is
)

// The room for copies is on the stack. Go clears it first, so there are sizes.
const (
	tinyRoom   = 1 << 10 // bytes
	smallRoom  = 4 << 10
	middleRoom = 24 << 10 // half a first cache
	largeRoom  = 96 << 10
	largeWork  = 1 << 22 // terms of a product for which that is worthwhile
	farRows    = 2 << 10 // bytes between rows, from where on they share places in a cache
	cacheLine  = 64
)

// gemmCopied is gemmPanels or gemmDots by copies of pieces of B.
func gemmCopied[T Float](how copying, m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	switch bytes := n * k * int(unsafe.Sizeof(*a)); {
	case bytes <= tinyRoom:
		gemmTiny(how, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
	case bytes <= smallRoom:
		gemmSmall(how, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
	case how == copyColumns || m*n*k < largeWork:
		gemmMiddle(how, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
	default:
		gemmLarge(how, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
	}
}

func gemmTiny[T Float](how copying, m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	var room [tinyRoom + cacheLine]byte
	gemmWhole(aligned[T](unsafe.Pointer(&room)), how, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
}

func gemmSmall[T Float](how copying, m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	var room [smallRoom + cacheLine]byte
	gemmWhole(aligned[T](unsafe.Pointer(&room)), how, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
}

func gemmMiddle[T Float](how copying, m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	var room [middleRoom + cacheLine]byte
	copyB := aligned[T](unsafe.Pointer(&room))
	switch {
	case how == copyColumns:
		gemmColumns(copyB, m, n, k, a, ars, b, ldb, start, lds, c, ldc)
	case n*k*int(unsafe.Sizeof(*a)) <= middleRoom:
		gemmWhole(copyB, how, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
	default:
		gemmPieces(copyB, middleRoom, nil, how, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
	}
}

func gemmLarge[T Float](how copying, m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	var room [largeRoom + middleRoom + cacheLine]byte
	copyB := aligned[T](unsafe.Pointer(&room))
	var copyA *T
	if vectorBytes() == 32 && acs*int(unsafe.Sizeof(*a)) >= 2*farRows { // a tile needs half of a line or less
		copyA = (*T)(unsafe.Add(unsafe.Pointer(copyB), largeRoom))
	}
	gemmPieces(copyB, largeRoom, copyA, how, m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
}

// aligned is the first cache line from p.
func aligned[T Float](p unsafe.Pointer) *T {
	return (*T)(unsafe.Add(p, -int(uintptr(p))&(cacheLine-1)))
}

// gemmWhole copies all of B to copyB.
func gemmWhole[T Float](copyB *T, how copying, m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	switch how {
	case copyRows:
		copyMatrix(copyB, n, b, ldb, k, n)
	case copyTurned:
		transpose(copyB, n, b, ldb, n, k)
	case copyColumns:
		transpose(copyB, k, b, ldb, k, n)
		gemmDots(m, n, k, a, ars, copyB, k, start, lds, c, ldc)
		return
	}
	gemmPanels(m, n, k, a, ars, acs, copyB, n, start, lds, c, ldc)
}

// gemmColumns copies as many rows of B to the columns of copyB as gemmDots adds up at
// once.
func gemmColumns[T Float](copyB *T, m, n, k int, a *T, lda int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	for l := 0; l < k; l += dotBlock {
		terms := min(dotBlock, k-l)
		if l > 0 {
			start, lds = c, ldc
		}
		transpose(copyB, terms, at(b, l*ldb), ldb, terms, n)
		gemmDots(m, n, terms, at(a, l), lda, copyB, terms, start, lds, c, ldc)
	}
}

// gemmPieces copies to copyB, of size bytes, a piece of B after the other, and to
// copyA, if it is not nil, pieces of A, which is transposed.
func gemmPieces[T Float](copyB *T, size int, copyA *T, how copying, m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
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
			if how == copyTurned {
				transpose(copyB, wide, at(b, j*ldb+l), ldb, cols, terms)
			} else {
				copyMatrix(copyB, wide, at(b, l*ldb+j), ldb, terms, cols)
			}
			s, ls := at(c, j), ldc
			if q == 0 {
				s, ls = startAt(start, j), lds
			}
			if copyA == nil {
				gemmPanels(m, cols, terms, at(a, l*acs), ars, acs, copyB, wide, s, ls, at(c, j), ldc)
				continue
			}
			tall := middleRoom / width / terms / 8 * 8
			for i := 0; i < m; i += tall {
				rows := min(tall, m-i)
				copyMatrix(copyA, tall, at(a, i+l*acs), acs, terms, rows)
				gemmPanels(rows, cols, terms, copyA, 1, tall, copyB, wide, startAt(s, i*ls), ls, at(c, i*ldc+j), ldc)
			}
		}
	}
}

func copyMatrix[T Float](dst *T, ldd int, src *T, lds int, rows, cols int) {
	for i := range rows {
		copy(unsafe.Slice(at(dst, i*ldd), cols), unsafe.Slice(at(src, i*lds), cols))
	}
}
