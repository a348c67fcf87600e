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
