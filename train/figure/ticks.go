package figure

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// ticks are marks at multiples of 1, 2 or 5 times a power of ten, about six of them, with
// as many decimals as they need.
type ticks struct{}

// Ticks implements plot.Ticker.
func (ticks) Ticks(lo, hi float64) []plot.Tick {
	span := hi - lo
	if !(span > 0) || math.IsInf(span, 0) {
		return plot.DefaultTicks{}.Ticks(lo, hi)
	}
	step, exponent := niceStep(span / 6)
	var marks []plot.Tick
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+1e-9*step; i++ {
		marks = append(marks, plot.Tick{Value: i * step, Label: tickLabel(i*step, exponent, max(math.Abs(lo), math.Abs(hi)))})
	}
	return marks
}

// niceStep returns the smallest of 1, 2 and 5 times a power of ten that is not below
// x, and that power's exponent.
func niceStep(x float64) (step float64, exponent int) {
	exponent = int(math.Floor(math.Log10(x)))
	power := math.Pow(10, float64(exponent))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x*(1-1e-9) {
			return m * power, exponent
		}
	}
	return 10 * power, exponent + 1
}

// tickLabel writes a multiple of a step of the given exponent on an axis that reaches
// as far as largest.
func tickLabel(v float64, exponent int, largest float64) string {
	var s string
	if largest >= 1e5 || exponent < -4 {
		digits := 0
		if v != 0 {
			digits = max(0, int(math.Floor(math.Log10(math.Abs(v))+1e-9))-exponent)
		}
		s = strconv.FormatFloat(v, 'e', digits, 64)
	} else {
		s = strconv.FormatFloat(v, 'f', max(0, -exponent), 64)
	}
	if v == 0 {
		s = "0"
	}
	return strings.ReplaceAll(s, "-", "−")
}

// logTicks are marks at the powers of ten, and minor ones at their multiples; on an
// axis with fewer than two powers of ten the 2s and 5s are labelled too.
type logTicks struct{}

// Ticks implements plot.Ticker.
func (logTicks) Ticks(lo, hi float64) []plot.Tick {
	first, last := int(math.Floor(math.Log10(lo))), int(math.Floor(math.Log10(hi)))
	powers := int(math.Floor(math.Log10(hi))) - int(math.Ceil(math.Log10(lo))) + 1
	every := max(1, powers/6)
	var marks []plot.Tick
	for e := first; e <= last; e++ {
		for m := 1; m <= 9; m++ {
			v := float64(m) * math.Pow(10, float64(e))
			if v < lo || v > hi {
				continue
			}
			tick := plot.Tick{Value: v}
			if m == 1 && e%every == 0 || powers < 2 && (m == 1 || m == 2 || m == 5) {
				tick.Label = strings.ReplaceAll(strconv.FormatFloat(v, 'g', 3, 64), "-", "−")
			}
			marks = append(marks, tick)
		}
	}
	return marks
}
