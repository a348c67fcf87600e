package vec

const (
	panelRows  = 256 // of A in the second cache, with panelTerms columns
	panelTerms = 128 // rows of B in the first cache, with one panel's columns
)

// gemmPanels computes a product whose B is not transposed in panels of columns
// as wide as one to three vector registers, a block of rows and terms at a time.
func gemmPanels[T Float](m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	if m <= 2 {
		gemmFewRows(m, n, k, a, ars, acs, b, ldb, start, lds, c, ldc)
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

// gemmFewRows is gemmPanels for one or two rows, in panels so wide that the
// additions to their elements do not wait for each other.
func gemmFewRows[T Float](m, n, k int, a *T, ars, acs int, b *T, ldb int, start *T, lds int, c *T, ldc int) {
	lanes := lanesOf[T]()
	for j := 0; j < n; {
		s := startAt(start, j)
		vectors := 1
		switch left := n - j; {
		case m == 1 && left > 7*lanes:
			vectors = 8
		case left > 3*lanes:
			vectors = 4
		case left > 2*lanes:
			vectors = 3
		case left > lanes:
			vectors = 2
		}
		w := min(lanes, n-j-(vectors-1)*lanes)
		switch bj, cj := at(b, j), at(c, j); {
		case vectors == 8:
			gemmRow8Asm(m, k, a, ars, acs, bj, ldb, s, lds, cj, ldc, w)
		case vectors == 4 && m == 1:
			gemmRow4Asm(m, k, a, ars, acs, bj, ldb, s, lds, cj, ldc, w)
		case vectors == 4:
			gemmPair4Asm(m, k, a, ars, acs, bj, ldb, s, lds, cj, ldc, w)
		default:
			gemmPanel(vectors, m, k, a, ars, acs, bj, ldb, s, lds, cj, ldc, w)
		}
		j += vectors * lanes
	}
}
