package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/neuralode/neuralode/train/table"
)

// A bar is a number with a name.
type bar struct {
	label string
	value float64
	own   bool // of the model, not of a baseline
}

// drawBars draws numbers beside each other, from 0.
func drawBars(title string, bars []bar) template.HTML {
	const width, left, right, row = 470.0, 170.0, 56.0, 26.0
	most := 0.0
	for _, b := range bars {
		if !math.IsInf(b.value, 0) {
			most = max(most, b.value)
		}
	}
	// A baseline that explodes does not make the others invisible.
	least := math.Inf(1)
	for _, b := range bars {
		least = min(least, b.value)
	}
	most = min(most, 20*least)
	if !(most > 0) {
		most = 1
	}
	var s strings.Builder
	fmt.Fprintf(&s, `<svg class="chart bars" viewBox="0 0 %g %g" role="img" aria-label="%s"><text class="title" x="8" y="16">%s</text>`, width, 34+row*float64(len(bars)), html.EscapeString(title), html.EscapeString(title))
	for i, b := range bars {
		y := 30 + row*float64(i)
		class := "bar"
		if b.own {
			class = "bar own"
		}
		w := min(1, b.value/most) * (width - left - right)
		fmt.Fprintf(&s, `<text class="end" x="%g" y="%g">%s</text><rect class="%s" x="%g" y="%g" width="%.1f" height="16"/><text x="%.1f" y="%g">%s</text>`,
			left-8, y+13, html.EscapeString(b.label), class, left, y, w, left+w+6, y+13, short(b.value))
	}
	s.WriteString("</svg>")
	return template.HTML(s.String())
}

// drawStems draws correlations at lags from 0, with the bound of chance.
func drawStems(title, x string, values []float64, bound float64) template.HTML {
	c := &chart{Title: title, X: x, Y: "correlation"}
	lags := make([]float64, len(values))
	for i := range lags {
		lags[i] = float64(i)
		c.line("", "stem", []float64{lags[i], lags[i]}, []float64{0, values[i]})
	}
	ends := []float64{0, lags[len(lags)-1]}
	c.line("", "base", ends, []float64{bound, bound})
	c.line("", "base", ends, []float64{-bound, -bound})
	c.points("", "acf", lags, values)
	c.zero = true
	return c.svg()
}

// dateTicks are about n round dates.
func dateTicks(c *table.Clock, lo, hi float64, n int) []tick {
	from, to := c.At(lo), c.At(hi)
	span := to.Sub(from)
	number := func(t time.Time) float64 {
		return (float64(t.Unix()-c.Origin.Unix()) + float64(t.Nanosecond()-c.Origin.Nanosecond())*1e-9) / c.Unit.Seconds()
	}
	const day = 24 * time.Hour
	for _, step := range []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day} {
		if span > time.Duration(n)*step {
			continue
		}
		layout := "2 Jan"
		if step < time.Minute {
			layout = "15:04:05"
		} else if step < 12*time.Hour {
			layout = "15:04"
			if span > day {
				layout = "2 Jan 15:04"
			}
		}
		var all []tick
		for t := from.Truncate(step); !t.After(to); t = t.Add(step) {
			if !t.Before(from) {
				all = append(all, tick{number(t), t.Format(layout)})
			}
		}
		return all
	}
	for _, months := range []int{1, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000, 12000} {
		if span > time.Duration(n)*time.Duration(months)*30*day {
			continue
		}
		layout := "2006"
		if months < 12 {
			layout = "Jan 2006"
		}
		first := time.Date(from.Year()-from.Year()%max(1, months/12), 1, 1, 0, 0, 0, 0, time.UTC)
		var all []tick
		for t := first; !t.After(to); t = t.AddDate(0, months, 0) {
			if !t.Before(from) {
				all = append(all, tick{number(t), t.Format(layout)})
			}
		}
		return all
	}
	return nil
}
