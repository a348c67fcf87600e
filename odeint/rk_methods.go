package odeint

// Explicit Runge–Kutta methods. Those from Midpoint to Ralston and from Bosh3 on have an
// error estimate and adapt their steps; Euler, RK4 and RK38 run with fixed ones.
var (
	// Euler is the explicit Euler method of order 1 (Hairer, Nørsett & Wanner,
	// Solving ODEs I, I.7). Fixed steps only: it has no error estimate.
	Euler = &Tableau{
		Name:  "euler",
		C:     []float64{0},
		A:     [][]float64{{}},
		B:     []float64{1},
		Order: 1,
	}

	// Midpoint is Runge's explicit midpoint method of order 2 (Hairer, Nørsett &
	// Wanner, Solving ODEs I, II.1, (1.4)). Its error estimate is the difference
	// to Euler's method.
	Midpoint = &Tableau{
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
	Heun = &Tableau{
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
	Ralston = &Tableau{
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
	RK4 = &Tableau{
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
	RK38 = &Tableau{
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

	// Bosh3 is the method of order 3 with an error estimate from order 2 by
	// Bogacki and Shampine (1989, A 3(2) pair of Runge–Kutta formulas, Appl. Math.
	// Lett. 2, 321–325). Its continuous extension is the cubic Hermite interpolant,
	// as the authors advise.
	Bosh3 = bosh3

	// Dopri5 is the method of order 5 with an error estimate from order 4 by
	// Dormand and Prince (1980, A family of embedded Runge–Kutta formulae, J. Comp.
	// Appl. Math. 6, 19–26). P is Shampine's continuous extension of order 4
	// (Hairer, Nørsett & Wanner, Solving ODEs I, II.6, (6.12)), with continuous
	// slope and without further stages.
	Dopri5 = dopri5

	// Tsit5 is the method of order 5 with an error estimate from order 4 by
	// Tsitouras (2011, Runge–Kutta pairs of order 5(4) satisfying only the first
	// column simplifying assumption, Comput. Math. Appl. 62, 770–775; table 1). P is
	// his free interpolant of order 4 (§4 there), with continuous slope and without
	// further stages. The sign of the last error weight is the one that makes the
	// weights sum to zero; the table prints the other.
	Tsit5 = tsit5

	// Dop853 is the method of order 8 by Dormand and Prince with the two error
	// estimates, of orders 5 and 3, and the continuous extension of order 7 by
	// Hairer and Wanner (Hairer, Nørsett & Wanner, Solving ODEs I, II.5, II.6 and
	// II.10, and the coefficients of their program DOP853).
	//
	// Stage 13 is the first of the next step. Stages 14 to 16 are dense stages: an
	// output inside a step costs three evaluations. P is the book's nested form
	//
	//	y(θ) = y0 + θ(F0 + (1−θ)(F1 + θ(F2 + (1−θ)(F3 + θ(F4 + (1−θ)(F5 + θF6))))))
	//
	// with F0 = y1−y0, F1 = h f0 − F0, F2 = 2F0 − h(f0+f1), F3…F6 = h Σ d_i k_i, in
	// powers of θ.
	Dop853 = dop853
)

// Tableaus returns the explicit Runge–Kutta methods of this package, by rising
// order. The slice is the caller's, the methods are not.
func Tableaus() []*Tableau {
	return []*Tableau{Euler, Midpoint, Heun, Ralston, Bosh3, RK4, RK38, Dopri5, Tsit5, Dop853}
}
