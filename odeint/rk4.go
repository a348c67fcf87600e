package odeint

// RK4 is the classical Runge–Kutta method of order 4 (Kutta 1901; Hairer,
// Nørsett & Wanner, Solving ODEs I, II.1, table 1.2). Fixed steps only: it has
// no error estimate.
var RK4 = &Tableau{
	Name: "rk4",
	C:    []float64{0, 1.0 / 2, 1.0 / 2, 1},
	A: [][]float64{
		{},
		{1.0 / 2},
		{0, 1.0 / 2},
		{0, 0, 1},
	},
	B:     []float64{1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6},
	Order: 4,
}
