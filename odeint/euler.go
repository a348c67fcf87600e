package odeint

// Euler is the explicit Euler method of order 1 (Hairer, Nørsett & Wanner,
// Solving ODEs I, I.7). Fixed steps only: it has no error estimate.
var Euler = &Tableau{
	Name:  "euler",
	C:     []float64{0},
	A:     [][]float64{{}},
	B:     []float64{1},
	Order: 1,
}
