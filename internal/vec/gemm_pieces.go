package vec

import "unsafe"

const (
	pieceBytes = 24 << 10 // of a copied piece of B, half a first cache
	smallPiece = 256      // elements for which a smaller copy is made: Go clears it first
)

// piece is room for a copy on the stack.
type piece [pieceBytes/8 + 8]float64

// gemmTransB is gemmPanels for B transposed, of which it copies pieces.
func gemmTransB[T Float](m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	if n*k <= smallPiece {
		var small [smallPiece]T
		transposeAsm(&small[0], n, b, ldb, n, k)
		gemmPanels(m, n, k, a, ars, acs, &small[0], n, start, lds, c, ldc)
		return
	}
	gemmTransBPieces(m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
}

func gemmTransBPieces[T Float](m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	var room piece
	copied := aligned[T](&room)
	lanes := lanesOf[T]()
	blocks := (k + panelTerms - 1) / panelTerms
	for q := range blocks {
		l, end := k*q/blocks, k*(q+1)/blocks
		most := pieceBytes / int(unsafe.Sizeof(*a)) / (end - l) / lanes * lanes
		for j := 0; j < n; j += most {
			cols := min(most, n-j)
			wide := (cols + lanes - 1) / lanes * lanes
			transposeAsm(copied, wide, at(b, j*ldb+l), ldb, cols, end-l)
			s, ls := at(c, j), ldc
			if q == 0 {
				s, ls = startAt(start, j), lds
			}
			gemmPanels(m, cols, end-l, at(a, l*acs), ars, acs, copied, wide, s, ls, at(c, j), ldc)
		}
	}
}

// aligned is the first cache line of room.
func aligned[T Float](room *piece) *T {
	p := unsafe.Pointer(room)
	return (*T)(unsafe.Add(p, -int(uintptr(p))&63))
}
