package odeint

// Retake takes a step again: from T0, T1, H, Lo, Hi, Stiff and Y0 of s it computes Y1 and the
// stages K, with dense those of the dense output too. It returns the work done; the
// statistics of the last solve stay as they are.
//
// Y0 has the field's dimension, Y1 too, or it is nil and not wanted. K is stored in the
// step's own slice where its capacity allows, otherwise in a new one. Without dense, K ends
// with the last stage that Y1 depends on or, where Y1 is not wanted, with the last that the
// state of such a stage depends on.
//
// The result is that of the solve bit for bit for a Tableau and, without Compensated, for a
// Splitting and Tao; for an ImplicitRK and an ESDIRK up to the tolerance of the stages, whose first
// guess is another. A step of Tao needs the second copy of the state at its start in K, as
// Solution.Step has it with Stages for SaveAt.Keep; if K is empty the copies are equal.
// Other steps may be made up: with T0 and T1 exchanged, with Lo and Hi, −H, and Y1 for Y0 a
// symmetric ImplicitRK goes back.
//
// Retake must not be called during a solve. The error is that of an attempt in a solve: a
// NonFiniteError or a ConvergenceError.
func (in *Integrator[T]) Retake(s *Step[T], dense bool) (Stats, error) {
	n := in.ev.field.Dim()
	if len(s.Y0) != n || s.Y1 != nil && len(s.Y1) != n {
		panic("odeint: length of Y0 or Y1 is not the dimension of the field")
	}
	end := s.Y1 != nil
	if !end {
		s.Y1 = in.y[1]
		if &s.Y0[0] == &s.Y1[0] {
			s.Y1 = in.y[0]
		}
	}
	if _, all := in.stepper.stages(); cap(s.K) < all*n {
		s.K = append(make([]T, 0, all*n), s.K...)
	}
	before := in.stats
	in.stats = Stats{}
	in.ev.failure() // what happened before is not its failure
	err := in.stepper.retake(s, end, dense)
	in.stepper.reject()
	done := in.stats
	in.stats = before
	if !end {
		s.Y1 = nil
	}
	return done, err
}
