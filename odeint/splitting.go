package odeint

import (
	"errors"
	"fmt"
	"math"

	"github.com/neuralode/neuralode/internal/butcher"
)

// Splitting is an explicit symplectic method for a separable Hamiltonian
// H = T(p, t) + V(q, t), or for any field whose dq/dt depends on p alone and
// dp/dt on q alone: a step is a chain of exact flows of the two halves (Hairer,
// Lubich & Wanner, Geometric Numerical Integration, 2nd ed., II.5),
//
//	q += Drift_i h ∂T/∂p (p),  p −= Kick_i h ∂V/∂q (q),   i = 1, 2, …
//
// The field must be Separable. Steps are of fixed size: a symplectic method
// keeps its energy error bounded only while h stays the same.
//
// Each half has its own time, which runs with the other half: a kick sees the
// time t + h Σ Drift so far, a drift t + h Σ Kick so far. That keeps the order
// for fields that depend on time. Methods of order 3 and more have negative
// coefficients: some of these times lie outside the step. A solve across a jump
// (Options.Jumps, Discontinuous) refuses those.
//
// A saved time inside a step is reached by a partial step of the same method
// from the step's start: it has the method's order, and does not disturb the
// steps.
type Splitting struct {
	// Name is the method's usual name, such as "verlet".
	Name string

	// Drift and Kick are of equal length. A flow with coefficient 0 is left out,
	// so that a method may begin with a kick or end with a drift.
	Drift, Kick []float64

	// Order is the global order.
	Order int

	// Quadratic restricts the order to a kinetic energy that is quadratic in p
	// and free of t, so that the drift is linear. For others it is lower.
	Quadratic bool
}

// String returns the method's name.
func (m *Splitting) String() string { return m.Name }

// Symmetric reports whether the method is its own inverse with −h: the flows
// read the same backwards. Such a method is reversible up to rounding.
func (m *Splitting) Symmetric() bool {
	flows := m.Flows()
	for i, f := range flows {
		if g := flows[len(flows)-1-i]; f.Kick != g.Kick || f.Weight != g.Weight {
			return false
		}
	}
	return true
}

// Flow is one factor of a Splitting: the state of one half moves along the slope of
// the other by Weight times the step.
type Flow struct {
	Kick   bool    // dp/dt from q; otherwise dq/dt from p
	Weight float64 // Kick_i or Drift_i
	At     float64 // fraction of the step at which the slope is evaluated
}

// Flows lists the factors of a step in the order they are applied.
func (m *Splitting) Flows() []Flow {
	var flows []Flow
	var drifted, kicked float64
	for i, d := range m.Drift {
		if d != 0 {
			flows = append(flows, Flow{Kick: false, Weight: d, At: butcher.SnapToInteger(kicked)})
			drifted += d
		}
		if k := m.Kick[i]; k != 0 {
			flows = append(flows, Flow{Kick: true, Weight: k, At: butcher.SnapToInteger(drifted)})
			kicked += k
		}
	}
	return flows
}

// FSAL reports whether a step begins and ends with a kick, or begins and ends
// with a drift, so that the first evaluation of a step is the last one of the
// step before. Symmetric methods are of this kind.
func (m *Splitting) FSAL() bool {
	flows := m.Flows()
	n := len(flows)
	return n > 1 && flows[0].Kick == flows[n-1].Kick
}

func (m *Splitting) validate() error {
	if m == nil {
		return errors.New("odeint: nil splitting; use a method such as VelocityVerlet")
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("odeint: splitting %q: "+format, append([]any{m.Name}, args...)...))
	}
	if len(m.Drift) != len(m.Kick) || len(m.Drift) == 0 {
		fault("%d drifts and %d kicks; they go in pairs, at least one", len(m.Drift), len(m.Kick))
	}
	for _, half := range []part{{"Drift", [][]float64{m.Drift}}, {"Kick", [][]float64{m.Kick}}} {
		sum := 0.0
		for _, x := range half.rows[0] {
			sum += x
		}
		if !(math.Abs(sum-1) < 1e-9) {
			fault("%s sums to %v, not 1", half.name, sum)
		}
	}
	if m.Order < 1 {
		fault("Order is %d; the least is 1", m.Order)
	}
	return errors.Join(faults...)
}

// Check verifies the order conditions up to Order (8 at most): those of the
// partitioned Runge–Kutta method the splitting is (Geometric Numerical
// Integration, III.2), two for every rooted tree, whose nodes are drifts and
// kicks alternately. With Quadratic the trees are left out in which a drift has more
// than one child.
func (m *Splitting) Check() error {
	if err := m.validate(); err != nil {
		return err
	}
	if p := m.order(); p < min(m.Order, butcher.MaxOrder) {
		return fmt.Errorf("odeint: splitting %q has order %d, not %d", m.Name, p, m.Order)
	}
	return nil
}

func (m *Splitting) order() int {
	s := len(m.Drift)
	drifted, kicked := make([][]float64, s), make([][]float64, s)
	for i := range s {
		drifted[i] = m.Drift[:i+1] // the q a kick sees
		kicked[i] = m.Kick[:i]     // the p a drift sees
	}
	return butcher.PartitionedOrder(drifted, m.Drift, kicked, m.Kick, m.Quadratic)
}
