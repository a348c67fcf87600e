package odeint

import (
	"errors"
	"fmt"

	"github.com/neuralode/neuralode/internal/butcher"
)

// ESDIRK is a singly diagonally implicit Runge–Kutta method with an explicit first stage,
// for stiff problems (Kennedy & Carpenter, Diagonally implicit Runge–Kutta methods for
// ordinary differential equations: a review, NASA/TM-2016-219173):
//
//	k_i      = f(t + C_i h, y_n + h Σ_{j≤i} A_ij k_j)
//	y_{n+1}  = y_n + h Σ_j A_sj k_j, the state of the last stage
//	err      = (I − hγJ)⁻¹ h Σ_i E_i k_i
//	y(t+θh)  = y_n + h Σ_i b_i(θ) k_i,   b_i(θ) = Σ_j P_ij θ^{j+1}
//
// Every stage but the first is solved for by the simplified Newton iteration, all with one
// LU factorisation of I − hγJ. The Jacobian J = ∂f/∂y comes from the products of a field that
// is [Differentiable] or [Forward], otherwise from differences; for a [Batched] field it is a
// block for each sample. J is kept from step to step until the iteration becomes slow, the factors
// until the step size changes by more than a fifth. A step whose iteration diverges, or leaves
// the domain of f, is tried again with half the size: with adaptive steps alone.
//
// With tolerances the iteration stops at the fraction Kappa of them, with Fixed at rounding.
//
// A saved time inside a step is reached by a partial step of the same method from the
// step's start, which costs an LU factorisation and as many solutions of stages as a step: it
// has the method's order also where the problem is stiff. States from Solution.At are
// those of P, which cost nothing and have the order of P.
type ESDIRK struct {
	// Name is the method's usual name.
	Name string

	// C has the nodes. Those above 1 evaluate f beyond the end of the step, and so of the
	// solve; only where the step ends at one of the jumps it is evaluated before it.
	C []float64

	// A is lower triangular: row i has i+1 weights. The first row is {0}; the last weight of
	// all others is γ, the same for all. The last row has the weights of the solution.
	A [][]float64

	// E has the weights of the error estimate. Nil: the method runs with fixed steps only.
	E []float64

	// Explicit has the weights of the explicit companion of an additive method, with the same nodes,
	// weights of the solution, E and P: row i has at most i. On a [Split] field the method then
	// solves with the stiff part alone. Nil: none.
	Explicit [][]float64

	// P has the continuous extension, a row for each stage. Nil: the cubic Hermite
	// interpolant.
	P [][]float64

	// Predictor has the weights of the slopes before a stage that make the first guess of
	// its own: row i has at most i of them. The first two rows are not used.
	Predictor [][]float64

	// Order is the order of y_{n+1}, ErrOrder the exponent of the error estimate.
	Order, ErrOrder int

	// Kappa is the fraction of the tolerances at which Newton's iteration stops. 0: 1e-4.
	// With 0.01, which other programs have, a solve takes a fifth fewer evaluations and its
	// errors in steep places are several times larger. Gradients by adjoint.Discrete are exact up to the
	// error it leaves.
	Kappa float64

	// MaxIter is the largest number of iterations for a stage. 0: 10, and 50 with Fixed.
	MaxIter int
}

// String returns the method's name.
func (m *ESDIRK) String() string { return m.Name }

// With returns a copy of m with the given Kappa.
func (m *ESDIRK) With(kappa float64) *ESDIRK {
	c := *m
	c.Kappa = kappa
	return &c
}

// gamma is the weight on the diagonal.
func (m *ESDIRK) gamma() float64 { return m.A[1][1] }

func (m *ESDIRK) traits() traits {
	if m == nil || m.E == nil {
		return traits{}
	}
	return traits{errOrder: m.ErrOrder, keepsSize: true}
}

func (m *ESDIRK) validate() error {
	if m == nil {
		return errors.New("odeint: nil ESDIRK method; use a method such as Kvaerno5")
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("odeint: ESDIRK method %q: "+format, append([]any{m.Name}, args...)...))
	}
	s := len(m.A)
	if s < 2 {
		fault("A has %d rows; the least is 2", s)
	}
	if len(m.C) != s {
		fault("C has %d nodes for the %d rows of A", len(m.C), s)
	}
	for i, row := range m.A {
		switch {
		case len(row) != i+1:
			fault("row %d of A has %d weights; it needs %d", i, len(row), i+1)
		case i == 0 && row[0] != 0:
			fault("the first stage is not explicit: its weight is %v", row[0])
		case i > 0 && row[i] == 0:
			fault("stage %d is explicit; only the first may be", i)
		case i > 1 && len(m.A[1]) == 2 && row[i] != m.A[1][1]:
			fault("the weights %v and %v on the diagonal differ", row[i], m.A[1][1])
		}
	}
	if m.E != nil && len(m.E) != s {
		fault("E has %d weights for %d stages", len(m.E), s)
	}
	if m.E != nil && m.ErrOrder < 2 {
		fault("ErrOrder is %d; the least of an error estimate is 2", m.ErrOrder)
	}
	if m.P != nil && len(m.P) != s {
		fault("P has %d rows for %d stages", len(m.P), s)
	}
	for i, row := range m.P {
		if len(row) == 0 || len(row) != len(m.P[0]) {
			fault("row %d of P has %d coefficients; all rows need the same number, at least 1", i, len(row))
		}
	}
	if m.Explicit != nil && len(m.Explicit) != s {
		fault("Explicit has %d rows for %d stages", len(m.Explicit), s)
	}
	for i, row := range m.Explicit {
		if len(row) > i {
			fault("row %d of Explicit has %d weights; only %d slopes are known", i, len(row), i)
		}
	}
	if len(m.Predictor) > s {
		fault("Predictor has %d rows for %d stages", len(m.Predictor), s)
	}
	for i, row := range m.Predictor {
		if len(row) > i {
			fault("row %d of Predictor has %d weights; only %d slopes are known", i, len(row), i)
		}
	}
	for _, part := range []part{
		{"C", [][]float64{m.C}}, {"A", m.A}, {"E", [][]float64{m.E}}, {"P", m.P}, {"Predictor", m.Predictor}, {"Explicit", m.Explicit},
	} {
		for _, row := range part.rows {
			for j, x := range row {
				if !finite(x) {
					fault("coefficient %d in a row of %s is %v", j, part.name, x)
				}
			}
		}
	}
	if m.Order < 1 {
		fault("Order is %d; the least is 1", m.Order)
	}
	if !(m.Kappa >= 0) || !finite(m.Kappa) || m.MaxIter < 0 {
		fault("Kappa %v or MaxIter %d is negative or not finite", m.Kappa, m.MaxIter)
	}
	return errors.Join(faults...)
}

// Check verifies the shapes, that the rows of A sum to C, the order conditions for all rooted
// trees up to Order, ErrOrder, that P ends in the solution, and that P has at least the
// order Order − 1; with Explicit those of all trees with nodes of both parts.
func (m *ESDIRK) Check() error {
	if err := m.validate(); err != nil {
		return err
	}
	t := m.tableau()
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("odeint: ESDIRK method %q: "+format, append([]any{m.Name}, args...)...))
	}
	for i, row := range m.A {
		if sum, ok := butcher.RowSum(row, m.C[i]); !ok {
			fault("row %d of A sums to C + %.3g", i, sum)
		}
	}
	for i, row := range m.Explicit {
		if sum, ok := butcher.RowSum(row, m.C[i]); !ok {
			fault("row %d of Explicit sums to C + %.3g", i, sum)
		}
	}
	if m.Explicit != nil {
		if p := butcher.AdditiveOrder(m.A, m.Explicit, t.B, m.Order); p < m.Order {
			fault("with its explicit companion the order is %d, not %d", p, m.Order)
		}
		if m.E != nil && butcher.AdditiveErrorOrder(m.A, m.Explicit, m.E, m.ErrOrder-1) < m.ErrOrder-1 {
			fault("with its explicit companion the error weights give less than ErrOrder %d", m.ErrOrder)
		}
	}
	c := butcher.NewConditions(m.A)
	if p := c.Order(t.B); p < min(m.Order, butcher.MaxOrder) {
		fault("the order is %d, not %d", p, m.Order)
	}
	if m.E != nil {
		if q := c.ErrorOrder(m.E); q == 0 || q+1 != m.ErrOrder {
			fault("the error weights give ErrOrder %d, not %d", q+1, m.ErrOrder)
		}
	}
	checkDense(fault, t.P, t.B, c.DenseOrder(t.P), m.Order-1)
	return errors.Join(faults...)
}

// tableau has the weights of the solution in B and the continuous extension in P, never nil.
func (m *ESDIRK) tableau() *Tableau {
	s := len(m.A)
	t := &Tableau{Name: m.Name, B: m.A[s-1], P: m.P}
	if t.P == nil {
		t.P = hermiteOf(t.B, s-1)
	}
	return t
}
