package control

import "strings"

// PathError lists all that is wrong with the knots of a path.
type PathError struct {
	Faults []string // one sentence a fault
}

// Error says what is wrong.
func (e *PathError) Error() string { return "control: " + strings.Join(e.Faults, "; ") }
