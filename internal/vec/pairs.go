package vec

// Unpair stores the first halves of the rows of y, a (batch, 2n) array, one after the
// other in the first half of dst, and the second halves in the second.
func Unpair[T ~float32 | ~float64](dst, y []T, n int) {
	q, p := dst[:len(y)/2], dst[len(y)/2:]
	for i := 0; i < len(q); i += n {
		copy(q[i:i+n], y[2*i:])
		copy(p[i:i+n], y[2*i+n:])
	}
}

// Pair undoes Unpair.
func Pair[T ~float32 | ~float64](y, src []T, n int) {
	q, p := src[:len(y)/2], src[len(y)/2:]
	for i := 0; i < len(q); i += n {
		copy(y[2*i:], q[i:i+n])
		copy(y[2*i+n:], p[i:i+n])
	}
}
