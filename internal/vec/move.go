package vec

// Move stores a strided view of x, or its negative, in a strided view of dst: element
// (i, j, …) of the views is x[i·from[0] + j·from[1] + …] and dst[i·to[0] + j·to[1] + …].
// No element of dst repeats, and dst and x do not overlap.
func Move[T Float](dst, x []T, lens, to, from []int, neg bool) {
	const few = 4
	switch n := len(lens); {
	case n == 0:
		moveLine(dst, x, 1, 1, 1, neg)
	case n == 1:
		moveLine(dst, x, lens[0], to[0], from[0], neg)
	case n == 2 && lens[1] <= few:
		for j := range lens[1] {
			moveLine(dst[j*to[1]:], x[j*from[1]:], lens[0], to[0], from[0], neg)
		}
	default:
		for i := range lens[0] {
			Move(dst[i*to[0]:], x[i*from[0]:], lens[1:], to[1:], from[1:], neg)
		}
	}
}

// moveLine moves n elements that are to and from apart.
func moveLine[T Float](dst, x []T, n, to, from int, neg bool) {
	switch {
	case to == 1 && from == 1 && !neg:
		copy(dst[:n], x)
	case to == 1 && from == 1:
		Neg(dst[:n], x)
	case neg:
		for i, p, q := 0, 0, 0; i < n; i++ {
			dst[p] = -x[q]
			p += to
			q += from
		}
	default:
		for i, p, q := 0, 0, 0; i < n; i++ {
			dst[p] = x[q]
			p += to
			q += from
		}
	}
}
