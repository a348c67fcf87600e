package odeint

import "math"

// Splittings: symplectic methods for separable Hamiltonians, at fixed steps.
var (
	// SymplecticEuler is the method of order 1 that kicks, then drifts: p moves with
	// the old q, q with the new p. Also called semi-implicit Euler (Hairer, Lubich &
	// Wanner, Geometric Numerical Integration, I.1.2).
	SymplecticEuler = &Splitting{
		Name:  "symplectic-euler",
		Drift: []float64{0, 1},
		Kick:  []float64{1, 0},
		Order: 1,
	}

	// SymplecticEulerDrift is the other symplectic Euler method, the adjoint of
	// SymplecticEuler: it drifts, then kicks with the new q.
	SymplecticEulerDrift = &Splitting{
		Name:  "symplectic-euler-drift",
		Drift: []float64{1},
		Kick:  []float64{1},
		Order: 1,
	}

	// VelocityVerlet is the Störmer–Verlet method of order 2 that kicks, drifts and
	// kicks, also called leapfrog (Geometric Numerical Integration, I.1.4). It costs
	// one evaluation of each half a step.
	VelocityVerlet = &Splitting{
		Name:  "velocity-verlet",
		Drift: []float64{0, 1},
		Kick:  []float64{1.0 / 2, 1.0 / 2},
		Order: 2,
	}

	// PositionVerlet is the Störmer–Verlet method of order 2 that drifts, kicks and
	// drifts, the other leapfrog.
	PositionVerlet = &Splitting{
		Name:  "position-verlet",
		Drift: []float64{1.0 / 2, 1.0 / 2},
		Kick:  []float64{1, 0},
		Order: 2,
	}

	// McLachlanAtela2 is the two-stage method of order 2 with the smallest error
	// constants (McLachlan & Atela 1992, The accuracy of symplectic integrators,
	// Nonlinearity 5, 541–562). It is not symmetric.
	McLachlanAtela2 = &Splitting{
		Name:  "mclachlan-atela2",
		Drift: []float64{0, math.Sqrt2 / 2, 1 - math.Sqrt2/2},
		Kick:  []float64{1 - math.Sqrt2/2, math.Sqrt2 / 2, 0},
		Order: 2,
	}

	// Ruth3 is the three-stage method of order 3 by Ruth (1983, A canonical
	// integration technique, IEEE Trans. Nucl. Sci. 30, 2669–2671). It is not
	// symmetric.
	Ruth3 = &Splitting{
		Name:  "ruth3",
		Drift: []float64{0, 2.0 / 3, -2.0 / 3, 1},
		Kick:  []float64{7.0 / 24, 3.0 / 4, -1.0 / 24, 0},
		Order: 3,
	}

	// McLachlanAtela4 is the four-stage method of order 4 with small error constants
	// for quadratic kinetic energies, and of order 3 for others (McLachlan & Atela
	// 1992, table 2). It is not symmetric.
	McLachlanAtela4 = &Splitting{
		Name:  "mclachlan-atela4",
		Drift: []float64{0, 0.5153528374311229364, -0.085782019412973646, 0.4415830236164665242, 0.1288461583653841854},
		Kick:  []float64{0.1344961992774310892, -0.2248198030794208058, 0.7563200005156682911, 0.3340036032863214255, 0},
		Order: 4, Quadratic: true,
	}

	// BlanesMoan4 is the symmetric six-stage method of order 4 with very small error
	// constants by Blanes and Moan (2002, Practical symplectic partitioned
	// Runge–Kutta and Runge–Kutta–Nyström methods, J. Comp. Appl. Math. 142,
	// 313–330, table 2, S6). At equal cost its error is tens of times smaller than
	// that of Yoshida4.
	BlanesMoan4 = &Splitting{
		Name: "blanes-moan4",
		Drift: []float64{
			0.0792036964311957, 0.353172906049774, -0.0420650803577195, 1 - 2*(0.0792036964311957+0.353172906049774-0.0420650803577195),
			-0.0420650803577195, 0.353172906049774, 0.0792036964311957,
		},
		Kick: []float64{
			0.209515106613362, -0.143851773179818, 0.5 - (0.209515106613362 - 0.143851773179818),
			0.5 - (0.209515106613362 - 0.143851773179818), -0.143851773179818, 0.209515106613362, 0,
		},
		Order: 4,
	}

	// Yoshida4 is the triple jump of order 4 by Forest and Ruth (1990, Fourth-order
	// symplectic integration, Physica D 43, 105–117) and Yoshida (1990, Construction
	// of higher order symplectic integrators, Phys. Lett. A 150, 262–268): position
	// Verlet with the sizes γ, 1−2γ, γ, where γ = 1/(2−2^{1/3}).
	Yoshida4 = composition("yoshida4", 4, gamma4, 1-2*gamma4)

	// Yoshida6 is the composition of order 6 of seven Verlet steps, solution A of
	// Yoshida (1990, table 1).
	Yoshida6 = composition("yoshida6", 6,
		0.784513610477557263819497633866, 0.235573213359358133684793182978, -1.17767998417887100694641568096,
		1-2*(0.784513610477557263819497633866+0.235573213359358133684793182978-1.17767998417887100694641568096),
	)

	// KahanLi6 is the composition of order 6 of nine Verlet steps by Kahan and Li
	// (1997, Composition constants for raising the orders of unconventional schemes,
	// Math. Comp. 66, 1089–1099; Geometric Numerical Integration, V.3.2, (3.10)). It
	// is somewhat more accurate than Yoshida6 at equal cost.
	KahanLi6 = composition("kahan-li6", 6,
		0.39216144400731413927925056, 0.33259913678935943859974864, -0.70624617255763935980996482,
		0.08221359629355080023149045, 0.79854399093482996339895035,
	)

	// KahanLi8 is the composition of order 8 of seventeen Verlet steps by Kahan and Li
	// (1997; Geometric Numerical Integration, V.3.2, (3.12)).
	KahanLi8 = composition("kahan-li8", 8,
		0.13020248308889008087881763, 0.56116298177510838456196441, -0.38947496264484728640807860,
		0.15884190655515560089621075, -0.39590389413323757733623154, 0.18453964097831570709183254,
		0.25837438768632204729397911, 0.29501172360931029887096624, -0.60550853383003451169892108,
	)
)

// Splittings returns the splittings of this package, by rising order. The slice is the
// caller's, the methods are not.
func Splittings() []*Splitting {
	return []*Splitting{
		SymplecticEuler, SymplecticEulerDrift, VelocityVerlet, PositionVerlet, McLachlanAtela2, Ruth3,
		McLachlanAtela4, BlanesMoan4, Yoshida4, Yoshida6, KahanLi6, KahanLi8,
	}
}

const gamma4 = 1.3512071919596576340476878089715

// composition is the symmetric composition of position Verlet steps of sizes γ_i h;
// gamma has the first half of them and the middle one.
func composition(name string, order int, gamma ...float64) *Splitting {
	m := &Splitting{Name: name, Order: order}
	m.Kick = append(m.Kick, gamma...)
	for i := len(gamma) - 2; i >= 0; i-- {
		m.Kick = append(m.Kick, gamma[i])
	}
	before := 0.0
	for _, g := range m.Kick {
		m.Drift = append(m.Drift, (before+g)/2)
		before = g
	}
	m.Drift, m.Kick = append(m.Drift, before/2), append(m.Kick, 0)
	return m
}
