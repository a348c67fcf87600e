package formula

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Param is a parameter of a formula.
type Param struct {
	Name  string   `json:"name"`
	Start float64  `json:"start"`
	Low   *float64 `json:"low,omitempty"` // bound; nil: none
	High  *float64 `json:"high,omitempty"`
}

// ParseParam reads "alpha", "alpha=0.5", or with bounds, of which one may be left out, "alpha=0.5[0,2]", "alpha=3[0,]". The
// default start is 1, or the middle of the bounds.
func ParseParam(text string) (Param, error) {
	fault := func(reason string, args ...any) error {
		return &Error{Reason: fmt.Sprintf("the parameter %q: ", text) + fmt.Sprintf(reason, args...), Remedy: "write one like alpha=0.5 or alpha=0.5[0,2]"}
	}
	p := Param{Start: math.NaN()}
	rest, bounds, bounded := strings.Cut(strings.TrimSpace(text), "[")
	id, start, started := strings.Cut(rest, "=")
	p.Name = strings.TrimSpace(id)
	if tokens, err := lex(p.Name); err != nil || len(tokens) != 2 || tokens[0].kind != name {
		return p, fault("%q is not a name", p.Name)
	}
	number := func(s string) (float64, error) {
		v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err == nil && v-v != 0 {
			err = strconv.ErrRange
		}
		return v, err
	}
	var err error
	if started {
		if p.Start, err = number(start); err != nil {
			return p, fault("the start %q is not a number", strings.TrimSpace(start))
		}
	}
	if bounded {
		inner, closed := strings.CutSuffix(strings.TrimSpace(bounds), "]")
		low, high, two := strings.Cut(inner, ",")
		if !closed || !two {
			return p, fault("bounds are two numbers in brackets")
		}
		for _, b := range []struct {
			text string
			into **float64
		}{{low, &p.Low}, {high, &p.High}} {
			if b.text = strings.TrimSpace(b.text); b.text == "" || strings.EqualFold(strings.TrimLeft(b.text, "+-"), "inf") {
				continue
			}
			v, err := number(b.text)
			if err != nil {
				return p, fault("the bound %q is not a number", b.text)
			}
			*b.into = &v
		}
	}
	if !started {
		p.Start = p.middle()
	}
	return p, p.check()
}

// middle is a start within the bounds.
func (p Param) middle() float64 {
	switch {
	case p.Low != nil && p.High != nil:
		return *p.Low + (*p.High-*p.Low)/2
	case p.Low != nil:
		return *p.Low + 1
	case p.High != nil:
		return *p.High - 1
	}
	return 1
}

func (p Param) check() error {
	finite := func(v *float64) bool { return v == nil || *v-*v == 0 }
	switch {
	case p.Start-p.Start != 0 || !finite(p.Low) || !finite(p.High):
		return &Error{Reason: fmt.Sprintf("the parameter %s: start and bounds must be finite", p.Name)}
	case p.Low != nil && p.High != nil && !(*p.Low < *p.High) || p.Low != nil && p.High != nil && math.IsInf(*p.High-*p.Low, 0):
		return &Error{Reason: fmt.Sprintf("the parameter %s: the bounds %v and %v are no interval", p.Name, *p.Low, *p.High)}
	case p.Low != nil && !(p.Start > *p.Low) || p.High != nil && !(p.Start < *p.High):
		return &Error{Reason: fmt.Sprintf("the parameter %s: the start %v is not between its bounds", p.Name, p.Start), Remedy: "start inside of them"}
	}
	return nil
}

// raw is what is learned where the parameter begins.
func (p Param) raw() float64 {
	switch {
	case p.Low != nil && p.High != nil:
		s := (p.Start - *p.Low) / (*p.High - *p.Low)
		return math.Log(s / (1 - s))
	case p.Low != nil:
		return math.Log(p.Start - *p.Low)
	case p.High != nil:
		return math.Log(*p.High - p.Start)
	case p.Start != 0:
		return 1
	}
	return 0
}

// Value is the parameter for a value of what is learned.
func (p Param) Value(raw float64) float64 {
	switch {
	case p.Low != nil && p.High != nil:
		return *p.Low + (*p.High-*p.Low)/(1+math.Exp(-raw))
	case p.Low != nil:
		return *p.Low + math.Exp(raw)
	case p.High != nil:
		return *p.High - math.Exp(raw)
	case p.Start != 0:
		return p.Start * raw
	}
	return raw
}
