package odeint

// bosh3 has the coefficients of [Bosh3].
var bosh3 = &Tableau{
	Name: "bosh3",
	C:    []float64{0, 1.0 / 2, 3.0 / 4, 1},
	A: [][]float64{
		{},
		{1.0 / 2},
		{0, 3.0 / 4},
		{2.0 / 9, 1.0 / 3, 4.0 / 9},
	},
	B:        []float64{2.0 / 9, 1.0 / 3, 4.0 / 9, 0},
	E:        []float64{2.0/9 - 7.0/24, 1.0/3 - 1.0/4, 4.0/9 - 1.0/3, -1.0 / 8},
	Order:    3,
	ErrOrder: 3,
}
