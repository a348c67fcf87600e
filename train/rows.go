package train

import "math"

// Grid returns the n+1 times that divide the interval from 0 to end, of either sign,
// into n equal parts.
func Grid(end float64, n int) []float64 {
	t := make([]float64, n+1)
	for i := range t {
		t[i] = end * float64(i) / float64(n)
	}
	return t
}

// Column returns component j of states that stand one after the other, width numbers
// each: with the width of a batch, one component of one of its samples.
func Column[T Float](y []T, width, j int) []float64 {
	c := make([]float64, len(y)/width)
	for i := range c {
		c[i] = float64(y[i*width+j])
	}
	return c
}

// RMSE returns the root of the mean squared difference over all components whose
// target is not NaN, and NaN if there are none.
func RMSE[T Float](y, target []T) float64 {
	if len(y) != len(target) {
		panic("train: slice length mismatch")
	}
	var sum float64
	n := 0
	for i, v := range target {
		if v == v {
			e := float64(y[i]) - float64(v)
			sum += e * e
			n++
		}
	}
	return math.Sqrt(sum / float64(n))
}
