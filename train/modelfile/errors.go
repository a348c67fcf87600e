package modelfile

import (
	"errors"
	"strings"
)

// Error says what is wrong with a file, where, and what to try.
type Error struct {
	Path   string // the file; empty for a stream
	Part   string // of the file: "header", "tensor net/W0", "description: hidden[2]"; may be empty
	Reason string
	Remedy string // what to try; may be empty
	Err    error  // the cause, if there is one
}

// Error says what is wrong.
func (e *Error) Error() string {
	var b strings.Builder
	for _, s := range []string{e.Path, e.Part} {
		if s != "" {
			b.WriteString(s)
			b.WriteString(": ")
		}
	}
	b.WriteString(e.Reason)
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

const restore = "restore the file from a copy, or save the model again"

// at names the file in an error of this package.
func at(path string, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Path == "" {
		named := *e
		named.Path = path
		return &named
	}
	return err
}

// quote shortens a text that comes from a file, so that an error is never longer than a
// few lines.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
