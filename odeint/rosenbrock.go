package odeint

import (
	"errors"
	"fmt"

	"github.com/neuralode/neuralode/internal/butcher"
)

// Rosenbrock is a Rosenbrock method, for stiff problems: it solves a linear system for each
// stage, all with one matrix, and iterates nothing (Hairer & Wanner, Solving Ordinary
// Differential Equations II, IV.7, in the variables u_i = h k_i of (7.25)):
//
//	(I − hγJ) k_i = γ (f(t + Alpha_i h, y_n + h Σ_{j<i} A_ij k_j) + Σ_{j<i} C_ij k_j + D_i h f_t)
//	y_{n+1}       = y_n + h Σ_i B_i k_i
//	err           = h Σ_i E_i k_i
//	y(t+θh)       = y_n + h Σ_i b_i(θ) k_i,   b_i(θ) = Σ_j P_ij θ^{j+1}
//
// J = ∂f/∂y and f_t = ∂f/∂t belong to the start of the step, and are part of the method: it has
// its order only with them. J is computed for every accepted step, as for [ESDIRK] a block for each
// sample of a [Batched] field. f_t comes from two more evaluations of f within the step,
// or one if f turns out not to have moved, unless the field is [Autonomous].
//
// A step that leaves the domain of f, or whose matrix is singular, is tried again with half the
// size: with adaptive steps alone.
type Rosenbrock struct {
	// Name is the method's usual name.
	Name string

	// Gamma is γ.
	Gamma float64

	// Alpha has the nodes, D the weights of ∂f/∂t.
	Alpha, D []float64

	// A and C are strictly lower triangular: row i has i weights.
	A, C [][]float64

	// B has the weights of the solution.
	B []float64

	// E has the weights of the error estimate. Nil: the method runs with fixed steps only.
	E []float64

	// P has the continuous extension, a row for each stage.
	P [][]float64

	// Order is the order of y_{n+1}, ErrOrder the exponent of the error estimate.
	Order, ErrOrder int
}

// String returns the method's name.
func (m *Rosenbrock) String() string { return m.Name }

func (m *Rosenbrock) traits() traits {
	if m == nil || m.E == nil {
		return traits{}
	}
	return traits{errOrder: m.ErrOrder}
}

func (m *Rosenbrock) validate() error {
	if m == nil {
		return errors.New("odeint: nil Rosenbrock method; use a method such as Rodas5P")
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("odeint: Rosenbrock method %q: "+format, append([]any{m.Name}, args...)...))
	}
	s := len(m.B)
	if s == 0 {
		fault("B is empty; it needs a weight for each stage")
	}
	for _, v := range []struct {
		name string
		n    int
	}{{"Alpha", len(m.Alpha)}, {"D", len(m.D)}, {"A", len(m.A)}, {"C", len(m.C)}, {"P", len(m.P)}, {"E", len(m.E)}} {
		if v.n != s && (v.name != "E" || m.E != nil) {
			fault("%s has %d entries for %d stages", v.name, v.n, s)
		}
	}
	for _, p := range []part{{"A", m.A}, {"C", m.C}} {
		for i, row := range p.rows {
			if len(row) != i {
				fault("row %d of %s has %d weights; it needs %d", i, p.name, len(row), i)
			}
		}
	}
	for i, row := range m.P {
		if len(row) == 0 || len(row) != len(m.P[0]) {
			fault("row %d of P has %d coefficients; all rows need the same number, at least 1", i, len(row))
		}
	}
	for _, p := range []part{
		{"Alpha", [][]float64{m.Alpha}}, {"D", [][]float64{m.D}}, {"A", m.A}, {"C", m.C}, {"B", [][]float64{m.B}},
		{"E", [][]float64{m.E}}, {"P", m.P}, {"Gamma", [][]float64{{m.Gamma}}},
	} {
		for _, row := range p.rows {
			for j, x := range row {
				if !finite(x) {
					fault("coefficient %d in a row of %s is %v", j, p.name, x)
				}
			}
		}
	}
	if m.Gamma == 0 {
		fault("Gamma is 0, and nothing implicit")
	}
	for i, a := range m.Alpha {
		if a < 0 || a > 1 || i == 0 && a != 0 {
			fault("the node %d is %v; the first is 0, the others are from 0 to 1", i, a)
		}
	}
	if m.E != nil && m.ErrOrder < 2 {
		fault("ErrOrder is %d; the least of an error estimate is 2", m.ErrOrder)
	}
	if m.Order < 1 {
		fault("Order is %d; the least is 1", m.Order)
	}
	return errors.Join(faults...)
}

// Check verifies the shapes, that Alpha and D are what A and C say, the order conditions of
// Rosenbrock methods for all rooted trees up to Order, ErrOrder, that P ends in the
// solution, and that P has at least the order Order − 1.
func (m *Rosenbrock) Check() error {
	if err := m.validate(); err != nil {
		return err
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("odeint: Rosenbrock method %q: "+format, append([]any{m.Name}, args...)...))
	}
	// The stages are sums of slopes in which J has the weights gamma.
	gamma := m.gammas()
	alpha, beta := product(m.A, gamma), product(m.A, gamma)
	for i, row := range alpha {
		if sum, ok := butcher.RowSum(row, m.Alpha[i]); !ok {
			fault("row %d of A makes the node Alpha + %.3g", i, sum)
		}
		if sum, ok := butcher.RowSum(gamma[i], m.D[i]); !ok {
			fault("row %d of C makes the weight D + %.3g", i, sum)
		}
		for j := range beta[i] {
			beta[i][j] += gamma[i][j]
		}
	}
	c := butcher.NewRosenbrockConditions(alpha, beta, gamma)
	if p := c.Order(m.B); p < min(m.Order, butcher.MaxOrder) {
		fault("B has order %d, not %d", p, m.Order)
	}
	if m.E != nil {
		if q := c.ErrorOrder(m.E); q == 0 || q+1 != m.ErrOrder {
			fault("the error weights give ErrOrder %d, not %d", q+1, m.ErrOrder)
		}
	}
	checkDense(fault, m.P, m.B, c.DenseOrder(m.P), m.Order-1)
	return errors.Join(faults...)
}

// gammas returns the matrix (γ_ij) of the method, (I/γ − C)⁻¹.
func (m *Rosenbrock) gammas() [][]float64 {
	g := make([][]float64, len(m.B))
	for i := range g {
		g[i] = make([]float64, len(m.B))
		g[i][i] = m.Gamma
		for j, c := range m.C[i] {
			for k := range j + 1 {
				g[i][k] += m.Gamma * c * g[j][k]
			}
		}
	}
	return g
}

// product multiplies rows, which may be short, by a square matrix.
func product(rows, by [][]float64) [][]float64 {
	p := make([][]float64, len(rows))
	for i, row := range rows {
		p[i] = make([]float64, len(by))
		for j, a := range row {
			for k, b := range by[j] {
				p[i][k] += a * b
			}
		}
	}
	return p
}
