package formula

import (
	"fmt"
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// The limits of a formula.
const (
	maxText  = 1 << 16
	maxDepth = 100
	maxTerms = 5000
)

type token struct {
	kind         kind
	text         string
	value        float64 // of a number
	line, column int
}

type kind int

const (
	end  kind = iota // of the text
	stop             // of an equation: a line break or a semicolon
	num
	name
	sign // one of + - * / ^ ( ) = '
)

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case stop:
		return "the end of the equation"
	}
	return strconv.Quote(t.text)
}

func (t token) fault(remedy, reason string, args ...any) *Error {
	return &Error{Line: t.line, Column: t.column, Reason: fmt.Sprintf(reason, args...), Remedy: remedy}
}

// lex cuts a text into tokens.
func lex(text string) ([]token, error) {
	if len(text) > maxText {
		return nil, &Error{Reason: fmt.Sprintf("%d bytes of text; at most %d", len(text), maxText)}
	}
	var all []token
	line, column := 1, 1
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		t := token{line: line, column: column}
		length := size
		switch {
		case r == '#':
			for length < len(text)-i && text[i+length] != '\n' {
				length++
			}
		case r == '\n' || r == ';':
			t.kind, t.text = stop, string(r)
		case unicode.IsSpace(r):
		case letter(r):
			for length < len(text)-i {
				r, size := utf8.DecodeRuneInString(text[i+length:])
				if !letter(r) && !unicode.IsDigit(r) {
					break
				}
				length += size
			}
			t.kind, t.text = name, text[i:i+length]
		case r >= '0' && r <= '9' || r == '.':
			length = numberLength(text[i:])
			v, err := strconv.ParseFloat(text[i:i+length], 64)
			if err != nil || math.IsInf(v, 0) {
				return nil, t.fault("write a number like 0.5 or 1e-3", "%q is not a number", text[i:i+length])
			}
			t.kind, t.text, t.value = num, text[i:i+length], v
		case r == '*' && i+1 < len(text) && text[i+1] == '*': // as Python writes powers
			t.kind, t.text, length = sign, "^", 2
		case r < utf8.RuneSelf && containsByte("+-*/^()='", byte(r)):
			t.kind, t.text = sign, string(r)
		default:
			return nil, t.fault("a formula has names, numbers, + - * / ^ and parentheses", "%q cannot be in a formula", string(r))
		}
		if t.kind != end {
			all = append(all, t)
		}
		for _, c := range text[i : i+length] {
			column++
			if c == '\n' {
				line, column = line+1, 1
			}
		}
		i += length
	}
	return append(all, token{kind: end, line: line, column: column}), nil
}

func letter(r rune) bool { return r == '_' || r != utf8.RuneError && unicode.IsLetter(r) }

func containsByte(s string, b byte) bool {
	for i := range len(s) {
		if s[i] == b {
			return true
		}
	}
	return false
}

// numberLength is the length of the number that a text begins with.
func numberLength(s string) int {
	i := 0
	digits := func() {
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
			i++
		}
	}
	digits()
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		k := i + 1
		if k < len(s) && (s[k] == '+' || s[k] == '-') {
			k++
		}
		if k < len(s) && s[k] >= '0' && s[k] <= '9' {
			i = k
			digits()
		}
	}
	return i
}
