package odeint

// Tableau is an explicit Runge–Kutta method with an optional error estimate and
// continuous extension (Hairer, Nørsett & Wanner, Solving ODEs I, II.1, II.6):
//
//	k_i      = f(t + C_i h, y_n + h Σ_{j<i} A_ij k_j)
//	y_{n+1}  = y_n + h Σ_i B_i k_i
//	err      = h Σ_i E_i k_i
//	y(t+θh)  = y_n + h Σ_i b_i(θ) k_i,   b_i(θ) = Σ_j P_ij θ^{j+1}
//
// The first len(B) rows of A and C are the step. Rows beyond them are the
// dense stages: they serve the continuous extension alone and are evaluated
// only in steps inside which an output is wanted.
type Tableau struct {
	// Name is the method's usual name, such as "tsit5".
	Name string

	// C has a node for each row of A.
	C []float64

	// A is strictly lower triangular: row i has the i weights of the earlier stages.
	A [][]float64

	// B has the weights of the solution.
	B []float64

	// E has the weights of the error estimate itself, not of a second solution.
	// Nil: the method has no estimate and runs with fixed steps only.
	E []float64

	// E2, if not nil, has the weights of a second estimate, of lower order, and
	// the scaled error is r²/√(r² + r₂²/100) with r and r₂ the scaled
	// norms of the two (Hairer, Nørsett & Wanner I, II.10, (10.17)).
	E2 []float64

	// P has a row for each row of A: the coefficients of θ, θ², … of b_i. Nil: the
	// cubic Hermite interpolant of y_n, y_{n+1} and the slopes at both ends.
	P [][]float64

	// Order is the order of y_{n+1}: its global error is O(h^Order).
	Order int

	// ErrOrder is the exponent of the error estimate: it behaves as h^ErrOrder,
	// and the step size is controlled with the power −1/ErrOrder.
	ErrOrder int
}

// String returns the method's name.
func (m *Tableau) String() string { return m.Name }

// FSAL reports whether the last stage of a step is the first of the next one
// (first same as last): its row of A is B and its node is 1.
func (m *Tableau) FSAL() bool {
	s := len(m.B)
	if s == 0 || len(m.A) < s || len(m.C) < s || m.C[s-1] != 1 || m.B[s-1] != 0 || len(m.A[s-1]) < s-1 {
		return false
	}
	for j, a := range m.A[s-1][:s-1] {
		if a != m.B[j] {
			return false
		}
	}
	return true
}
