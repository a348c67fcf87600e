package vec

import "unsafe"

// Transpose stores the transpose of a rows×cols matrix in dst, cols×rows. Matrices
// are row-major, ld apart; they must not overlap.
func Transpose[T Float](dst []T, ldd int, src []T, lds int, rows, cols int) {
	if short(rows, cols, len(src), lds) || short(cols, rows, len(dst), ldd) {
		panic("vec: a matrix does not fit its slice")
	}
	if rows <= 0 || cols <= 0 {
		return
	}
	if vectorBytes() > 0 {
		transpose(&dst[0], ldd, &src[0], lds, rows, cols)
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

// transpose is Transpose on vector registers. Columns and pairs of columns without
// gaps have a way of their own.
func transpose[T Float](dst *T, ldd int, src *T, lds int, rows, cols int) {
	switch block := 32 / int(unsafe.Sizeof(*dst)); {
	case cols == 1 && lds == 1:
		copy(unsafe.Slice(dst, rows), unsafe.Slice(src, rows))
	case rows == 1 && ldd == 1:
		copy(unsafe.Slice(dst, cols), unsafe.Slice(src, cols))
	case cols == 2 && lds == 2:
		n := rows / block * block
		apartAsm(dst, at(dst, ldd), src, n)
		if n < rows {
			transposeAsm(at(dst, n), ldd, at(src, 2*n), 2, rows-n, 2)
		}
	case rows == 2 && ldd == 2:
		n := cols / block * block
		togetherAsm(dst, src, at(src, lds), n)
		if n < cols {
			transposeAsm(at(dst, 2*n), 2, at(src, n), lds, 2, cols-n)
		}
	default:
		transposeAsm(dst, ldd, src, lds, rows, cols)
	}
}
