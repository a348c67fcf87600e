package control

import "strings"

// PathError lists all that is wrong with the knots of a path.
type PathError struct{ Faults []string }

func (e *PathError) Error() string { return "control: " + strings.Join(e.Faults, "; ") }
