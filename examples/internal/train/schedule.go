package train

import "math"

// Cosine is the learning rate that falls from `from`, before the first step,
// towards `to`, after the last, along half a period of a cosine (Loshchilov and
// Hutter 2017, eq. 5, without restarts).
func Cosine(from, to float64, steps int) func(step int) float64 {
	return func(step int) float64 {
		if step >= steps {
			return to
		}
		return to + (from-to)/2*(1+math.Cos(math.Pi*float64(step)/float64(steps)))
	}
}

// GrowingHorizon is how many intervals of the data a training step sees: first in the
// beginning, and all of them from step ramp on. A long oscillation fitted at once
// pulls an untrained model to its mean; fitted from its beginning, it does not.
func GrowingHorizon(first, all, ramp int) func(step int) int {
	first = min(first, all)
	return func(step int) int {
		if step >= ramp {
			return all
		}
		return first + (all-first)*step/ramp
	}
}
