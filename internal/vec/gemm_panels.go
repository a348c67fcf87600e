package vec

const (
	panelRows  = 256 // of A in the second cache, with panelTerms columns
	panelTerms = 128 // rows of B in the first cache, with one panel's columns
)

// gemmPanels computes a product whose B is not transposed in panels of columns
// as wide as one to three vector registers, a block of rows and terms at a time.
func gemmPanels[T Float](m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	switch {
	case m == 1 || m == 2 && k <= 2:
		for i := range m {
			gemmRowAsm(n, k, at(a, i*ars), acs, b, ldb, startAt(start, i*lds), at(c, i*ldc))
		}
		return
	case m == 2:
		gemmTwoRows(n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
		return
	}
	lanes := lanesOf[T]()
	vectors := (n + lanes - 1) / lanes
	panels := (vectors + 2) / 3
	blocks := (k + panelTerms - 1) / panelTerms
	for q := range blocks {
		l, end := k*q/blocks, k*(q+1)/blocks
		for i := 0; i < m; i += panelRows {
			rows := min(panelRows, m-i)
			for p := range panels {
				from, to := vectors*p/panels, vectors*(p+1)/panels
				j := from * lanes
				w := min(lanes, n-(to-1)*lanes)
				s, ls := at(c, i*ldc+j), ldc
				if q == 0 {
					s, ls = startAt(start, i*lds+j), lds
				}
				gemmPanel(to-from, rows, end-l, at(a, i*ars+l*acs), ars, acs, at(b, l*ldb+j), ldb, s, ls, at(c, i*ldc+j), ldc, w)
			}
		}
	}
}

// gemmPanel computes one panel of that many vectors.
func gemmPanel[T Float](vectors, m, k int, a *T, ars, acs int, b *T, ldb int, s *T, lds int, c *T, ldc, w int) {
	switch vectors {
	case 1:
		gemmPanel1Asm(m, k, a, ars, acs, b, ldb, s, lds, c, ldc, w)
	case 2:
		gemmPanel2Asm(m, k, a, ars, acs, b, ldb, s, lds, c, ldc, w)
	case 3:
		gemmPanel3Asm(m, k, a, ars, acs, b, ldb, s, lds, c, ldc, w)
	}
}

// gemmTwoRows is gemmPanels for two rows, in panels so wide that the additions to
// their elements do not wait for each other.
func gemmTwoRows[T Float](n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	lanes := lanesOf[T]()
	j := 0
	for ; n-j > 3*lanes; j += 4 * lanes {
		gemmPair4Asm(2, k, a, ars, acs, at(b, j), ldb, startAt(start, j), lds, at(c, j), ldc, min(lanes, n-j-3*lanes))
	}
	if left := n - j; left > 0 {
		vectors := 1
		for left > vectors*lanes {
			vectors++
		}
		gemmPanel(vectors, 2, k, a, ars, acs, at(b, j), ldb, startAt(start, j), lds, at(c, j), ldc, left-(vectors-1)*lanes)
	}
}
