package vec

import "math"

// LU factorises a square matrix a of n rows, row-major, in place: P a = L U with unit
// lower L below the diagonal and U on and above it (Golub and Van Loan, Matrix
// Computations, algorithm 3.4.1). pivot[k] is the row that was exchanged with row k.
// It returns the smallest and the largest absolute value on the diagonal of U.
func LU[T Float](a, pivot []T, n int) (smallest, largest T) {
	smallest = T(math.Inf(1))
	for k := range n {
		p, most := k, abs(a[k*n+k])
		for i := k + 1; i < n; i++ {
			if v := abs(a[i*n+k]); v > most || v != v {
				p, most = i, v
			}
		}
		pivot[k] = T(p)
		row := a[k*n : k*n+n]
		if p != k {
			other := a[p*n : p*n+n]
			for j, v := range row {
				row[j], other[j] = other[j], v
			}
		}
		smallest, largest = min(smallest, most), max(largest, most)
		if most == 0 {
			continue
		}
		inv := 1 / row[k]
		for i := k + 1; i < n; i++ {
			below := a[i*n : i*n+n]
			f := below[k] * inv
			below[k] = f
			if f == 0 {
				continue
			}
			for j := k + 1; j < n; j++ {
				below[j] -= f * row[j]
			}
		}
	}
	return smallest, largest
}

// SolveLU replaces x, n rows of m, by a⁻¹x, or a⁻ᵀx if trans, with the factors of LU.
func SolveLU[T Float](x, lu, pivot []T, n, m int, trans bool) {
	swap := func(k int) {
		if p := int(pivot[k]); p != k {
			for j := range m {
				x[k*m+j], x[p*m+j] = x[p*m+j], x[k*m+j]
			}
		}
	}
	if trans {
		for k := range n { // Uᵀ is lower
			for i := range k {
				axpy(x[k*m:k*m+m], -lu[i*n+k], x[i*m:i*m+m])
			}
			scale(x[k*m:k*m+m], lu[k*n+k])
		}
		for k := n - 2; k >= 0; k-- {
			for i := k + 1; i < n; i++ {
				axpy(x[k*m:k*m+m], -lu[i*n+k], x[i*m:i*m+m])
			}
		}
		for k := n - 1; k >= 0; k-- {
			swap(k)
		}
		return
	}
	for k := range n {
		swap(k)
	}
	for k := 1; k < n; k++ {
		for i := range k {
			axpy(x[k*m:k*m+m], -lu[k*n+i], x[i*m:i*m+m])
		}
	}
	backward(x, lu, n, m)
}

// backward replaces x by U⁻¹x, U being the upper triangle of a.
func backward[T Float](x, a []T, n, m int) {
	for k := n - 1; k >= 0; k-- {
		for i := k + 1; i < n; i++ {
			axpy(x[k*m:k*m+m], -a[k*n+i], x[i*m:i*m+m])
		}
		scale(x[k*m:k*m+m], a[k*n+k])
	}
}

// Cholesky factorises the symmetric part of a, (a+aᵀ)/2, in place: U with UᵀU = a on
// and above the diagonal. It reports whether that is positive definite, and returns the
// smallest and the largest square on the diagonal of U.
func Cholesky[T Float](a []T, n int) (smallest, largest T, ok bool) {
	smallest = T(math.Inf(1))
	for k := range n {
		row := a[k*n : k*n+n]
		for j := k; j < n; j++ {
			s := (row[j] + a[j*n+k]) / 2
			for i := range k {
				s -= a[i*n+k] * a[i*n+j]
			}
			row[j] = s
		}
		d := row[k]
		if d <= 0 {
			return d, largest, false
		}
		smallest, largest = min(smallest, d), max(largest, d)
		d = T(math.Sqrt(float64(d)))
		row[k] = d
		inv := 1 / d
		for j := k + 1; j < n; j++ {
			row[j] *= inv
		}
	}
	return smallest, largest, true
}

// SolveCholesky replaces x, n rows of m, by a⁻¹x, with the factor of Cholesky.
func SolveCholesky[T Float](x, u []T, n, m int) {
	for k := range n { // Uᵀ is lower
		for i := range k {
			axpy(x[k*m:k*m+m], -u[i*n+k], x[i*m:i*m+m])
		}
		scale(x[k*m:k*m+m], u[k*n+k])
	}
	backward(x, u, n, m)
}

func abs[T Float](x T) T {
	if x < 0 {
		return -x
	}
	return x
}

func axpy[T Float](y []T, a T, x []T) {
	for i, v := range x {
		y[i] += a * v
	}
}

// scale divides by d.
func scale[T Float](y []T, d T) {
	for i := range y {
		y[i] /= d
	}
}
