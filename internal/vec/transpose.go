package vec

import "unsafe"

// Transpose stores the transpose of a rows×cols matrix in dst, cols×rows. Matrices
// are row-major, ld apart; they must not overlap.
func Transpose[T Float](dst []T, ldd int, src []T, lds int, rows, cols int) {
	if short(rows, cols, len(src), lds) || short(cols, rows, len(dst), ldd) {
		panic("vec: a matrix does not fit its slice")
	}
	if rows <= 0 || cols <= 0 || transposeAsm(unsafe.SliceData(dst), ldd, unsafe.SliceData(src), lds, rows, cols) {
		return
	}
	const block = 16
	for i := 0; i < rows; i += block {
		for j := 0; j < cols; j += block {
			for p := i; p < min(i+block, rows); p++ {
				from := src[p*lds:][:cols]
				for q := j; q < min(j+block, cols); q++ {
					dst[q*ldd+p] = from[q]
				}
			}
		}
	}
}
