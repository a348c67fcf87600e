package table

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error says what is wrong with a table, where, and what to try.
type Error struct {
	File   string
	Line   int    // counted from 1; 0: the table as a whole
	Column string // its name; may be empty
	Reason string
	Remedy string // what to try; may be empty
}

// Error says what is wrong.
func (e *Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s += ":" + strconv.Itoa(e.Line)
	}
	if s != "" {
		s += ": "
	}
	if e.Column != "" {
		s += fmt.Sprintf("column %s: ", quote(e.Column))
	}
	s += e.Reason
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// quote quotes a text of the table for a message, and shortens it.
func quote(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return strconv.Quote(s)
	}
	n := 0
	for i := range s {
		if n++; n > most {
			return strconv.Quote(s[:i]+"…") + fmt.Sprintf(" (%d bytes)", len(s))
		}
	}
	return strconv.Quote(s)
}

// list names columns for a message, the first few of them.
func list(names []string) string {
	const most = 12
	var b strings.Builder
	for i, n := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strings.Trim(quote(n), `"`))
	}
	return b.String()
}
