package odeint

// Step is one accepted step, as the solve took it. The slices belong to the
// Solution.
type Step[T Float] struct {
	T0, T1 float64 // the ends, in the direction of integration
	H      float64 // signed step size, T1 − T0 up to rounding

	// Lo and Hi bound the times at which f was evaluated. They are T0 and T1, or the
	// neighbouring number inside the step where that end is a jump.
	Lo, Hi float64

	Y0, Y1 []T // the states at the ends

	// K has the stages, a row of Dim each: all of the step, and the dense stages
	// if they were evaluated. Nil for methods that are not tableaus.
	K []T
}

// StageTime returns the time at which the stage with node c was evaluated.
func (s *Step[T]) StageTime(c float64) float64 {
	t := s.T0 + c*s.H
	switch {
	case c == 0:
		t = s.T0
	case c == 1:
		t = s.T1
	}
	lo, hi := s.Lo, s.Hi
	if lo > hi {
		lo, hi = hi, lo
	}
	return min(max(t, lo), hi)
}
