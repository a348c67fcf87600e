package butcher

import "math"

// TimeSlope returns three times in a step, the first of which is its start, and the weights
// w of the derivative Σ w_i f(t_i) at the start: the difference formula of order 2. lo and hi
// bound the times, in the direction of the step of size h; eps is the rounding of f. The
// forward and the reverse pass of a method have to agree on them bit for bit. Where the step is
// too short for three times the weights are 0.
func TimeSlope(t0, h, lo, hi, eps float64) (t, w [3]float64) {
	// The error of the formula is (d/h)² times what the step neglects, and its rounding
	// eps·h/d times the change of the state over the step.
	d := h * math.Sqrt(math.Sqrt(eps))
	if least := 1024 * 0x1p-52 * math.Abs(t0); math.Abs(d) < least {
		d = math.Copysign(min(least, math.Abs(h)/2), h)
	}
	if lo > hi {
		lo, hi = hi, lo
	}
	for i := range t {
		t[i] = min(max(t0+float64(i)*d, lo), hi)
	}
	a, b := t[1]-t[0], t[2]-t[0]
	if a == 0 || a == b {
		return t, w
	}
	w[1], w[2] = b/(a*(b-a)), -a/(b*(b-a))
	w[0] = -(w[1] + w[2])
	return t, w
}
