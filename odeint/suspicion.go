package odeint

import "fmt"

// suspicion notices where steps are rejected again and again around one time, as they are where f
// jumps: the intervals of the rejected steps have a part in common that shrinks, and accepted steps come
// up to it from before.
type suspicion struct {
	rejected int     // rejected steps around one time
	again    int     // of them after an accepted step that came nearer
	nearer   bool    // there was one
	first    float64 // size of the first of them
	lo, hi   float64 // what they have in common, in the direction of the solve
}

// A jump is suspected after so many rejected steps, of which so many after an accepted one, with so small a
// part in common.
const (
	suspectRejected = 5
	suspectAgain    = 2
	suspectShrunk   = 0.05
)

// reject takes a rejected step from a to b, times multiplied by the direction of the solve.
func (s *suspicion) reject(a, b float64) {
	if s.rejected == 0 || a >= s.hi || b <= s.lo {
		*s = suspicion{rejected: 1, first: b - a, lo: a, hi: b}
		return
	}
	s.rejected++
	if s.nearer {
		s.again++
	}
	s.lo, s.hi = max(s.lo, a), min(s.hi, b)
}

// accept takes an accepted step that ends at b, and reports whether it is the first beyond what
// seems to be a jump.
func (s *suspicion) accept(b float64) (jump bool) {
	switch {
	case s.rejected == 0:
		return false
	case b < s.hi:
		s.nearer, s.lo = true, max(s.lo, b)
		return false
	}
	jump = s.jumps()
	s.rejected = 0
	return jump
}

// jumps reports whether f seems to jump where the rejected steps were.
func (s *suspicion) jumps() bool {
	return s.rejected >= suspectRejected && s.again >= suspectAgain && s.hi-s.lo <= suspectShrunk*s.first
}

// at is where that is.
func (s *suspicion) at() float64 { return s.lo + (s.hi-s.lo)/2 }

// note counts a jump near time t.
func (s *Stats) note(t float64) {
	if s.Suspected == 0 {
		s.Suspect = t
	}
	s.Suspected++
}

// JumpError is a step that became too small around one time, before which steps were rejected again and
// again. It is an ErrStepTooSmall.
type JumpError struct {
	T float64 // near which f seems to jump
}

// Error says where.
func (e *JumpError) Error() string {
	return fmt.Sprintf("odeint: step size too small: f seems to jump near t = %v", e.T)
}

// Is reports whether target is ErrStepTooSmall.
func (e *JumpError) Is(target error) bool { return target == ErrStepTooSmall }
