package odeint

import (
	"errors"
	"fmt"
	"math"
)

// Auto is an explicit method that hands over to an implicit one where the problem is stiff,
// and back. A step is taken to be stiff if h times an estimate of the largest eigenvalue
// of the Jacobian is above 0.9 of the explicit method's stability interval on the negative real axis: of the
// last two stages of an explicit step (Hairer & Wanner, Solving ODEs II, IV.2), or of the
// Jacobian that the implicit method has. It hands over after more than 10 such steps in a row,
// and back after more than 3 others. Where an explicit step leaves the domain of f it hands over at
// once. A solve, and what follows a jump, begin with the explicit method.
type Auto struct {
	// NonStiff has an error estimate, is FSAL, and its last two nodes are 1, as Tsit5, Dopri5
	// and Dop853 have it. Nil: Tsit5.
	NonStiff *Tableau

	// Stiff is an ESDIRK or Rosenbrock method with an error estimate. Nil: Kvaerno5.
	Stiff Method
}

const (
	stiffFraction  = 0.9
	stepsToStiff   = 10
	stepsFromStiff = 3
)

// Methods returns the two methods, with the defaults filled in.
func (m Auto) Methods() (nonStiff *Tableau, stiff Method) {
	if m.NonStiff == nil {
		m.NonStiff = Tsit5
	}
	if m.Stiff == nil {
		m.Stiff = Kvaerno5
	}
	return m.NonStiff, m.Stiff
}

// String returns the names of the two methods, such as "auto(tsit5, kvaerno5)".
func (m Auto) String() string {
	a, b := m.Methods()
	return fmt.Sprintf("auto(%v, %v)", a, b)
}

func (m Auto) traits() traits {
	a, _ := m.Methods()
	return traits{errOrder: a.ErrOrder}
}

func (m Auto) validate() error {
	a, b := m.Methods()
	if !isStiff(b) {
		return fmt.Errorf("odeint: Auto: Stiff %v is no method for stiff problems; use one such as Kvaerno5 or Rodas5P", b)
	}
	if err := errors.Join(a.validate(), b.validate()); err != nil {
		return err
	}
	if s := len(a.B); a.E == nil || !a.FSAL() || s < 3 || a.C[s-2] != 1 {
		return fmt.Errorf("odeint: Auto: NonStiff %v has no error estimate, is not FSAL, or its last two nodes are not 1; use Tsit5, Dopri5 or Dop853", a)
	}
	if b.traits().errOrder == 0 {
		return fmt.Errorf("odeint: Auto: Stiff %v has no error estimate", b)
	}
	return nil
}

// stabilityInterval is the largest x up to which |R(−x)| ≤ 1, for the stability function
// R of an explicit method.
func stabilityInterval(m *Tableau) float64 {
	const step = 1e-3
	k := make([]float64, len(m.B))
	for x := step; ; x += step {
		y := 1.0
		for i, row := range m.A[:len(m.B)] {
			state := 1.0
			for j, a := range row {
				state += a * k[j]
			}
			k[i] = -x * state
			y += m.B[i] * k[i]
		}
		if !(math.Abs(y) <= 1) {
			return x - step
		}
	}
}
