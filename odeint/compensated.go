package odeint

// A running sum x keeps what rounding took from it in e, so that x + e is nearly
// exact (Kahan 1965, Further remarks on reducing truncation errors, CACM 8, 40;
// Higham, Accuracy and Stability of Numerical Algorithms, 4.3). Each function
// works without compensation if e is nil.

// addScaled adds w·k to x.
func addScaled[T Float](x, e []T, w T, k []T) {
	x = x[:len(k)]
	if e == nil {
		for i, v := range k {
			x[i] += w * v
		}
		return
	}
	e = e[:len(k)]
	for i, v := range k {
		x[i], e[i] = twoSum(x[i], T(w*v)+e[i])
	}
}

// twoSum returns a + b, rounded, and the rounding error, exactly (Knuth).
func twoSum[T Float](a, b T) (sum, err T) {
	sum = a + b
	v := sum - a
	return sum, (a - (sum - v)) + (b - v)
}
