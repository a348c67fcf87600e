package odeint

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

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

// WithDense returns a copy of m whose continuous extension is explicit: P is
// never nil, and every stage it needs has its row in A and C. Where m has no P
// the copy gets the cubic Hermite interpolant, whose slope at the end of the
// step is the FSAL stage or, for methods without one, a dense stage.
func (m *Tableau) WithDense() *Tableau {
	d := m.clone()
	if d.P != nil {
		return d
	}
	s := len(m.B)
	d.A, d.C = d.A[:s:s], d.C[:s:s]
	end := s - 1
	if !m.FSAL() {
		d.A = append(d.A, slices.Clone(d.B))
		d.C = append(d.C, 1)
		end = s
	}
	d.P = hermiteOf(m.B, end)
	return d
}

// hermiteOf is the cubic Hermite interpolant of a step with the weights b, whose slope at the
// start is that of stage 0 and at the end that of stage end:
//
//	y(θ) = y0 + (3θ²−2θ³)(y1−y0) + (θ−2θ²+θ³)h·f0 + (θ³−θ²)h·f1
func hermiteOf(b []float64, end int) [][]float64 {
	p := make([][]float64, max(end+1, len(b)))
	for i := range p {
		row := make([]float64, 3)
		if i < len(b) {
			row[1], row[2] = 3*b[i], -2*b[i]
		}
		p[i] = row
	}
	p[0][0], p[0][1], p[0][2] = 1, p[0][1]-2, p[0][2]+1
	p[end][1]--
	p[end][2]++
	return p
}

// clone returns a copy of m that shares nothing with it.
func (m *Tableau) clone() *Tableau {
	c := *m
	c.C, c.B, c.E, c.E2 = slices.Clone(m.C), slices.Clone(m.B), slices.Clone(m.E), slices.Clone(m.E2)
	c.A, c.P = cloneRows(m.A), cloneRows(m.P)
	return &c
}

func cloneRows(a [][]float64) [][]float64 {
	a = slices.Clone(a)
	for i, row := range a {
		a[i] = slices.Clone(row)
	}
	return a
}

// DenseWeights stores b_i(θ) in dst for every row of P, so that
// y(t+θh) = y_n + h Σ b_i(θ) k_i. The length of dst is that of P.
func (m *Tableau) DenseWeights(dst []float64, theta float64) {
	if len(dst) != len(m.P) {
		panic("odeint: length of dense weights")
	}
	for i, row := range m.P {
		w := 0.0
		for j := len(row) - 1; j >= 0; j-- {
			w = (w + row[j]) * theta
		}
		dst[i] = w
	}
}

// DenseSlopes stores the derivatives b_i′(θ) in dst for every row of P, so
// that y′(t+θh) = Σ b_i′(θ) k_i. The length of dst is that of P.
func (m *Tableau) DenseSlopes(dst []float64, theta float64) {
	if len(dst) != len(m.P) {
		panic("odeint: length of dense weights")
	}
	for i, row := range m.P {
		w := 0.0
		for j := len(row) - 1; j >= 0; j-- {
			w = w*theta + float64(j+1)*row[j]
		}
		dst[i] = w
	}
}

// validate reports every fault of shape: what would make a step read outside
// the tableau or produce numbers that are not finite. Check goes further.
func (m *Tableau) validate() error {
	if m == nil {
		return errors.New("odeint: nil tableau; use a method such as Tsit5")
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("odeint: tableau %q: "+format, append([]any{m.Name}, args...)...))
	}
	s, rows := len(m.B), len(m.A)
	switch {
	case s == 0:
		fault("B is empty; it needs a weight for each stage")
	case rows < s:
		fault("A has %d rows, fewer than the %d weights of B", rows, s)
	}
	if len(m.C) != rows {
		fault("C has %d nodes for the %d rows of A", len(m.C), rows)
	}
	for i, row := range m.A {
		if len(row) != i {
			fault("row %d of A has %d weights; an explicit method has %d", i, len(row), i)
		}
	}
	if m.P == nil && rows > s {
		fault("%d dense stages but no P; add P or leave them out", rows-s)
	}
	if m.P != nil && len(m.P) != rows {
		fault("P has %d rows for the %d rows of A", len(m.P), rows)
	}
	for i, row := range m.P {
		if len(row) == 0 || len(row) != len(m.P[0]) {
			fault("row %d of P has %d coefficients; all rows need the same number, at least 1", i, len(row))
		}
	}
	if m.Order < 1 {
		fault("Order is %d; the least is 1", m.Order)
	}
	if m.E != nil {
		if len(m.E) != s {
			fault("E has %d weights for %d stages", len(m.E), s)
		}
		if m.ErrOrder < 2 {
			fault("ErrOrder is %d; the least of an error estimate is 2", m.ErrOrder)
		}
	}
	if m.E2 != nil && len(m.E2) != s {
		fault("E2 has %d weights for %d stages", len(m.E2), s)
	}
	if m.E2 != nil && m.E == nil {
		fault("E2 without E; E is the estimate of higher order")
	}
	for _, part := range m.parts() {
		for _, row := range part.rows {
			for j, x := range row {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					fault("coefficient %d in a row of %s is %v", j, part.name, x)
				}
			}
		}
	}
	return errors.Join(faults...)
}

// part is one of a tableau's arrays, by name.
type part struct {
	name string
	rows [][]float64
}

func (m *Tableau) parts() []part {
	one := func(v []float64) [][]float64 { return [][]float64{v} }
	return []part{{"C", one(m.C)}, {"A", m.A}, {"B", one(m.B)}, {"E", one(m.E)}, {"E2", one(m.E2)}, {"P", m.P}}
}
