package train

import "math"

// Schedule is the learning rate at a step, counted from 0.
type Schedule func(step int) float64

// Cosine is the rate that falls from `from`, at the first step, to `to`, after the
// last, along half a period of a cosine (Loshchilov and Hutter 2017, eq. 5, without
// restarts).
func Cosine(from, to float64, steps int) Schedule {
	return func(step int) float64 {
		if step >= steps {
			return to
		}
		return to + (from-to)/2*(1+math.Cos(math.Pi*float64(step)/float64(steps)))
	}
}

// Steps is the rate that begins at rate and is multiplied by factor every so many
// steps.
func Steps(rate, factor float64, every int) Schedule {
	if every < 1 {
		panic("train: Steps with an interval of less than 1")
	}
	return func(step int) float64 { return rate * math.Pow(factor, float64(step/every)) }
}

// WarmUp lets s begin with rates that rise linearly over the first steps: at step i <
// steps the rate is s(i)·(i+1)/steps.
func WarmUp(steps int, s Schedule) Schedule {
	return func(step int) float64 {
		if step < steps {
			return s(step) * float64(step+1) / float64(steps)
		}
		return s(step)
	}
}

// GrowingHorizon is how many intervals of the data a step sees, for Options.Horizon:
// first in the beginning, and all of them from step ramp on. A long oscillation
// fitted at once pulls an untrained model to its mean; fitted from its beginning, it
// does not.
func GrowingHorizon(first, all, ramp int) func(step int) int {
	first = min(first, all)
	return func(step int) int {
		if step >= ramp {
			return all
		}
		return first + (all-first)*step/ramp
	}
}
