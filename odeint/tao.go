package odeint

import (
	"errors"
	"fmt"
)

// Tao is the explicit symplectic method for any Hamiltonian H(q, p), separable or
// not, by Tao (2016, Explicit symplectic approximation of nonseparable
// Hamiltonians: algorithm and long time performance, Phys. Rev. E 94, 043303). It works
// on two copies of the state, (q, p) and (x, y), and composes the exact flows of
//
//	H(q, y),   H(x, p),   ω/2 (|q−x|² + |p−y|²)
//
// The third, a rotation by the angle 2ωh, keeps the copies together. Both start
// at y0; the solution is the first. The method is symplectic in the doubled
// space, and the energy error is bounded while ω is large enough and h small enough
// for it: ωh well below 1 for order 2.
//
// A step costs three evaluations of f for each composed step of order 2. The field
// has pairs (q, p) in each sample, as Batched says. A saved time inside a step is reached by a
// partial step from the step's start. Above order 2, f is evaluated at times outside the
// step too, and a solve across a jump (Options.Jumps, Discontinuous) is refused.
type Tao struct {
	// Omega is ω, in units of one over time. It has no default: several times the
	// problem's fastest frequency is a start, and the energy error says the rest.
	Omega float64

	// Order is 2, or 4, 6 or 8 by composition: three steps of order 2 (Yoshida 1990), nine
	// or seventeen (Kahan & Li 1997). 0: 2.
	Order int
}

// String returns "tao" with the order.
func (m *Tao) String() string { return fmt.Sprintf("tao%d", orDefault(m.Order, 2)) }

func (m *Tao) validate() error {
	if m == nil {
		return errors.New("odeint: nil method; use &Tao{Omega: …}")
	}
	var faults []error
	if !(m.Omega > 0) || !finite(m.Omega) {
		faults = append(faults, fmt.Errorf("odeint: Tao: Omega is %v; it has to be positive, several times the fastest frequency", m.Omega))
	}
	if m.Sizes() == nil {
		faults = append(faults, fmt.Errorf("odeint: Tao: Order is %d; there are 2, 4, 6 and 8", m.Order))
	}
	return errors.Join(faults...)
}

// Sizes returns the sizes of the composed steps of order 2, as fractions of the step.
// It is nil if there is no such Order.
func (m *Tao) Sizes() []float64 {
	of := func(s *Splitting) []float64 { return s.Kick[:len(s.Kick)-1] }
	switch m.Order {
	case 0, 2:
		return []float64{1}
	case 4:
		return of(Yoshida4)
	case 6:
		return of(KahanLi6)
	case 8:
		return of(KahanLi8)
	}
	return nil
}
