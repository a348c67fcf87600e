package cli

import (
	"strconv"
	"time"

	"github.com/neuralode/neuralode/train/experiment"
	"github.com/neuralode/neuralode/train/serve"
	"github.com/neuralode/neuralode/train/table"
)

// moment reads a time from the command line: a number, or for tables with dates a date.
func moment(flag, text string, clock *table.Clock) (serve.Moment, error) {
	if v, err := strconv.ParseFloat(text, 64); err == nil && v-v == 0 {
		return serve.Moment{Number: v}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			if clock == nil {
				return serve.Moment{}, experiment.Usagef("-%s %q is a date, and the model's times are numbers", flag, text)
			}
			return serve.Moment{Date: at}, nil
		}
	}
	if clock != nil {
		return serve.Moment{}, experiment.Usagef("-%s %q is neither a date like 2006-01-02 or 2006-01-02T15:04:05Z nor a number of %v", flag, text, *clock)
	}
	return serve.Moment{}, experiment.Usagef("-%s %q is not a number", flag, text)
}

// stamp writes a time for a table: a date where the model's table has dates.
func stamp(t float64, clock *table.Clock) string {
	if clock == nil {
		return number(t)
	}
	at := clock.At(t).Round(time.Microsecond)
	if clock.Unit >= 24*time.Hour && at.Truncate(24*time.Hour).Equal(at) {
		return at.Format(time.DateOnly)
	}
	return at.Format(time.RFC3339Nano)
}
