package odeint

import (
	"errors"
	"fmt"

	"github.com/neuralode/neuralode/internal/butcher"
)

// ImplicitRK is an implicit Runge–Kutta method with fixed steps (Hairer, Lubich &
// Wanner, Geometric Numerical Integration, 2nd ed., II.1):
//
//	k_i     = f(t + C_i h, y_n + h Σ_j A_ij k_j)
//	y_{n+1} = y_n + h Σ_i B_i k_i
//
// The Gauss methods of this package are symmetric and symplectic for every
// Hamiltonian, separable or not. The stages are solved for at every step as
// Solver says; a step that fails ends the solve with ErrNoConvergence.
//
// A saved time inside a step is reached by a partial step of the same method
// from the step's start: it has the method's order, and does not disturb the
// steps.
type ImplicitRK struct {
	// Name is the method's usual name.
	Name string

	// C has the nodes, A the stage weights (a square matrix), B the weights of the
	// solution, none of them 0.
	C []float64
	A [][]float64
	B []float64

	// Order is the global order.
	Order int

	// Solver solves for the stages. Nil: FixedPoint{}.
	Solver StageSolver
}

// String returns the method's name.
func (m *ImplicitRK) String() string { return m.Name }

// With returns a copy of m with the stage solver s.
func (m *ImplicitRK) With(s StageSolver) *ImplicitRK {
	c := *m
	c.Solver = s
	return &c
}

// StageSolver is how the stages of an implicit method are solved for: FixedPoint
// or Newton. Both iterate on the increments L_i = h B_i k_i and by default until
// rounding stops them: every component's last change is 0 or no smaller than
// one before (Antoñana, Makazaga & Murua 2017, Reducing and monitoring
// round-off error propagation for symplectic implicit Runge–Kutta schemes, Numer.
// Algorithms 76, 861–880). A tolerance would leave a small bias in each
// step, and the energy would drift.
type StageSolver interface {
	// limits returns the tolerance and the largest number of iterations.
	limits() (tol float64, iterations int)
}

// FixedPoint iterates L_i = h B_i f(Y_i). It converges for steps well below the
// inverse of the Lipschitz constant of f, and costs one evaluation a stage and
// iteration.
type FixedPoint struct {
	// Tol ends the iteration when the largest change of the increments is below Tol
	// times the largest component of state and increments. 0: at rounding.
	Tol float64

	// MaxIter is the largest number of iterations. 0: 100.
	MaxIter int
}

// Newton is the simplified Newton iteration with the Jacobian of f at the start of
// each step, from the products of a field that is Differentiable or Forward,
// and from differences otherwise. A step costs the Jacobian and a dense LU factorisation of size stages
// times Dim. For stiff problems an ESDIRK is cheaper, and controls its steps.
type Newton struct {
	// Tol is as in FixedPoint.
	Tol float64

	// MaxIter is the largest number of iterations. 0: 20.
	MaxIter int
}

func (s FixedPoint) limits() (float64, int) { return s.Tol, orDefault(s.MaxIter, 100) }

func (s Newton) limits() (float64, int) { return s.Tol, orDefault(s.MaxIter, 20) }

func orDefault(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}

// Symmetric reports whether the method is its own inverse with −h
// (Geometric Numerical Integration, V.2.1): then it is reversible up to rounding and
// the stages' tolerance.
func (m *ImplicitRK) Symmetric() bool {
	s := len(m.B)
	for i := range s {
		for j := range s {
			if r := m.A[s-1-i][s-1-j] + m.A[i][j] - m.B[j]; !butcher.Negligible(r, 1) {
				return false
			}
		}
	}
	return true
}

// Symplectic reports whether the method preserves quadratic invariants, and so
// is symplectic: B_i A_ij + B_j A_ji = B_i B_j (Geometric Numerical Integration,
// VI.4.2).
func (m *ImplicitRK) Symplectic() bool {
	for i, bi := range m.B {
		for j, bj := range m.B {
			if r := bi*m.A[i][j] + bj*m.A[j][i] - bi*bj; !butcher.Negligible(r, 1) {
				return false
			}
		}
	}
	return true
}

func (m *ImplicitRK) validate() error {
	if m == nil {
		return errors.New("odeint: nil implicit method; use a method such as ImplicitMidpoint")
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("odeint: implicit method %q: "+format, append([]any{m.Name}, args...)...))
	}
	s := len(m.B)
	if s == 0 || len(m.C) != s || len(m.A) != s {
		fault("%d weights, %d nodes and %d rows of A; they are as many, at least 1", s, len(m.C), len(m.A))
	}
	for i, row := range m.A {
		if len(row) != s {
			fault("row %d of A has %d weights for %d stages", i, len(row), s)
		}
	}
	for i, b := range m.B {
		if b == 0 {
			fault("weight %d of B is 0; every stage needs one", i)
		}
	}
	for _, part := range []part{{"C", [][]float64{m.C}}, {"A", m.A}, {"B", [][]float64{m.B}}} {
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
	if m.Solver != nil {
		if tol, n := m.Solver.limits(); !(tol >= 0) || !finite(tol) || n < 0 {
			fault("Solver: Tol %v or MaxIter %d is negative or not finite", tol, n)
		}
	}
	return errors.Join(faults...)
}

// Check verifies the shapes, that the rows of A sum to C, and the order
// conditions for all rooted trees up to Order (8 at most).
func (m *ImplicitRK) Check() error {
	if err := m.validate(); err != nil {
		return err
	}
	for i, row := range m.A {
		if sum, ok := butcher.RowSum(row, m.C[i]); !ok {
			return fmt.Errorf("odeint: implicit method %q: row %d of A sums to C + %.3g", m.Name, i, sum)
		}
	}
	if p := butcher.NewConditions(m.A).Order(m.B); p < min(m.Order, butcher.MaxOrder) {
		return fmt.Errorf("odeint: implicit method %q has order %d, not %d", m.Name, p, m.Order)
	}
	return nil
}
