package odeint

// Ralston is the two-stage method of order 2 with the smallest bound on the
// local error (Ralston 1962, Runge–Kutta methods with minimum error bounds,
// Math. Comp. 16, 431–437). Its error estimate is the difference to Euler's
// method.
var Ralston = &Tableau{
	Name: "ralston",
	C:    []float64{0, 2.0 / 3},
	A: [][]float64{
		{},
		{2.0 / 3},
	},
	B:        []float64{1.0 / 4, 3.0 / 4},
	E:        []float64{-3.0 / 4, 3.0 / 4},
	Order:    2,
	ErrOrder: 2,
}
