package odetest

import "math"

// Detest returns the problems of DETEST, all from t = 0 to 20, except C5, whose
// constants are astronomical data. Their names are those of the paper.
func Detest() []*Problem[float64] {
	all := []*Problem[float64]{
		{Name: "A1", Y0: []float64{1}, F: func(d []float64, _ float64, y []float64) { d[0] = -y[0] }},
		{Name: "A2", Y0: []float64{1}, F: func(d []float64, _ float64, y []float64) { d[0] = -y[0] * y[0] * y[0] / 2 }},
		{Name: "A3", Y0: []float64{1}, F: func(d []float64, t float64, y []float64) { d[0] = y[0] * math.Cos(t) }},
		{Name: "A4", Y0: []float64{1}, F: func(d []float64, _ float64, y []float64) { d[0] = y[0] / 4 * (1 - y[0]/20) }},
		{Name: "A5", Y0: []float64{4}, F: func(d []float64, t float64, y []float64) { d[0] = (y[0] - t) / (y[0] + t) }},

		{Name: "B1", Y0: []float64{1, 3}, F: func(d []float64, _ float64, y []float64) {
			d[0], d[1] = 2*(y[0]-y[0]*y[1]), -(y[1] - y[0]*y[1])
		}},
		{Name: "B2", Y0: []float64{2, 0, 1}, F: func(d []float64, _ float64, y []float64) {
			d[0], d[1], d[2] = -y[0]+y[1], y[0]-2*y[1]+y[2], y[1]-y[2]
		}},
		{Name: "B3", Y0: []float64{1, 0, 0}, F: func(d []float64, _ float64, y []float64) {
			d[0], d[1], d[2] = -y[0], y[0]-y[1]*y[1], y[1]*y[1]
		}},
		{Name: "B4", Y0: []float64{3, 0, 0}, F: func(d []float64, _ float64, y []float64) {
			r := math.Hypot(y[0], y[1])
			d[0], d[1], d[2] = -y[1]-y[0]*y[2]/r, y[0]-y[1]*y[2]/r, y[0]/r
		}},
		{Name: "B5", Y0: []float64{0, 1, 1}, F: func(d []float64, _ float64, y []float64) {
			d[0], d[1], d[2] = y[1]*y[2], -y[0]*y[2], -0.51*y[0]*y[1]
		}},

		{Name: "C1", Y0: unit(10), F: func(d []float64, _ float64, y []float64) { chain(d, y, func(int) float64 { return 1 }) }},
		{Name: "C2", Y0: unit(10), F: func(d []float64, _ float64, y []float64) {
			chain(d, y, func(i int) float64 { return float64(i + 1) })
		}},
		{Name: "C3", Y0: unit(10), F: heat},
		{Name: "C4", Y0: unit(51), F: heat},

		{Name: "E1", Y0: []float64{0.6713967071418030, 0.09540051444747446}, F: func(d []float64, t float64, y []float64) {
			d[0], d[1] = y[1], -(y[1]/(t+1) + (1-0.25/((t+1)*(t+1)))*y[0])
		}},
		{Name: "E2", Y0: []float64{2, 0}, F: func(d []float64, _ float64, y []float64) {
			d[0], d[1] = y[1], (1-y[0]*y[0])*y[1]-y[0]
		}},
		{Name: "E3", Y0: []float64{0, 0}, F: func(d []float64, t float64, y []float64) {
			d[0], d[1] = y[1], y[0]*y[0]*y[0]/6-y[0]+2*math.Sin(2.78535*t)
		}},
		{Name: "E4", Y0: []float64{30, 0}, F: func(d []float64, _ float64, y []float64) {
			d[0], d[1] = y[1], 0.032-0.4*y[1]*y[1]
		}},
		{Name: "E5", Y0: []float64{0, 0}, F: func(d []float64, t float64, y []float64) {
			d[0], d[1] = y[1], math.Sqrt(1+y[1]*y[1])/(25-t)
		}},
	}
	for i, e := range []float64{0.1, 0.3, 0.5, 0.7, 0.9} {
		all = append(all, &Problem[float64]{
			Name: "D" + string(rune('1'+i)), Y0: []float64{1 - e, 0, 0, math.Sqrt((1 + e) / (1 - e))}, F: orbit[float64],
		})
	}
	for _, p := range all {
		p.T1 = 20
	}
	return all
}

func unit(n int) []float64 {
	y := make([]float64, n)
	y[0] = 1
	return y
}

// chain is radioactive decay: each component but the last decays into the next at its rate.
func chain(d, y []float64, rate func(i int) float64) {
	in := 0.0
	last := len(y) - 1
	for i, v := range y[:last] {
		out := rate(i) * v
		d[i] = in - out
		in = out
	}
	d[last] = in
}

// heat is the discretised heat equation: the matrix with the rows (1, −2, 1).
func heat(d []float64, _ float64, y []float64) {
	for i, v := range y {
		d[i] = -2 * v
		if i > 0 {
			d[i] += y[i-1]
		}
		if i < len(y)-1 {
			d[i] += y[i+1]
		}
	}
}
