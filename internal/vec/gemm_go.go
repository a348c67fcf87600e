package vec

// gemmGo adds A·op(B) to C without assembly, where element (i, l) of A is
// a[i*ars+l*acs]. However the work is divided, an element of C is one chain in
// the order of the terms, which the compiler fuses everywhere or nowhere.
func gemmGo[T Float](transB bool, m, n, k int, a []T, ars, acs int, b []T, ldb int, c []T, ldc int) {
	A := operand[T]{a, ars, acs}
	B := operand[T]{b, 1, ldb}
	if transB {
		B = operand[T]{b, ldb, 1}
	}
	switch {
	case k <= 4 && m <= n:
		gemmShort(m, n, k, A, B, c, ldc, 1)
	case k <= 4:
		gemmShort(n, m, k, B, A, c, 1, ldc)
	case m >= 8 && k >= 16:
		gemmPairs(m, n, k, A, B, c, ldc)
	case m >= n: // the tiles are four rows high and two wide
		gemmTiles(m, n, k, A, B, c, ldc, 1)
	default:
		gemmTiles(n, m, k, B, A, c, 1, ldc)
	}
}

// gemmPairs is gemmTiles for many rows, with two columns of B at a time laid out
// side by side.
func gemmPairs[T Float](m, n, k int, a, b operand[T], c []T, ldc int) {
	const terms = 256
	var pair [2 * terms]T
	for l := 0; l < k; l += terms {
		part := min(terms, k-l)
		j := 0
		for ; j+2 <= n; j += 2 {
			b0, b1 := b.x[j*b.row+l*b.col:], b.x[(j+1)*b.row+l*b.col:]
			for i := range part {
				pair[2*i], pair[2*i+1] = b0[i*b.col], b1[i*b.col]
			}
			gemmTiles(m, 2, part, operand[T]{a.x[l*a.col:], a.row, a.col}, operand[T]{pair[:], 1, 2}, c[j:], ldc, 1)
		}
		if j < n {
			gemmTiles(m, 1, part, operand[T]{a.x[l*a.col:], a.row, a.col}, operand[T]{b.x[j*b.row+l*b.col:], b.row, b.col}, c[j:], ldc, 1)
		}
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
			c[i*ci+j*cj] = dotStride(c[i*ci+j*cj], k, ax, a.col, b.x[j*b.row:], b.col)
		}
	}
}

// tile42 adds a 4×2 block of A·Bᵀ to C.
func tile42[T Float](k int, a []T, ai, al int, b []T, bj, bl int, c []T, ci, cj int) {
	s00, s01, s10, s11 := c[0], c[cj], c[ci], c[ci+cj]
	s20, s21, s30, s31 := c[2*ci], c[2*ci+cj], c[3*ci], c[3*ci+cj]
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
	c[0], c[cj], c[ci], c[ci+cj] = s00, s01, s10, s11
	c[2*ci], c[2*ci+cj], c[3*ci], c[3*ci+cj] = s20, s21, s30, s31
}

// tile41 adds a 4×1 block of A·Bᵀ to C.
func tile41[T Float](k int, a []T, ai, al int, b []T, bl int, c []T, ci int) {
	s0, s1, s2, s3 := c[0], c[ci], c[2*ci], c[3*ci]
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
	c[0], c[ci], c[2*ci], c[3*ci] = s0, s1, s2, s3
}

// dotStride adds the k products of a and b to s, one after another.
func dotStride[T Float](s T, k int, a []T, al int, b []T, bl int) T {
	p, q := 0, 0
	for range k {
		s += a[p] * b[q]
		p += al
		q += bl
	}
	return s
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
			c[j] = c[j] + u0*b0[j] + u1*b1[j]
		}
	case 3:
		b0, b1, b2 := b[:len(c)], b[ld:][:len(c)], b[2*ld:][:len(c)]
		for j := range c {
			c[j] = c[j] + u0*b0[j] + u1*b1[j] + u2*b2[j]
		}
	case 4:
		b0, b1, b2, b3 := b[:len(c)], b[ld:][:len(c)], b[2*ld:][:len(c)], b[3*ld:][:len(c)]
		for j := range c {
			c[j] = c[j] + u0*b0[j] + u1*b1[j] + u2*b2[j] + u3*b3[j]
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
			c[p] = c[p] + u0*b[q] + u1*b[q+ld]
			p += cj
			q += bj
		}
	case 3:
		for range n {
			c[p] = c[p] + u0*b[q] + u1*b[q+ld] + u2*b[q+2*ld]
			p += cj
			q += bj
		}
	case 4:
		for range n {
			c[p] = c[p] + u0*b[q] + u1*b[q+ld] + u2*b[q+2*ld] + u3*b[q+3*ld]
			p += cj
			q += bj
		}
	}
}
