package table

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// stamp reads a time of one way of writing it.
type stamp func(text string) (time.Time, error)

func layout(l string) stamp {
	return func(text string) (time.Time, error) { return time.Parse(l, text) }
}

var layouts = func() (all []stamp) {
	for _, l := range []string{
		time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04",
		"2006-01-02 15:04", time.DateOnly, "2006-01", "2006/01/02", "2006/01/02 15:04:05", "2006/01/02 15:04",
		"02.01.2006", "02.01.2006 15:04", "02.01.2006 15:04:05",
	} {
		all = append(all, layout(l))
	}
	return all
}()

// timeFormat returns how a text writes a date; nil if it is none.
func timeFormat(text string) stamp {
	if len(text) < len("2006-01") || len(text) > 40 {
		return nil
	}
	if nanoseconds(text) {
		return parseNanoseconds
	}
	for _, s := range layouts {
		if _, err := s(text); err == nil {
			return s
		}
	}
	return nil
}

// nanoseconds reports whether a text is a whole number too large for a float64 to hold
// exactly: nanoseconds since 1970, as databases write them.
func nanoseconds(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && (n > 1<<53 || n < -1<<53)
}

func parseNanoseconds(text string) (time.Time, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(0, n).UTC(), err
}

// dayAndMonth reports whether a text is a date in which it is open what is the day.
func dayAndMonth(text string) bool {
	date, _, _ := strings.Cut(text, " ")
	for _, l := range []string{"1/2/2006", "2/1/2006", "1/2/06", "2/1/06", "1-2-2006", "2-1-2006"} {
		if _, err := time.Parse(l, date); err == nil {
			return true
		}
	}
	return false
}

// since returns b − a in seconds.
func since(a, b time.Time) float64 {
	return float64(b.Unix()-a.Unix()) + float64(b.Nanosecond()-a.Nanosecond())/1e9
}

// newClock returns a clock for dates that span some seconds: the largest unit of which there
// are three at least.
func newClock(origin time.Time, seconds float64) Clock {
	for _, u := range units {
		if math.Abs(seconds) >= 3*u.length.Seconds() {
			return Clock{origin, u.length}
		}
	}
	return Clock{origin, time.Second}
}
