package odetest

import "math"

// Stiff is a stiff initial value problem of the IVP test set (Mazzia & Magherini 2008, Test
// Set for Initial Value Problem Solvers, release 2.4), autonomous from t = 0, with the state
// at T that it gives, of RADAU5 in quadruple precision.
type Stiff struct {
	Name string
	T    float64
	Y0   []float64
	Want []float64
	ATol []float64 // an error of each component that does not matter
	F    func(d []float64, t float64, y []float64)
}

// Dim is the length of the state.
func (p *Stiff) Dim() int { return len(p.Y0) }

// Eval stores the slope in d.
func (p *Stiff) Eval(d []float64, t float64, y []float64) { p.F(d, t, y) }

// Digits returns the number of right digits of y as the test set counts them for mixed
// errors (mescd): −log10 of the largest error over ATol/rtol + |y|.
func (p *Stiff) Digits(y []float64, rtol float64) float64 {
	worst := 0.0
	for i, want := range p.Want {
		worst = max(worst, math.Abs(y[i]-want)/(p.ATol[i]/rtol+math.Abs(want)))
	}
	return -math.Log10(worst)
}

func scaled(x float64, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = x
	}
	return v
}

// Robertson is the kinetics of an autocatalytic reaction (problem ROBER) up to t = 100 with
// the rates k.
func Robertson(k1, k2, k3 float64) func(d []float64, _ float64, y []float64) {
	return func(d []float64, _ float64, y []float64) {
		a, b, c := k1*y[0], k2*y[1]*y[1], k3*y[1]*y[2]
		d[0], d[1], d[2] = c-a, a-b-c, b
	}
}

// StiffProblems returns the problems, made anew.
func StiffProblems() []*Stiff {
	rober := Robertson(0.04, 3e7, 1e4)
	return []*Stiff{
		{
			Name: "vdpol", T: 2, Y0: []float64{2, 0}, ATol: scaled(1e-6, 2),
			Want: []float64{1.706167732170483, -0.8928097010247975},
			F: func(d []float64, _ float64, y []float64) {
				d[0], d[1] = y[1], ((1-y[0]*y[0])*y[1]-y[0])/1e-6
			},
		},
		{
			Name: "rober100", T: 100, Y0: []float64{1, 0, 0}, ATol: []float64{1e-6, 1e-11, 1e-6}, F: rober,
			Want: []float64{0.6172348823960878, 6.153591274639123e-6, 0.3827589640126376},
		},
		{
			Name: "rober1e11", T: 1e11, Y0: []float64{1, 0, 0}, ATol: []float64{1e-14, 1e-20, 1e-8}, F: rober,
			Want: []float64{2.083340149701255e-8, 8.333360770334713e-14, 0.9999999791665050},
		},
		{
			Name: "orego", T: 360, Y0: []float64{1, 2, 3}, ATol: scaled(1e-6, 3),
			Want: []float64{1.000814870318523, 1228.178521549917, 132.0554942846706},
			F: func(d []float64, _ float64, y []float64) {
				d[0] = 77.27 * (y[1] + y[0]*(1-8.375e-6*y[0]-y[1]))
				d[1] = (y[2] - (1+y[0])*y[1]) / 77.27
				d[2] = 0.161 * (y[0] - y[2])
			},
		},
		{
			Name: "hires", T: 321.8122, Y0: []float64{1, 0, 0, 0, 0, 0, 0, 0.0057}, ATol: scaled(1e-10, 8),
			Want: []float64{
				7.371312573325668e-4, 1.442485726316185e-4, 5.888729740967575e-5, 1.175651343283149e-3,
				2.386356198831331e-3, 6.238968252742796e-3, 2.849998395185769e-3, 2.850001604814231e-3,
			},
			F: hires,
		},
		{
			Name: "pollu", T: 60, ATol: scaled(1e-12, 20),
			Y0: []float64{1: 0.2, 3: 0.04, 6: 0.1, 7: 0.3, 8: 0.01, 16: 0.007, 19: 0},
			Want: []float64{
				0.05646255480022769, 0.1342484130422339, 4.139734331099427e-9, 5.523140207484359e-3, 2.018977262302196e-7,
				1.464541863493966e-7, 0.07784249118997964, 0.3245075353396018, 7.494013383880406e-3, 1.622293157301561e-8,
				1.135863833257075e-8, 2.230505975721359e-3, 2.087162882798630e-4, 1.396921016840158e-5, 8.964884856898295e-3,
				4.352846369330103e-18, 6.899219696263405e-3, 1.007803037365946e-4, 1.772146513969984e-6, 5.682943292316392e-5,
			},
			F: pollu,
		},
		{
			Name: "e5", T: 1e13, Y0: []float64{1.76e-3, 0, 0, 0}, ATol: scaled(1.7e-24, 4),
			Want: []float64{1.152903278711829e-291, 8.867655517642120e-23, 8.854814626268838e-23, 0},
			F: func(d []float64, _ float64, y []float64) {
				const a, b, cm, c = 7.89e-10, 1.1e7, 1.13e9, 1.13e3
				r1, r2, r3, r4 := a*y[0], b*y[0]*y[2], cm*y[1]*y[2], c*y[3]
				d[0], d[1], d[3] = -r1-r2, r1-r3, r2-r4
				d[2] = d[1] - d[3] // to the last bit: y2 = y3 + y4 is what is left of their difference
			},
		},
	}
}

func hires(d []float64, _ float64, y []float64) {
	d[0] = -1.71*y[0] + 0.43*y[1] + 8.32*y[2] + 0.0007
	d[1] = 1.71*y[0] - 8.75*y[1]
	d[2] = -10.03*y[2] + 0.43*y[3] + 0.035*y[4]
	d[3] = 8.32*y[1] + 1.71*y[2] - 1.12*y[3]
	d[4] = -1.745*y[4] + 0.43*y[5] + 0.43*y[6]
	d[5] = -280*y[5]*y[7] + 0.69*y[3] + 1.71*y[4] - 0.43*y[5] + 0.69*y[6]
	d[6] = 280*y[5]*y[7] - 1.81*y[6]
	d[7] = -280*y[5]*y[7] + 1.81*y[6]
}

func pollu(d []float64, _ float64, y []float64) {
	r := [26]float64{
		1: 0.35 * y[0], 2: 26.6 * y[1] * y[3], 3: 12300 * y[4] * y[1], 4: 8.6e-4 * y[6], 5: 8.2e-4 * y[6],
		6: 15000 * y[6] * y[5], 7: 1.3e-4 * y[8], 8: 24000 * y[8] * y[5], 9: 16500 * y[10] * y[1], 10: 9000 * y[10] * y[0],
		11: 0.022 * y[12], 12: 12000 * y[9] * y[1], 13: 1.88 * y[13], 14: 16300 * y[0] * y[5], 15: 4.8e6 * y[2],
		16: 3.5e-4 * y[3], 17: 0.0175 * y[3], 18: 1e8 * y[15], 19: 4.44e11 * y[15], 20: 1240 * y[16] * y[5],
		21: 2.1 * y[18], 22: 5.78 * y[18], 23: 0.0474 * y[0] * y[3], 24: 1780 * y[18] * y[0], 25: 3.12 * y[19],
	}
	d[0] = -r[1] - r[10] - r[14] - r[23] - r[24] + r[2] + r[3] + r[9] + r[11] + r[12] + r[22] + r[25]
	d[1] = -r[2] - r[3] - r[9] - r[12] + r[1] + r[21]
	d[2] = -r[15] + r[1] + r[17] + r[19] + r[22]
	d[3] = -r[2] - r[16] - r[17] - r[23] + r[15]
	d[4] = -r[3] + 2*r[4] + r[6] + r[7] + r[13] + r[20]
	d[5] = -r[6] - r[8] - r[14] - r[20] + r[3] + 2*r[18]
	d[6] = -r[4] - r[5] - r[6] + r[13]
	d[7] = r[4] + r[5] + r[6] + r[7]
	d[8] = -r[7] - r[8]
	d[9] = -r[12] + r[7] + r[9]
	d[10] = -r[9] - r[10] + r[8] + r[11]
	d[11] = r[9]
	d[12] = -r[11] + r[10]
	d[13] = -r[13] + r[12]
	d[14] = r[14]
	d[15] = -r[18] - r[19] + r[16]
	d[16] = -r[20]
	d[17] = r[20]
	d[18] = -r[21] - r[22] - r[24] + r[23] + r[25]
	d[19] = -r[25] + r[24]
}
