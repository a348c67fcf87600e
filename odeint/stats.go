package odeint

// Stats counts the work of a solve.
type Stats struct {
	NFE        int // evaluations of f
	VJPs       int // vector-Jacobian products; in forward solves those of Newton's Jacobian
	Drifts     int // evaluations of dq/dt alone (Separable)
	Kicks      int // evaluations of dp/dt alone
	Iterations int // of implicit methods, for the stages
	Accepted   int // accepted steps
	Rejected   int // rejected steps

	// HMin and HMax are the smallest and largest absolute size of the accepted
	// steps, those shortened to land on a time included; 0 if there were none.
	HMin, HMax float64
}

// step counts an accepted step of absolute size h.
func (s *Stats) step(h float64) {
	if s.Accepted == 0 || h < s.HMin {
		s.HMin = h
	}
	s.HMax = max(s.HMax, h)
	s.Accepted++
}
