package odeint

// RK38 is Kutta's 3/8-rule of order 4 (Kutta 1901; Hairer, Nørsett & Wanner,
// Solving ODEs I, II.1, table 1.2). Fixed steps only: it has no error estimate.
var RK38 = &Tableau{
	Name: "rk38",
	C:    []float64{0, 1.0 / 3, 2.0 / 3, 1},
	A: [][]float64{
		{},
		{1.0 / 3},
		{-1.0 / 3, 1},
		{1, -1, 1},
	},
	B:     []float64{1.0 / 8, 3.0 / 8, 3.0 / 8, 1.0 / 8},
	Order: 4,
}
