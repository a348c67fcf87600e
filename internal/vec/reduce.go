package vec

import "unsafe"

// Sum returns the sum of x. Pairs of halves are added, so that the rounding
// error grows with log(len(x)).
func Sum[T Float](x []T) T {
	const short = 64
	if len(x) > short {
		h := len(x) / 2 &^ 3
		return Sum(x[:h]) + Sum(x[h:])
	}
	var s0, s1, s2, s3 T
	for len(x) >= 4 {
		s0 += x[0]
		s1 += x[1]
		s2 += x[2]
		s3 += x[3]
		x = x[4:]
	}
	for _, v := range x {
		s0 += v
	}
	return (s0 + s1) + (s2 + s3)
}

// Sums stores in dst the sums of rows of n elements each, which follow each other in x, or
// adds them when add is set. They have the bits of [Sum].
func Sums[T Float](dst, x []T, n int, add bool) {
	const most = 64
	var sums [most]T
	for len(dst) > 0 {
		rows := min(len(dst), most)
		part := sums[:rows]
		sumPart(part, x, n, n)
		if add {
			Add(dst[:rows], dst[:rows], part)
		} else {
			copy(dst, part)
		}
		dst, x = dst[rows:], x[rows*n:]
	}
}

// sumPart sums the first n elements of rows that are stride apart.
func sumPart[T Float](dst, x []T, n, stride int) {
	const short, most = 64, 64
	if n > short {
		h := n / 2 &^ 3
		var right [most]T
		r := right[:len(dst)]
		sumPart(dst, x, h, stride)
		sumPart(r, x[h:], n-h, stride)
		Add(dst, dst, r)
		return
	}
	done := 0
	if fours := len(dst) / 4; fours > 0 && n > 0 && sumFoursAsm(&dst[0], &x[0], fours, n, stride) {
		done = 4 * fours
	}
	for i := done; i < len(dst); i++ {
		dst[i] = Sum(x[i*stride:][:n])
	}
}

// Largest returns the largest element of x, or NaN if there is one. x is not empty.
func Largest[T Float](x []T) T {
	m := x[0]
	for _, v := range x[1:] {
		m = max(m, v)
	}
	return m
}

// SumRows stores in dst the sum of the rows of the n×len(dst) matrix x, or adds
// it when add is set. Like Sum it adds halves.
func SumRows[T Float](dst, x []T, n int, add bool) {
	w := len(dst)
	if !add {
		clear(dst)
	}
	const block = 64 // columns whose partial sums stay on the stack
	for j := 0; j < w; j += block {
		var acc [block]T
		b := min(block, w-j)
		sumRows(acc[:b], x[j:], n, w)
		Add(dst[j:j+b], dst[j:j+b], acc[:b])
	}
}

// sumRows adds to acc the n rows of x, whose starts are w apart.
func sumRows[T Float](acc, x []T, n, w int) {
	const short = 64
	if n > short {
		h := n / 2
		var left [short]T
		l := left[:len(acc)]
		sumRows(l, x, h, w)
		var right [short]T
		r := right[:len(acc)]
		sumRows(r, x[h*w:], n-h, w)
		for i := range acc {
			acc[i] += l[i] + r[i]
		}
		return
	}
	if n == 0 {
		return
	}
	x = x[:(n-1)*w+len(acc)]
	if sumRowsAsm(unsafe.SliceData(acc), unsafe.SliceData(x), n, w, len(acc)) {
		return
	}
	i := 0
	for ; i+4 <= n; i += 4 {
		r0, r1 := x[i*w:][:len(acc)], x[(i+1)*w:][:len(acc)]
		r2, r3 := x[(i+2)*w:][:len(acc)], x[(i+3)*w:][:len(acc)]
		for j := range acc {
			acc[j] += (r0[j] + r1[j]) + (r2[j] + r3[j])
		}
	}
	for ; i < n; i++ {
		Add(acc, acc, x[i*w:])
	}
}

// MaxRows stores in dst the elementwise maximum of the n ≥ 1 rows of x.
func MaxRows[T Float](dst, x []T, n int) {
	w := len(dst)
	copy(dst, x[:w])
	for i := 1; i < n; i++ {
		Max(dst, dst, x[i*w:])
	}
}
