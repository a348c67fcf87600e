package odeint

// Midpoint is Runge's explicit midpoint method of order 2 (Hairer, Nørsett &
// Wanner, Solving ODEs I, II.1, (1.4)). Its error estimate is the difference
// to Euler's method.
var Midpoint = &Tableau{
	Name: "midpoint",
	C:    []float64{0, 1.0 / 2},
	A: [][]float64{
		{},
		{1.0 / 2},
	},
	B:        []float64{0, 1},
	E:        []float64{-1, 1},
	Order:    2,
	ErrOrder: 2,
}
