package formula

import "fmt"

// Error says what is wrong with a formula, where, and what to try.
type Error struct {
	Line, Column int // counted from 1; 0: the whole
	Reason       string
	Remedy       string // what to try; may be empty
}

// Error says what is wrong.
func (e *Error) Error() string {
	text := "formula"
	if e.Line > 0 {
		text = fmt.Sprintf("formula: line %d, column %d", e.Line, e.Column)
	}
	text += ": " + e.Reason
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}
