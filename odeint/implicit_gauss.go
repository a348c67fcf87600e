package odeint

const (
	sqrt3  = 1.7320508075688772935274463415058723669428
	sqrt15 = 3.8729833462074168851792653997823996108329
)

// The Gauss methods are the collocation methods at the roots of the Legendre
// polynomials: order 2s with s stages, symmetric and symplectic (Hairer, Lubich &
// Wanner, Geometric Numerical Integration, II.1.3 and table 1.1).
var (
	// ImplicitMidpoint is the Gauss method of order 2: y1 = y0 + h f(t+h/2, (y0+y1)/2).
	ImplicitMidpoint = &ImplicitRK{
		Name:  "implicit-midpoint",
		C:     []float64{1.0 / 2},
		A:     [][]float64{{1.0 / 2}},
		B:     []float64{1},
		Order: 2,
	}

	// GaussLegendre4 is the Gauss method of order 4, with two stages.
	GaussLegendre4 = &ImplicitRK{
		Name: "gauss-legendre4",
		C:    []float64{1.0/2 - sqrt3/6, 1.0/2 + sqrt3/6},
		A: [][]float64{
			{1.0 / 4, 1.0/4 - sqrt3/6},
			{1.0/4 + sqrt3/6, 1.0 / 4},
		},
		B:     []float64{1.0 / 2, 1.0 / 2},
		Order: 4,
	}

	// GaussLegendre6 is the Gauss method of order 6, with three stages.
	GaussLegendre6 = &ImplicitRK{
		Name: "gauss-legendre6",
		C:    []float64{1.0/2 - sqrt15/10, 1.0 / 2, 1.0/2 + sqrt15/10},
		A: [][]float64{
			{5.0 / 36, 2.0/9 - sqrt15/15, 5.0/36 - sqrt15/30},
			{5.0/36 + sqrt15/24, 2.0 / 9, 5.0/36 - sqrt15/24},
			{5.0/36 + sqrt15/30, 2.0/9 + sqrt15/15, 5.0 / 36},
		},
		B:     []float64{5.0 / 18, 4.0 / 9, 5.0 / 18},
		Order: 6,
	}
)

// ImplicitRKs returns the implicit Runge–Kutta methods of this package, by
// rising order. The slice is the caller's, the methods are not.
func ImplicitRKs() []*ImplicitRK {
	return []*ImplicitRK{ImplicitMidpoint, GaussLegendre4, GaussLegendre6}
}
