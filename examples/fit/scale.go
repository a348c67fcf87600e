package main

import "math"

// scale is how a model sees time and states: τ = (t − Origin)/Unit and
// z = (y − Mean)/Spread, with log y for y if Log is set.
type scale struct {
	Log          bool
	Origin, Unit float64
	Mean, Spread []float64
}

// newScale returns the scale for the first rows of a table. Normalised, every state has
// mean 0 and standard deviation 1 there, and the unit of time is that in which
// the root mean square of the states' slopes is 1, so that a network with weights of
// the usual size can begin; otherwise only the origin of time is moved.
func newScale(d *measurements, rows int, log, normalise bool) scale {
	n := len(d.states)
	s := scale{Log: log, Origin: d.t[0], Unit: 1, Mean: make([]float64, n), Spread: make([]float64, n)}
	for k := range n {
		s.Spread[k] = 1
	}
	if !normalise {
		return s
	}
	z := s.states(d.y[:rows*n])
	var slopes float64
	count := 0
	for k := range n {
		var sum, squares float64
		present, last := 0, -1
		for i := range rows {
			if v := z[i*n+k]; !math.IsNaN(v) {
				sum += v
				present++
			}
		}
		mean := sum / float64(present)
		for i := range rows {
			if v := z[i*n+k]; !math.IsNaN(v) {
				squares += (v - mean) * (v - mean)
			}
		}
		spread := math.Sqrt(squares / float64(present))
		if spread == 0 || math.IsInf(spread, 0) || math.IsNaN(spread) {
			spread = 1 // a constant column
		}
		s.Mean[k], s.Spread[k] = mean, spread
		for i := range rows {
			if math.IsNaN(z[i*n+k]) {
				continue
			}
			if last >= 0 {
				slope := (z[i*n+k] - z[last*n+k]) / spread / (d.t[i] - d.t[last])
				slopes += slope * slope
				count++
			}
			last = i
		}
	}
	if unit := math.Sqrt(float64(count) / slopes); unit > 0 && !math.IsInf(unit, 0) {
		s.Unit = unit
	}
	return s
}

// times returns the τ of times.
func (s *scale) times(t []float64) []float64 {
	tau := make([]float64, len(t))
	for i, v := range t {
		tau[i] = (v - s.Origin) / s.Unit
	}
	return tau
}

// states returns the z of rows of states.
func (s *scale) states(y []float64) []float64 {
	z := make([]float64, len(y))
	for i, v := range y {
		k := i % len(s.Mean)
		if s.Log {
			v = math.Log(v)
		}
		z[i] = (v - s.Mean[k]) / s.Spread[k]
	}
	return z
}

// inverse returns the rows of states whose z are given.
func (s *scale) inverse(z []float64) []float64 {
	y := make([]float64, len(z))
	for i, v := range z {
		k := i % len(s.Mean)
		y[i] = s.Mean[k] + s.Spread[k]*v
		if s.Log {
			y[i] = math.Exp(y[i])
		}
	}
	return y
}
