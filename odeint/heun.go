package odeint

// Heun is the explicit trapezoidal rule of order 2, also called Heun's method
// or improved Euler (Butcher, Numerical Methods for ODEs, 3rd ed., §232). Its
// error estimate is the difference to Euler's method.
var Heun = &Tableau{
	Name: "heun",
	C:    []float64{0, 1},
	A: [][]float64{
		{},
		{1},
	},
	B:        []float64{1.0 / 2, 1.0 / 2},
	E:        []float64{-1.0 / 2, 1.0 / 2},
	Order:    2,
	ErrOrder: 2,
}
