package table

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// missing reports whether a cell says that there is no value.
func missing(text string) bool {
	if len(text) > 8 {
		return false
	}
	switch strings.ToLower(text) {
	case "", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "?", "-", "--", ".":
		return true
	}
	return false
}

// decimal is the sign before the fraction: '.', ',' or 0, not seen yet.
type decimal rune

var (
	errNotNumber = errors.New("is not a number")
	errInfinite  = errors.New("is not finite")
	errMixed     = errors.New("has another decimal sign than the numbers before it")
	errThousands = errors.New("has both . and ,")
)

// parse reads a number. Commas are decimal signs only if they do not separate columns.
func (d *decimal) parse(text string, commas bool) (float64, error) {
	if commas && strings.IndexByte(text, ',') >= 0 {
		switch {
		case strings.IndexByte(text, '.') >= 0:
			return 0, errThousands
		case strings.Count(text, ",") > 1:
			return 0, errNotNumber
		}
		point := strings.Replace(text, ",", ".", 1)
		v, err := finite(point)
		if err == nil && *d == '.' {
			return 0, errMixed
		}
		if err == nil {
			*d = ','
		}
		return v, err
	}
	if strings.IndexByte(text, '.') < 0 {
		return finite(text)
	}
	v, err := finite(text)
	if err == nil && *d == ',' {
		return 0, errMixed
	}
	if err == nil {
		*d = '.'
	}
	return v, err
}

func finite(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case math.IsInf(v, 0) && (err == nil || errors.Is(err, strconv.ErrRange)):
		return 0, errInfinite
	case err != nil, v != v, strings.IndexByte(text, '_') >= 0:
		return 0, errNotNumber
	}
	return v, nil
}
