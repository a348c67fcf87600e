package train

import "math"

// MSE returns the mean over rows of the squared error summed over a row, each row of
// width components: the paper's loss (2.2), where a row is the state of one
// trajectory at one time. Unless dy is nil, the loss's gradient by y is stored there.
//
// A target that is NaN is missing: it counts for nothing, and the mean is that of
// the targets that are there. Without any, the loss is 0.
func MSE(dy, y, target []float64, width int) float64 {
	if len(y) != len(target) || dy != nil && len(dy) != len(y) {
		panic("train: slice length mismatch")
	}
	present := 0
	for _, v := range target {
		if !math.IsNaN(v) {
			present++
		}
	}
	var loss float64
	weight := float64(width) / float64(max(present, 1))
	for i, v := range target {
		var e float64
		if !math.IsNaN(v) {
			e = y[i] - v
		}
		loss += weight * e * e
		if dy != nil {
			dy[i] = 2 * weight * e
		}
	}
	return loss
}

// RMSE returns the root of the mean squared difference over all components whose
// target is not NaN, and NaN if there are none.
func RMSE(y, target []float64) float64 {
	if len(y) != len(target) {
		panic("train: slice length mismatch")
	}
	var sum float64
	n := 0
	for i, v := range target {
		if !math.IsNaN(v) {
			sum += (y[i] - v) * (y[i] - v)
			n++
		}
	}
	return math.Sqrt(sum / float64(n))
}
