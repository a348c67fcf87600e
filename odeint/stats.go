package odeint

import (
	"fmt"
	"strings"
)

// Stats counts the work of a solve.
type Stats struct {
	NFE        int // evaluations of f
	VJPs       int // vector-Jacobian products; in forward solves those of Newton's Jacobian
	JVPs       int // Jacobian-vector products, of Newton's Jacobian
	Drifts     int // evaluations of dq/dt alone (Separable)
	Kicks      int // evaluations of dp/dt alone
	Iterations int // of implicit methods, for the stages
	Jacobians  int // Jacobians ∂f/∂y computed for Newton's iteration
	LUs        int // matrices of ESDIRK methods factorised; a batch is one
	Switches   int // how often Auto handed over from one method to the other
	Diverged   int // steps in which Newton's iteration failed and that were tried again, shorter; they are among Rejected
	Events     int // events that happened
	Conditions int // evaluations of the conditions of events
	Accepted   int // accepted steps
	Rejected   int // rejected steps

	// Suspected is how often steps were rejected again and again around one time, as they are where f jumps; Suspect
	// is the first such time. Declare it in Options.Jumps, or as an Event if it depends on the state: steps are
	// then fewer, and gradients of it are right.
	Suspected int
	Suspect   float64

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

// Add adds what another solve counted; HMin and HMax are then over the steps of both.
func (s *Stats) Add(o *Stats) {
	if o.Accepted > 0 {
		if s.Accepted == 0 || o.HMin < s.HMin {
			s.HMin = o.HMin
		}
		s.HMax = max(s.HMax, o.HMax)
	}
	s.NFE += o.NFE
	s.VJPs += o.VJPs
	s.JVPs += o.JVPs
	s.Drifts += o.Drifts
	s.Kicks += o.Kicks
	s.Iterations += o.Iterations
	s.Jacobians += o.Jacobians
	s.LUs += o.LUs
	s.Switches += o.Switches
	s.Diverged += o.Diverged
	s.Events += o.Events
	s.Conditions += o.Conditions
	if s.Suspected == 0 {
		s.Suspect = o.Suspect
	}
	s.Suspected += o.Suspected
	s.Accepted += o.Accepted
	s.Rejected += o.Rejected
}

// String lists what was counted, such as "12 steps from 0.03 to 1.2, 2 rejected, 85 f".
func (s Stats) String() string {
	var parts []string
	steps := fmt.Sprintf("%d steps", s.Accepted)
	switch {
	case s.Accepted > 0 && s.HMin == s.HMax:
		steps += fmt.Sprintf(" of %.3g", s.HMin)
	case s.Accepted > 0:
		steps += fmt.Sprintf(" from %.3g to %.3g", s.HMin, s.HMax)
	}
	parts = append(parts, steps)
	for _, c := range []struct {
		n    int
		what string
	}{
		{s.Rejected, "rejected"}, {s.NFE, "f"}, {s.VJPs, "VJPs"}, {s.JVPs, "JVPs"},
		{s.Drifts, "drifts"}, {s.Kicks, "kicks"}, {s.Iterations, "iterations"},
		{s.Jacobians, "Jacobians"}, {s.LUs, "LUs"}, {s.Diverged, "diverged"}, {s.Switches, "switches"}, {s.Events, "events"}, {s.Conditions, "conditions"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if s.Suspected > 0 {
		parts = append(parts, fmt.Sprintf("f seems to jump near t = %.6g: declare it in Jumps or as an Event", s.Suspect))
	}
	return strings.Join(parts, ", ")
}
